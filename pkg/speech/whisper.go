package speech

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/confine"
	"github.com/nvr-miem/merger/pkg/fault"
)

// whisper is whisper-cli of whisper.cpp with a model file.
type whisper struct {
	program string
	model   string
	size    uint64 // bytes of the model
	threads int
}

// openWhisper checks the program and the model. If a file MODEL.sha256 is beside the model, as sha256sum
// writes it, the model must have that sum.
func openWhisper(ctx context.Context, model string) (Engine, error) {
	const name = "whisper-cli"
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, &fault.PermanentError{Cause: cause.SpeechProgramMissing(name), Err: err}
	}
	missing := func(err error) error {
		return &fault.PermanentError{Cause: cause.SpeechModelMissing(model, err.Error()), Err: err}
	}
	info, err := os.Stat(model)
	if err != nil {
		return nil, missing(err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, missing(errors.New("it is not a file with content"))
	}
	list, err := os.ReadFile(model + ".sha256") // #nosec G304 -- beside the model that the operator named
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, missing(err)
	}
	if err == nil {
		want := strings.ToLower(strings.TrimSpace(firstField(string(list))))
		got, err := sumOf(ctx, model)
		if err != nil {
			return nil, missing(err)
		}
		if got != want {
			return nil, &fault.PermanentError{Cause: cause.SpeechModelChanged(model, want, got)}
		}
	}
	const maxThreads = 8
	return &whisper{
		program: path,
		model:   model,
		size:    uint64(info.Size()), // #nosec G115 -- not negative
		threads: min(maxThreads, runtime.NumCPU()),
	}, nil
}

func firstField(text string) string {
	for _, field := range strings.Fields(text) {
		return field
	}
	return ""
}

// sumOf returns the SHA-256 of a file, in hex.
func sumOf(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path) // #nosec G304 -- the model that the operator named
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it is only read
	sum := sha256.New()
	for {
		_, err := io.CopyN(sum, file, 64<<20)
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(sum.Sum(nil)), nil
		case err != nil:
			return "", err
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		}
	}
}

// Name implements [Engine].
func (w *whisper) Name() string { return Whisper + ":" + filepath.Base(w.model) }

// Recognize implements [Engine].
func (w *whisper) Recognize(ctx context.Context, clip Clip) ([]captions.Word, error) {
	const (
		memory      = 2 << 30 // beside twice the model
		outputBytes = 1 << 20
		jsonBytes   = 64 << 20
	)
	language := clip.Language
	if language == "" {
		language = "auto"
	}
	base := strings.TrimSuffix(clip.Path, filepath.Ext(clip.Path))
	args := []string{
		"-m", w.model,
		"-f", clip.Path,
		"-l", language,
		"-t", strconv.Itoa(w.threads),
		"-ml", "1", "-sow", // a segment a word
		"-sns", // no signs for what is not speech
		"-np",
		"-oj", "-of", base,
	}
	if prompt := promptOf(clip.Hints); prompt != "" {
		args = append(args, "--prompt", prompt)
	}
	result := base + ".json"
	defer func() { _ = os.Remove(result) }() // the folder of the clip goes as a whole
	work := 20*clip.Length + 5*time.Minute
	_, err := program{
		path:   w.program,
		args:   args,
		limits: confine.Limits{Memory: 2*w.size + memory, CPU: work * time.Duration(w.threads)},
		wait:   work,
		output: outputBytes,
	}.run(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(result) // #nosec G304 -- a name that this package chose
	if err != nil {
		return nil, failed(fmt.Errorf("read the words of whisper-cli: %w", err))
	}
	defer func() { _ = file.Close() }() // it is only read
	text, err := io.ReadAll(io.LimitReader(file, jsonBytes+1))
	if err == nil && len(text) > jsonBytes {
		err = fmt.Errorf("the result is longer than %d bytes", jsonBytes)
	}
	if err != nil {
		return nil, failed(fmt.Errorf("read the words of whisper-cli: %w", err))
	}
	return parseWhisper(text, clip.Length)
}

// promptOf returns hints as a prompt. Whisper reads 224 tokens of one, about so many bytes.
func promptOf(hints []string) string {
	const maxBytes = 600
	var prompt strings.Builder
	for _, hint := range hints {
		hint = strings.Join(strings.Fields(hint), " ")
		if hint == "" || prompt.Len()+len(hint)+2 > maxBytes {
			continue
		}
		if prompt.Len() > 0 {
			prompt.WriteString(", ")
		}
		prompt.WriteString(hint)
	}
	return prompt.String()
}

// parseWhisper parses the JSON of "-oj -ml 1 -sow": a segment a word, with offsets in milliseconds. A
// segment that begins without a space continues the word before it. What stands in brackets is no speech.
func parseWhisper(text []byte, length time.Duration) ([]captions.Word, error) {
	var result struct {
		Transcription []struct {
			Offsets struct{ From, To int64 }
			Text    string
		}
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, failed(fmt.Errorf("read the words of whisper-cli: %w", err))
	}
	limit := length.Milliseconds()
	at := func(ms int64) time.Duration { return time.Duration(max(0, min(ms, limit))) * time.Millisecond }
	var words []captions.Word
	aside := false
	for _, segment := range result.Transcription {
		plain := strings.TrimSpace(segment.Text)
		if plain == "" {
			continue
		}
		start, end := at(segment.Offsets.From), at(segment.Offsets.To)
		aside = aside || plain[0] == '['
		switch n := len(words); {
		case aside:
			aside = !strings.HasSuffix(plain, "]")
		case n > 0 && !strings.HasPrefix(segment.Text, " "):
			words[n-1].Text += plain
			words[n-1].End = max(end, words[n-1].End)
		default:
			words = append(words, captions.Word{Text: plain, Start: start, End: max(start, end)})
		}
	}
	return words, nil
}
