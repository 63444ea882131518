package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
)

// Judge looks at files. Its fields are set before its first use; it is safe for concurrent use.
type Judge struct {
	Tool   *ffmpeg.Tool
	Cards  *Cards
	Reader *ocr.Reader // nil: words are not read, and the causes say so

	digesting sync.Once
	digest    string
}

// Input is a file to look at. All PTS are ticks of the picture stream, edit lists honoured.
type Input struct {
	URL       string
	Timescale int64 // ticks per second

	Keys   []int64 // PTS of the key frames, ascending
	Frames []int64 // PTS of all frames, ascending
	// Sizes are the packets' bytes in the order of Frames; nil if unknown. They tell where between
	// two key frames something may come and go; without them every long gap is decoded.
	Sizes []uint32

	// View serves chosen key frames alone. Nil: all key frames are decoded, out of URL.
	View KeyView

	From, Until int64 // the range to judge: [From, Until); ffmpeg.FirstPTS and LastPTS leave an end open
}

// errNoFrames says that a file has no picture in the range asked for.
var errNoFrames = errors.New("no pictures to look at")

// Look judges a file. The stretches cover the range without a break (or, where an end is open, the
// frames' presentation); none is shorter than 3 s, but for a range that is.
func (j *Judge) Look(ctx context.Context, in Input) ([]Stretch, error) {
	in, err := in.bounded()
	if err != nil {
		return nil, err
	}
	shots, err := j.scan(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := j.decideScenes(ctx, in, shots, in.Until); err != nil {
		return nil, err
	}
	var list []Stretch
	start := in.since(in.From)
	for i := range shots {
		end := in.since(in.Until)
		if i+1 < len(shots) {
			at, err := j.findChange(ctx, in, &shots[i], &shots[i+1])
			if err != nil {
				return nil, err
			}
			end = in.since(at)
		}
		list = append(list, Stretch{Start: start, End: end, Verdict: shots[i].verdict, Cause: shots[i].cause})
		start = end
	}
	return Steady(list, shortest), nil
}

// bounded checks an input and closes its open ends.
func (in Input) bounded() (Input, error) {
	if in.Timescale <= 0 || len(in.Keys) == 0 || len(in.Frames) == 0 || !slices.IsSorted(in.Keys) || !slices.IsSorted(in.Frames) {
		return in, fmt.Errorf("%w: %d key frames, %d frames, timescale %d", errNoFrames, len(in.Keys), len(in.Frames), in.Timescale)
	}
	if in.Sizes != nil && len(in.Sizes) != len(in.Frames) {
		return in, fmt.Errorf("judge pictures: %d sizes for %d frames", len(in.Sizes), len(in.Frames))
	}
	first, last := in.Frames[0], in.Frames[len(in.Frames)-1]
	if in.From == ffmpeg.FirstPTS {
		in.From = first
	}
	if in.Until == ffmpeg.LastPTS {
		in.Until = last + (last-first)/int64(max(len(in.Frames)-1, 1))
		in.Until = max(in.Until, last+1) // of a single frame the length is unknown
	}
	if in.From >= in.Until || in.From > last || in.Until <= first {
		return in, fmt.Errorf("%w in [%d, %d)", errNoFrames, in.From, in.Until)
	}
	return in, nil
}

// keyBefore is the key frame from which the picture at a PTS can be decoded.
func (in Input) keyBefore(pts int64) int64 {
	i, found := slices.BinarySearch(in.Keys, pts)
	if found || i == 0 {
		return in.Keys[min(i, len(in.Keys)-1)]
	}
	return in.Keys[i-1]
}

// ticks is a duration in the stream's time base.
func (in Input) ticks(d time.Duration) int64 { return int64(d) * in.Timescale / int64(time.Second) }

// request is what all decoding has in common. Reading starts at the key frame, rounded up so that
// FFmpeg does not go back to the one before.
func (in Input) request(from, until int64) ffmpeg.Pictures {
	seek := in.since(in.keyBefore(from)) + time.Microsecond
	return ffmpeg.Pictures{
		URL: in.URL, Seek: &seek, From: from, Until: until,
		Width: width, Height: height, Format: ffmpeg.RGB24,
	}
}

// decode decodes and hands over pictures until take says stop. A picture is valid during the call.
func (j *Judge) decode(ctx context.Context, p ffmpeg.Pictures, take func(pts int64, rgb []byte) (more bool)) error {
	stream, err := j.Tool.OpenPictures(ctx, p)
	if err != nil {
		return fmt.Errorf("look at pictures: %w", err)
	}
	defer stream.Close()
	buf := make([]byte, p.Format.Bytes(p.Width, p.Height))
	for {
		pts, err := stream.Next(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at pictures: %w", err)
		}
		if !take(pts, buf) {
			return nil
		}
	}
}

// classifier remember what they judged last: a picture that stands still costs next to nothing.
type classifier struct {
	cards  *Cards
	judged *observation
}

func (e *classifier) classify(rgb []byte) observation {
	p := picture(rgb)
	m := p.mosaic()
	t := m.tiles()
	// What lies on a ground is looked at anew each time: it may move.
	if e.judged != nil && !e.judged.onGround() && t.countDiffering(e.judged.tiles) <= blocks/200 {
		s := *e.judged
		s.tiles = t
		return s
	}
	s := e.cards.classify(p, m)
	s.tiles = t
	e.judged = &s
	return s
}

// findChange finds the first frame of b's verdict after a. Shots of one verdict change when b begins.
func (j *Judge) findChange(ctx context.Context, in Input, a, b *shot) (int64, error) {
	if a.verdict == b.verdict {
		return b.pts, nil
	}
	frames := classifier{cards: j.Cards}
	step, next := in.ticks(200*time.Millisecond), a.pts
	type still struct {
		pts int64
		rgb []byte
	}
	var since []still // pictures since the last one looked at
	at := b.pts
	err := j.decode(ctx, in.request(a.pts, b.pts), func(pts int64, rgb []byte) bool {
		if pts <= a.pts {
			return true
		}
		since = append(since, still{pts, slices.Clone(rgb)})
		if pts < next {
			return true
		}
		next = pts + step
		if s := frames.classify(rgb); verdictBetween(&s, a, b) == b.verdict {
			for _, earlier := range since {
				if s := frames.classify(earlier.rgb); verdictBetween(&s, a, b) == b.verdict {
					at = earlier.pts
					return false
				}
			}
		}
		since = since[:0]
		return true
	})
	return at, err
}

// verdictBetween is the verdict on a picture between two that have been decided.
func verdictBetween(s *observation, a, b *shot) Verdict {
	switch {
	case s.certainty == isCanvas:
		return Canvas
	case s.like(&a.observation):
		return a.verdict
	case s.like(&b.observation):
		return b.verdict
	case s.tiles.countDiffering(a.tiles) <= s.tiles.countDiffering(b.tiles):
		return a.verdict
	default:
		return b.verdict
	}
}

// Sample is one frame as a sample table tells of it.
type Sample struct {
	PTS  int64
	Size uint32 // bytes of its packet
	Key  bool
}

// Take fills in the frames from a sample table, in any order.
func (in *Input) Take(samples []Sample) {
	samples = slices.Clone(samples)
	slices.SortFunc(samples, func(a, b Sample) int { return cmp.Compare(a.PTS, b.PTS) })
	in.Keys, in.Frames, in.Sizes = nil, nil, nil
	known := false // a list of packets without an index may not tell their sizes
	for _, s := range samples {
		known = known || s.Size > 0
		in.Frames, in.Sizes = append(in.Frames, s.PTS), append(in.Sizes, s.Size)
		if s.Key {
			in.Keys = append(in.Keys, s.PTS)
		}
	}
	if !known {
		in.Sizes = nil
	}
}
