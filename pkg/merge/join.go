package merge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Meta is what the finished file says of itself.
func (p *Plan) Meta() mp4.Meta {
	meta := mp4.Meta{Frames: p.Frames, Rate: mp4.Rate{Num: int64(p.Encoding.Rate), Den: 1}, Title: p.Title, Date: p.Start.Format("2006-01-02"), Room: p.Room}
	for _, scene := range p.Scenes {
		meta.Chapters = append(meta.Chapters, mp4.Chapter{
			StartFrame: scene.First, Title: p.Window().Time(scene.First).Format("15:04:05") + " " + chapterName(scene.Layout),
		})
	}
	return meta
}

func chapterName(layout timeline.Layout) string {
	switch layout {
	case timeline.LecturerScreen:
		return "лектор и экран · lecturer and screen"
	case timeline.LecturerBoard:
		return "лектор и доска · lecturer and board"
	case timeline.Alone:
		return "лектор · lecturer"
	case timeline.OnlyScreen:
		return "экран · screen"
	case timeline.OnlyBoard:
		return "доска · board"
	case timeline.Nothing:
	}
	return "нет записи · not recorded"
}

// join writes the finished file: the header that joins the parts' tables, and the parts' bytes as
// they are. It is written beside out and renamed when it is whole.
func (e *Engine) join(ctx context.Context, plan *Plan, work *WorkDir, out string) (bytes int64, sum string, err error) {
	parts := make([]*mp4.Part, len(plan.Slices))
	media := make([]string, len(plan.Slices))
	total := int64(0)
	for i, slice := range plan.Slices {
		p := work.part(plan.SliceDigest(i), slice.End-slice.First)
		if p == nil {
			return 0, "", fmt.Errorf("join: part %d is gone", i)
		}
		parts[i], media[i] = p.Part, work.media(p)
		total += p.Part.Bytes
	}
	header, err := mp4.Header(parts, plan.Meta())
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", err)
	}
	temporary := filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".partial")
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644) // #nosec G302 G304 -- the video the user asked for
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", err)
	}
	hash := sha256.New()
	counted := &countingWriter{to: io.MultiWriter(file, hash)}
	err = func() error {
		if _, err := counted.Write(header); err != nil {
			return err
		}
		for i, path := range media {
			e.progress(Joining, counted.bytes, total)
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := copyPart(counted, path, parts[i]); err != nil {
				return err
			}
		}
		return file.Sync()
	}()
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temporary, out)
	}
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", errors.Join(err, os.Remove(temporary)))
	}
	e.progress(Joining, total, total)
	return counted.bytes, hex.EncodeToString(hash.Sum(nil)), nil
}

// copyPart copies a part's media and checks that they are what its tables describe.
func copyPart(to io.Writer, path string, part *mp4.Part) error {
	file, err := os.Open(path) // #nosec G304 -- inside the folder of work
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // openSegment for reading only
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, hash), file); err != nil {
		return err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != part.SHA256 {
		return fmt.Errorf("the media of a part (%s) are not what was written: start again, it will be made anew", path)
	}
	return nil
}

type countingWriter struct {
	to    io.Writer
	bytes int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}

// outcome measures the sound of the finished file.
func (e *Engine) outcome(ctx context.Context, plan *Plan, out string) (*Measured, error) {
	file, err := rangeproxy.OpenFile(out)
	if err != nil {
		return nil, fmt.Errorf("measure the finished sound: %w", err)
	}
	defer func() { _ = file.Close() }() // openSegment for reading only
	served := e.Proxy.Serve(file)
	levels, err := e.Tool.MeasureFinished(ctx, ffmpeg.Sound{URL: served.URL, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: plan.Encoding.Channels})
	if err = errors.Join(err, served.Close()); err != nil {
		return nil, fmt.Errorf("measure the finished sound: %w", err)
	}
	var lufs []int16
	peak := math.Inf(-1)
	for _, block := range levels.Blocks {
		lufs = append(lufs, hundredths(block.MomentaryLUFS))
		peak = max(peak, block.TruePeakDBTP)
	}
	loudness := integrated(lufs)
	if math.IsInf(loudness, 0) || math.IsInf(peak, 0) {
		return nil, nil //nolint:nilnil // silence has no loudness
	}
	return &Measured{LUFS: rounded(loudness), TruePeakDBTP: rounded(peak)}, nil
}
