package sound

import (
	"context"
	"errors"
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
) error {
	run := timeline.Run{From: from, Until: until}
	_, _, err := decodeRun(p, open, run, 1, func(s ffmpeg.Sound) (struct{}, error) {
		stream, err := p.Tool.OpenSound(ctx, s)
		if err != nil {
			return struct{}{}, err
		}
		defer stream.Close()
		return struct{}{}, pass(stream, each)
	})
	return err
}

// pass passes on a stream of one channel.
func pass(stream *ffmpeg.SoundStream, each func([]float32)) error {
	piece := make([]float32, ffmpeg.SampleRate/10)
	for {
		n, err := stream.Read(piece)
		each(piece[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
