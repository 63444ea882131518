package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// audioFrame is one frame of samples as announced by ashowinfo.
type audioFrame struct {
	// pts is in samples at the output rate.
	pts   int64
	count int
}

// DecodeMono decodes the first audio track of a file as one channel at a sample rate. It
// passes on each frame with its PTS, in samples since PTS 0, with edit lists and
// priming applied as a player does. The slice is reused for the next frame.
func (t *Tool) DecodeMono(
	ctx context.Context,
	source Source,
	sampleRate int,
	each func(pts int64, samples []float32) error,
) error {
	rate := strconv.Itoa(sampleRate)
	filter := "aresample=" + rate + ",aformat=sample_fmts=flt:channel_layouts=mono,asettb=1/" + rate + ",ashowinfo"
	c := t.sound(Sound{Source: source}, filter, floats()...)
	frames := newPTSQueue[audioFrame]()
	r, err := t.open(ctx, "decode sound", c, source, func(line string) bool {
		m := ashowinfoLine.FindStringSubmatch(line)
		if m == nil {
			return false
		}
		h := audioFrame{pts: FirstPTS}
		if pts, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			h.pts = pts
		}
		count, err := strconv.Atoi(m[2])
		if err != nil {
			return false
		}
		h.count = count
		frames.push(h)
		return true
	})
	if err != nil {
		return err
	}
	go func() {
		r.proc.log.Wait()
		frames.close()
	}()
	if err := readAudioFrames(r, frames, each); err != nil {
		r.proc.stop()
		_ = r.out.Close()
		if waitErr := r.proc.wait(); errors.Is(err, io.ErrUnexpectedEOF) && waitErr != nil {
			return waitErr // FFmpeg's own words say more than a short read
		}
		return err
	}
	return r.proc.wait()
}

// readAudioFrames reads the samples of every announced frame.
func readAudioFrames(
	r *run,
	frames *ptsQueue[audioFrame],
	each func(int64, []float32) error,
) error {
	var raw []byte
	var samples []float32
	for {
		var h audioFrame
		ok := false
		r.await(func() { h, ok = frames.pop() })
		if !ok {
			_, err := io.Copy(io.Discard, r.out)
			return err
		}
		if len(raw) < 4*h.count {
			raw = make([]byte, 4*h.count)
			samples = make([]float32, h.count)
		}
		if _, err := io.ReadFull(r.out, raw[:4*h.count]); err != nil {
			return fmt.Errorf(
				"decode sound: read samples: %w",
				errors.Join(io.ErrUnexpectedEOF, err),
			)
		}
		readFloats(samples[:h.count], raw)
		if err := each(h.pts, samples[:h.count]); err != nil {
			return err
		}
	}
}
