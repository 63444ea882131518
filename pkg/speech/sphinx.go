package speech

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/confine"
	"github.com/nvr-miem/merger/pkg/fault"
)

// sphinx is pocketsphinx with its English model, of the Debian packages pocketsphinx and pocketsphinx-en-us.
type sphinx struct {
	program string
	models  string // folder
}

// sphinxModels is where Debian installs the models.
const sphinxModels = "/usr/share/pocketsphinx/model/en-us"

func openSphinx() (Engine, error) {
	const name = "pocketsphinx_continuous"
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, &fault.PermanentError{Cause: cause.SpeechProgramMissing(name), Err: err}
	}
	if _, err := os.Stat(filepath.Join(sphinxModels, "en-us.lm.bin")); err != nil {
		return nil, &fault.PermanentError{Cause: cause.SpeechModelMissing(sphinxModels, err.Error()), Err: err}
	}
	return &sphinx{program: path, models: sphinxModels}, nil
}

// Name implements [Engine].
func (s *sphinx) Name() string { return Pocketsphinx }

// Recognize implements [Engine]. The model is English, whatever the language.
func (s *sphinx) Recognize(ctx context.Context, clip Clip) ([]captions.Word, error) {
	const (
		memory      = 1 << 30
		outputBytes = 16 << 20
	)
	out, err := program{
		path: s.program,
		args: []string{
			"-infile", clip.Path,
			"-time", "yes",
			"-hmm", filepath.Join(s.models, "en-us"),
			"-lm", filepath.Join(s.models, "en-us.lm.bin"),
			"-dict", filepath.Join(s.models, "cmudict-en-us.dict"),
		},
		// It takes as long as the sound lasts at most, and some seconds for its model.
		limits: confine.Limits{Memory: memory, CPU: 4*clip.Length + time.Minute},
		wait:   10*clip.Length + 5*time.Minute,
		output: outputBytes,
	}.run(ctx)
	if err != nil {
		return nil, err
	}
	return parseSphinx(string(out)), nil
}

// parseSphinx parses the lines of "-time yes": word, start, end and confidence. Other lines hold the text of
// an utterance. Words such as <sil> and [NOISE] are no words, and "(2)" names a pronunciation.
func parseSphinx(out string) []captions.Word {
	var words []captions.Word
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 4 || strings.ContainsAny(f[0][:1], "<[+") {
			continue
		}
		start, ok := parseSeconds(f[1])
		end, alsoOK := parseSeconds(f[2])
		if _, err := strconv.ParseFloat(f[3], 64); err != nil || !ok || !alsoOK || end < start {
			continue
		}
		text, _, _ := strings.Cut(f[0], "(")
		words = append(words, captions.Word{Text: text, Start: start, End: end})
	}
	return words
}

// parseSeconds reads seconds with three decimals, up to a week.
func parseSeconds(text string) (time.Duration, bool) {
	whole, decimals, found := strings.Cut(text, ".")
	seconds, err := strconv.ParseUint(whole, 10, 32)
	ms, msErr := strconv.ParseUint(decimals, 10, 16)
	if err != nil || msErr != nil || !found || len(decimals) != 3 || seconds > 7*24*3600 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(ms)*time.Millisecond, true
}
