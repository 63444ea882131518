package speech_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/speech"
)

// whisperOn installs the stand-in of whisper-cli for a test and returns the path of a model.
func whisperOn(t *testing.T, model whisperModel) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, asWhisper)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	model.Magic = "ggml"
	text, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ggml-stand-in.bin")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openWhisper(t *testing.T, model string) speech.Engine {
	t.Helper()
	engine, err := speech.Open(t.Context(), speech.Choice{Engine: speech.Whisper, Model: model})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// causeCode returns the code of a permanent error.
func causeCode(t *testing.T, err error) cause.Code {
	t.Helper()
	if fault.KindOf(err) != fault.Permanent {
		t.Fatalf("error %v is not permanent", err)
	}
	return fault.CauseOf(err).Code()
}

// TestWhisper passes a video to whisper-cli: its words get the time of the video, and what it invents where
// no voice is heard is dropped.
func TestWhisper(t *testing.T) {
	args := filepath.Join(t.TempDir(), "args")
	model := whisperOn(t, whisperModel{
		Args: args,
		Words: []whisperWord{
			{0, 0, ""},
			{200, 600, " Доброе"},
			{600, 900, " ут"},
			{900, 1000, "ро."},
			{1000, 1400, " [МУЗЫКА]"},
			{30000, 31000, " Субтитры"}, // where the clip has ended
		},
	})
	s := &sounds{TB: t, dir: t.TempDir()}
	s.play(2, silence)
	s.say("Good morning. Today we talk about linear algebra.")
	s.play(6, roomNoise)
	l := &speech.Listener{Tool: findTool(t), Engine: openWhisper(t, model), Dir: t.TempDir()}
	words, err := l.Words(t.Context(), s.video(), speech.Options{Language: "ru", Hints: []string{"Линейная\nалгебра", "ядро"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(words) != 2 || words[0].Text != "Доброе" || words[1].Text != "утро." {
		t.Fatalf("words %v", words)
	}
	if from := words[0].Start; from < 1900*time.Millisecond || from > 2600*time.Millisecond {
		t.Errorf("the first word begins at %v, spoken %v", from, s.spoken)
	}
	got, err := os.ReadFile(args)
	if err != nil || !strings.Contains(string(got), "-l\nru\n") || !strings.Contains(string(got), "Линейная алгебра, ядро") {
		t.Errorf("arguments %q, error %v", got, err)
	}
	if name := l.Engine.Name(); name != "whisper:ggml-stand-in.bin" {
		t.Errorf("name %q", name)
	}
}

// clip returns a clip of a second that the stand-in accepts.
func clip(t *testing.T) speech.Clip {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.wav")
	s := &sounds{TB: t}
	s.run("ffmpeg", "-v", "error", "-f", "lavfi", "-t", "1", "-i", "anullsrc=r=16000:cl=mono", "-bitexact", path)
	return speech.Clip{Path: path, Length: time.Second}
}

func TestWhisperFails(t *testing.T) {
	for behave, says := range map[string]string{
		"fail":    "failed to process audio",
		"garbage": "read the words of whisper-cli",
		"hog":     "out of memory",
	} {
		engine := openWhisper(t, whisperOn(t, whisperModel{Behave: behave}))
		_, err := engine.Recognize(t.Context(), clip(t))
		if code := causeCode(t, err); code != cause.CodeSpeechFailed || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", behave, err)
		}
	}
}

func TestWhisperIsCancelled(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	engine := openWhisper(t, whisperOn(t, whisperModel{Behave: "hang", Args: started}))
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer stop()
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				return
			}
		}
	}()
	if _, err := engine.Recognize(ctx, clip(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestOpenWhisper(t *testing.T) {
	model := whisperOn(t, whisperModel{})
	text, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	open := func(path string) error {
		_, err := speech.Open(t.Context(), speech.Choice{Engine: speech.Whisper, Model: path})
		return err
	}
	if err := os.WriteFile(model+".sha256", []byte(hex.EncodeToString(sum[:])+"  ggml.bin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(model); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(model, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := causeCode(t, open(model)); code != cause.CodeSpeechModelChanged {
		t.Errorf("a changed model: %s", code)
	}
	for _, path := range []string{model + ".none", filepath.Dir(model)} {
		if code := causeCode(t, open(path)); code != cause.CodeSpeechModelMissing {
			t.Errorf("%s: %s", path, code)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if code := causeCode(t, open(model)); code != cause.CodeSpeechProgramMissing {
		t.Errorf("no program: %s", code)
	}
	_, err = speech.Open(t.Context(), speech.Choice{Engine: speech.Pocketsphinx})
	if code := causeCode(t, err); code != cause.CodeSpeechProgramMissing {
		t.Errorf("no pocketsphinx: %s", code)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]speech.Choice{
		"":                     {Engine: speech.None},
		"none":                 {Engine: speech.None},
		"pocketsphinx":         {Engine: speech.Pocketsphinx},
		"whisper:/m/ggml:q5.b": {Engine: speech.Whisper, Model: "/m/ggml:q5.b"},
	} {
		got, err := speech.Parse(value)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", value, err, diff)
		}
	}
	for _, value := range []string{"whisper", "whisper:", "pocketsphinx:x", "google", "None"} {
		if got, err := speech.Parse(value); err == nil {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func FuzzParseWhisper(f *testing.F) {
	f.Add([]byte(`{"transcription":[{"offsets":{"from":0,"to":200},"text":" a"},{"offsets":{"from":200,"to":100},"text":"[b"}]}`))
	f.Add([]byte(`{"transcription":[{"offsets":{"from":-9223372036854775808,"to":9223372036854775807},"text":" \u0000\ud800"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		checkWords(t, len(text), func() []captions.Word {
			words, err := speech.ParseWhisper(text, time.Minute)
			if err != nil && fault.KindOf(err) != fault.Permanent {
				t.Error(err)
			}
			return words
		})
	})
}

func FuzzParseSphinx(f *testing.F) {
	f.Add("good morning\n<s> 2.900 3.010 1.000100\ngood(2) 3.020 3.230 0.913282\n")
	f.Add("a 99999999.000 1.000 x\n( 0.000 0.000 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		checkWords(t, len(text), func() []captions.Word { return speech.ParseSphinx(text) })
	})
}

// checkWords wants words of an output of some bytes to have times that can be laid out, in bounded memory.
func checkWords(t *testing.T, size int, parse func() []captions.Word) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	words := parse()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("parsing %d bytes allocated %d MB", size, n>>20)
	}
	for _, w := range words {
		if w.Start < 0 || w.End < w.Start {
			t.Errorf("word %+v", w)
		}
	}
	captions.Cues(words)
}
