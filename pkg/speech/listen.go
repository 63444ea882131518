package speech

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/sound"
)

// maxClip is the longest piece of sound that an engine gets.
const maxClip = 20 * time.Minute

// Listener recognises the words of finished videos.
type Listener struct {
	Tool   *ffmpeg.Tool
	Engine Engine
	// Dir is a folder for clips. It is created if it is missing. An hour of sound takes 115 MB there.
	Dir string
	// Progress is told how much of the sound was recognised, from 0 to 1. It may be nil.
	Progress func(done float64)
}

// Words returns the words of a video's sound, from its start. Where no voice is heard there are none.
func (l *Listener) Words(ctx context.Context, video ffmpeg.Source, o Options) ([]captions.Word, error) {
	blocks, err := l.blocks(ctx, video)
	if err != nil {
		return nil, fmt.Errorf("recognise speech: %w", err)
	}
	voice := captions.Speech(blocks)
	chunks := captions.Chunks(blocks, voice, maxClip)
	if len(chunks) == 0 {
		return nil, nil
	}
	clips, err := l.cut(ctx, video, chunks, voice)
	if err != nil {
		return nil, err
	}
	var heard []captions.Recognised
	for i, clip := range clips {
		clip.Options = o
		words, err := l.Engine.Recognize(ctx, clip)
		if err != nil {
			return nil, err
		}
		for k := range words {
			words[k].Start += chunks[i].Start
			words[k].End += chunks[i].Start
		}
		heard = append(heard, captions.Recognised{Chunk: chunks[i], Words: words})
		if l.Progress != nil {
			l.Progress(float64(i+1) / float64(len(clips)))
		}
		if err := os.Remove(clip.Path); err != nil {
			return nil, fmt.Errorf("remove a clip: %w", err)
		}
	}
	return captions.Gate(captions.Clean(captions.Join(heard)), voice), nil
}

// blocks measures the sound. Silence, noise and music are no voice.
func (l *Listener) blocks(ctx context.Context, video ffmpeg.Source) ([]captions.Block, error) {
	levels, err := l.Tool.MeasureLevels(ctx, ffmpeg.Sound{
		Source:   video,
		Channels: 1,
		From:     ffmpeg.FirstPTS,
		Until:    ffmpeg.LastPTS,
	})
	if err != nil {
		return nil, err
	}
	var blocks []captions.Block
	voice := false
	for _, level := range sound.VoiceLevels(levels) {
		blocks = append(blocks, captions.Block(level))
		voice = voice || level.Voice
	}
	if !voice {
		return nil, nil
	}
	tones := newToneMeter()
	if err := l.Tool.DecodeMono(ctx, video, toneRate, tones.add); err != nil {
		return nil, err
	}
	tones.mute(blocks)
	return blocks, nil
}

// cut decodes the sound once and writes the clips of the chunks. What is no voice is muted.
func (l *Listener) cut(
	ctx context.Context, video ffmpeg.Source, chunks []captions.Chunk, voice []captions.Span,
) (clips []Clip, err error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("write clips: %w", err)
	}
	c := &cutter{voice: voice}
	defer func() { err = errors.Join(err, c.close()) }()
	for i, chunk := range chunks {
		path := filepath.Join(l.Dir, "clip-"+strconv.Itoa(i)+".wav")
		w, err := createWAV(path)
		if err != nil {
			return nil, err
		}
		c.writers = append(c.writers, w)
		c.bounds = append(c.bounds, [2]int64{samplesIn(chunk.Start), samplesIn(chunk.End)})
		clips = append(clips, Clip{Path: path, Length: chunk.End - chunk.Start})
	}
	if err := l.Tool.DecodeMono(ctx, video, SampleRate, c.add); err != nil {
		return nil, fmt.Errorf("recognise speech: %w", err)
	}
	return clips, nil
}

// samplesIn returns how many samples of a clip lie before a time.
func samplesIn(t time.Duration) int64 { return int64(t) * SampleRate / int64(time.Second) }

// cutter divides samples among clips.
type cutter struct {
	writers []*wavWriter
	bounds  [][2]int64 // of each clip, in samples
	voice   []captions.Span
	open    int // the first clip that is not complete
	span    int // the first stretch of voice that has not ended
}

// add adds decoded samples, the first of them at a time. It implements the callback of
// [ffmpeg.Tool.DecodeMono].
func (c *cutter) add(pts int64, samples []float32) error {
	for i, sample := range samples {
		at := pts + int64(i)
		for c.span < len(c.voice) && at >= samplesIn(c.voice[c.span].End) {
			c.span++
		}
		if c.span == len(c.voice) || at < samplesIn(c.voice[c.span].Start) {
			sample = 0
		}
		for c.open < len(c.bounds) && at >= c.bounds[c.open][1] {
			c.open++
		}
		for k := c.open; k < len(c.bounds) && at >= c.bounds[k][0]; k++ {
			// A gap in the sound is silence in the clip.
			for c.bounds[k][0]+c.writers[k].samples < at {
				c.writers[k].add(0)
			}
			c.writers[k].add(sample)
		}
	}
	return nil
}

// close completes all clips.
func (c *cutter) close() error {
	var errs []error
	for _, w := range c.writers {
		// Recognisers need some silence to see the end of the last word.
		for range SampleRate / 2 {
			w.add(0)
		}
		errs = append(errs, w.close())
	}
	return errors.Join(errs...)
}
