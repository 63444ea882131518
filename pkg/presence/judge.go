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

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
)

// Judge classifies what files show. Set its fields before the first use. It is safe
// for concurrent use.
type Judge struct {
	Tool  *ffmpeg.Tool
	Cards *Cards
	// Reader reads text in pictures. If it is nil, text is not read and the causes
	// say so.
	Reader *ocr.Reader

	digesting sync.Once
	digest    string

	// cardWords holds the words of the cards that were read, as skeletons.
	cardWords struct {
		sync.Mutex
		of map[*card][]string
	}
}

// Input describes the picture stream of a file. All PTS are in ticks of the stream
// with edit lists applied.
type Input struct {
	// Source is the file, Stream the number of its picture stream as in [ffmpeg.Pictures].
	Source ffmpeg.Source
	Stream int
	// Timescale is the number of ticks per second.
	Timescale int64

	// Keys are the PTS of the key frames, ascending.
	Keys []int64
	// Frames are the PTS of all frames, ascending.
	Frames []int64
	// Sizes are the packet sizes in bytes, in the order of Frames. They show where
	// a picture may change between two key frames. If they are nil, every long gap
	// is decoded.
	Sizes []uint32

	// SeekTo returns where to seek so that reading starts at or before a key frame, whatever the file's own
	// table of key frames says. It is nil if that table is right. Its result is nil for the file's start.
	SeekTo func(key int64) *time.Duration

	// View serves selected key frames alone. If it is nil, all key frames are
	// decoded from Source.
	View KeyView

	// Seen collects small copies of the pictures for [Judge.Slides]. It may be nil.
	Seen *Seen

	// From and Until bound the range to classify: [From, Until). ffmpeg.FirstPTS
	// and ffmpeg.LastPTS leave an end open.
	From, Until int64
}

// errNoFrames means that a file has no picture in the requested range.
var errNoFrames = errors.New("no pictures to look at")

// Look classifies a file and returns stretches in order. They cover the range
// without gaps. At an open end they cover the presentation of the frames. Each
// stretch lasts at least 3 s unless the range is shorter.
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
		list = append(list, Stretch{
			Start:   start,
			End:     end,
			Verdict: shots[i].verdict,
			Causes:  []cause.Cause{shots[i].cause},
		})
		start = end
	}
	return Steady(list, shortest), nil
}

// bounded validates an input and resolves its open ends.
func (in Input) bounded() (Input, error) {
	if in.Timescale <= 0 ||
		len(in.Keys) == 0 ||
		len(in.Frames) == 0 ||
		!slices.IsSorted(in.Keys) ||
		!slices.IsSorted(in.Frames) {
		return in, fmt.Errorf(
			"%w: %d key frames, %d frames, timescale %d",
			errNoFrames,
			len(in.Keys),
			len(in.Frames),
			in.Timescale,
		)
	}
	if in.Sizes != nil && len(in.Sizes) != len(in.Frames) {
		return in, fmt.Errorf(
			"judge pictures: %d sizes for %d frames",
			len(in.Sizes),
			len(in.Frames),
		)
	}
	first := in.Frames[0]
	last := in.Frames[len(in.Frames)-1]
	if in.From == ffmpeg.FirstPTS {
		in.From = first
	}
	if in.Until == ffmpeg.LastPTS {
		in.Until = last + (last-first)/int64(max(len(in.Frames)-1, 1))
		in.Until = max(in.Until, last+1) // of a single frame the length is unknown
	}
	if in.From >= in.Until ||
		in.From > last ||
		in.Until <= first {
		return in, fmt.Errorf("%w in [%d, %d)", errNoFrames, in.From, in.Until)
	}
	return in, nil
}

// keyBefore returns the PTS of the key frame from which the picture at pts can be
// decoded.
func (in Input) keyBefore(pts int64) int64 {
	i, found := slices.BinarySearch(in.Keys, pts)
	if found || i == 0 {
		return in.Keys[min(i, len(in.Keys)-1)]
	}
	return in.Keys[i-1]
}

// ticks converts a duration to ticks of the stream.
func (in Input) ticks(d time.Duration) int64 {
	return int64(d) * in.Timescale / int64(time.Second)
}

// request returns the common settings of a decoding request. Seeking starts 1 µs
// after the key frame, so that rounding cannot select the previous one.
func (in Input) request(from, until int64) ffmpeg.Pictures {
	key := in.keyBefore(from)
	at := in.since(key) + time.Microsecond
	p := ffmpeg.Pictures{
		Source: in.Source,
		Stream: in.Stream,
		Seek:   &at,
		From:   from,
		Until:  until,
		Width:  width,
		Height: height,
		Format: ffmpeg.RGB24,
	}
	if in.SeekTo != nil {
		p.Seek, p.SeekAny = in.SeekTo(key), true
	}
	return p
}

// decode passes decoded pictures to take until it returns false. The picture is
// valid during the call only.
func (j *Judge) decode(
	ctx context.Context,
	p ffmpeg.Pictures,
	take func(pts int64, rgb []byte) (more bool),
) error {
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

// classifier classifies pictures in a row. It keeps the last result, so that an
// unchanged picture costs little.
type classifier struct {
	cards  *Cards
	judged *observation
}

// classify classifies one RGB24 picture. A residue on a background is always
// examined again, because it may move.
func (e *classifier) classify(rgb []byte) observation {
	p := picture(rgb)
	m := p.mosaic()
	t := m.tiles()
	if e.judged != nil &&
		!e.judged.onGround() &&
		t.countDiffering(e.judged.tiles) <= blocks/200 {
		s := *e.judged
		s.tiles = t
		return s
	}
	s := e.cards.classify(p, m)
	s.tiles = t
	e.judged = &s
	return s
}

// findChange returns the PTS of the first frame after a that has the verdict of b.
// It decodes five pictures per second, then narrows down to one frame. If both
// verdicts are equal, it returns the PTS of b.
func (j *Judge) findChange(ctx context.Context, in Input, a, b *shot) (int64, error) {
	if a.verdict == b.verdict {
		return b.pts, nil
	}
	frames := classifier{cards: j.Cards}
	step := in.ticks(200 * time.Millisecond)
	next := a.pts
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

// verdictBetween returns the verdict on a picture between two decided shots: that
// of the more similar one.
func verdictBetween(s *observation, a, b *shot) Verdict {
	switch {
	case s.like(&a.observation): // text may have decided on it
		return a.verdict
	case s.like(&b.observation):
		return b.verdict
	case s.certainty == isCanvas:
		return Canvas
	case s.tiles.countDiffering(a.tiles) <= s.tiles.countDiffering(b.tiles):
		return a.verdict
	default:
		return b.verdict
	}
}

// Sample is one frame as listed in a sample table.
type Sample struct {
	// PTS is in ticks of the stream.
	PTS int64
	// Size is the size of its packet in bytes, or 0 if unknown.
	Size uint32
	Key  bool
}

// Take sets Keys, Frames and Sizes from a sample table in any order. Sizes stays
// nil if no size is known. Of key frames with the same PTS, one counts.
func (in *Input) Take(samples []Sample) {
	samples = slices.Clone(samples)
	slices.SortFunc(samples, func(a, b Sample) int {
		return cmp.Compare(a.PTS, b.PTS)
	})
	in.Keys = nil
	in.Frames = nil
	in.Sizes = nil
	known := false // a list of packets without an index may not tell their sizes
	for _, s := range samples {
		known = known || s.Size > 0
		in.Frames = append(in.Frames, s.PTS)
		in.Sizes = append(in.Sizes, s.Size)
		if s.Key {
			in.Keys = append(in.Keys, s.PTS)
		}
	}
	in.Keys = slices.Compact(in.Keys)
	if !known {
		in.Sizes = nil
	}
}
