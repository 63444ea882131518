package sound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Stretch decodes the sound of a segment in [from, until), since the file's zero, as one channel at
// [ffmpeg.SampleRate], and passes it on piece by piece; a piece is reused for the next. What cannot be decoded
// ends it early.
func Stretch(
	ctx context.Context, p *probe.Prober, open *probe.OpenSegment, from, until time.Duration, each func([]float32),
) (err error) {
	samples := open.SoundSamples(timeline.Run{From: from, Until: until})
	view, base, err := samples.View(0, probe.SamplesIn(until-from, samples.Rate))
	if err != nil {
		return fmt.Errorf("listen to %s: %w", open.Segment.Path, err)
	}
	served := p.Proxy.ServeSparse(view)
	defer func() { err = errors.Join(err, served.Close()) }()
	stream, err := p.Tool.OpenSound(ctx, ffmpeg.Sound{
		Source:   served,
		From:     -base,
		Until:    probe.SamplesIn(until-from, samples.Rate) - base,
		Channels: 1,
	})
	if err != nil {
		return fmt.Errorf("listen to %s: %w", open.Segment.Path, err)
	}
	defer stream.Close()
	piece := make([]float32, ffmpeg.SampleRate/10)
	for {
		n, err := stream.Read(piece)
		each(piece[:n])
		switch {
		case errors.Is(err, io.EOF), ffmpeg.IsUndecodable(err):
			return nil
		case err != nil:
			return fmt.Errorf("listen to %s: %w", open.Segment.Path, err)
		}
	}
}
