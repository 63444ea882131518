// Package speech recognises the words of a video's sound.
//
// An [Engine] is a speech recogniser: pocketsphinx or whisper.cpp, each a process of its own that gets fixed
// arguments and files that this package has written, without a shell. It is bounded in memory and time.
// [Listener] cuts the sound at pauses, mutes what is no voice, passes it to the engine and joins the words.
// Start with [Parse] and [Open].
package speech

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
)

// Engine is a speech recogniser.
type Engine interface {
	// Name returns the name of the engine, with its model if it can have several.
	Name() string
	// Recognize returns the words of a clip. Their times count from its start. An error that names the cause
	// for people is a permanent one of package fault.
	Recognize(ctx context.Context, clip Clip) ([]captions.Word, error)
}

// SampleRate is the sample rate of a [Clip], in Hz.
const SampleRate = 16000

// Clip is a piece of sound: a WAV file of one channel, 16 bits and [SampleRate].
type Clip struct {
	Path   string
	Length time.Duration
	Options
}

// Options help an engine to recognise words.
type Options struct {
	// Language is ru, en or empty. An engine of one language ignores it.
	Language string
	// Hints are rare words that may be said, for example those of the slides.
	Hints []string
}

// Choice is a value of --speech or SPEECH.
type Choice struct {
	// Engine is none, pocketsphinx or whisper.
	Engine string
	// Model is the path of the model file of whisper.
	Model string
}

// The values of [Choice.Engine].
const (
	None         = "none"
	Pocketsphinx = "pocketsphinx"
	Whisper      = "whisper"
)

// Parse reads none, pocketsphinx or whisper:MODEL. An empty value is none.
func Parse(value string) (Choice, error) {
	name, model, found := strings.Cut(value, ":")
	switch {
	case value == "" || value == None:
		return Choice{Engine: None}, nil
	case value == Pocketsphinx:
		return Choice{Engine: Pocketsphinx}, nil
	case name == Whisper && found && model != "":
		return Choice{Engine: Whisper, Model: model}, nil
	}
	return Choice{}, fmt.Errorf("speech %q: want none, pocketsphinx or whisper:MODEL", value)
}

// Open returns the engine of a choice, or nil for none. An error is permanent and names what is missing.
func Open(ctx context.Context, c Choice) (Engine, error) {
	switch c.Engine {
	case Pocketsphinx:
		return openSphinx()
	case Whisper:
		return openWhisper(ctx, c.Model)
	}
	return nil, nil //nolint:nilnil // none is a choice
}
