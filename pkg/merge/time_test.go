package merge_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/truth"
)

// wrong says why a pane does not show a source at an instant; empty if it does.
func wrong(r truth.Reading, source string, at time.Time, within time.Duration) string {
	switch {
	case r.State != truth.Valid:
		return "is " + r.State.String() + ", want source " + source
	case r.Source != source:
		return "shows source " + r.Source + ", want " + source
	case r.At.Sub(at).Abs() > within+time.Millisecond: // strips say whole milliseconds
		return "is " + r.At.Sub(at).String() + " late"
	}
	return ""
}

// complaints reports what is wrong, but not a thousand times.
type complaints struct {
	t     testing.TB
	count int
}

func (c *complaints) add(format string, args ...any) {
	c.t.Helper()
	if c.count++; c.count <= 8 {
		c.t.Errorf(format, args...)
	}
}

// TestTimeOfSources gives the sources every habit that recorders have. Each pane must show the wall's
// time within a frame, at every frame, over the joint of two segments.
func TestTimeOfSources(t *testing.T) {
	t.Parallel()
	type change = func(*recorder.Source)
	rate := func(num, den int) change {
		return func(s *recorder.Source) { s.Pictures.Rate = ffmpeg.Rate{Num: num, Den: den} }
	}
	all := func(change func(*recorder.Segment)) change {
		return func(s *recorder.Source) {
			for i := range s.Segments {
				change(&s.Segments[i])
			}
		}
	}
	const frame = 40 * time.Millisecond
	tests := []struct {
		name        string
		left, right change
		lag, rag    time.Duration // how far the panes may be off
	}{
		{"30 and 29.97 fps", rate(30, 1), rate(30000, 1001), frame, frame},
		{"15 fps and variable", rate(15, 1), all(func(g *recorder.Segment) {
			g.DropPeriod = 50
			g.Drop = []ffmpeg.Span{{From: 3, Until: 4}, {From: 10, Until: 12}, {From: 30, Until: 40}}
		}), time.Second / 15, 11 * frame},
		{"B-frames, with and without an edit list", func(s *recorder.Source) { s.Pictures.BFrames = 2 }, func(s *recorder.Source) {
			s.Pictures.BFrames = 2
			all(func(g *recorder.Segment) { g.NoEditList = true })(s)
		}, frame, frame},
		{"first timestamp and edit list", all(func(g *recorder.Segment) { g.FirstPTS = 5 * time.Second }),
			all(func(g *recorder.Segment) { g.Lead = 720 * time.Millisecond }), frame, frame},
		{"B-frames, edit list inside a group, 29.97 fps", func(s *recorder.Source) {
			s.Pictures.BFrames, s.Pictures.Rate, s.Pictures.Timescale = 2, ffmpeg.Rate{Num: 30000, Den: 1001}, 0
			all(func(g *recorder.Segment) { g.Lead = 1700 * time.Millisecond })(s)
		}, func(s *recorder.Source) { rate(50, 1)(s); s.Pictures.Timescale = 12800 }, frame, frame},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := session(three(), three().Add(2*slot))
			s.Sources = s.Sources[:2]
			tt.left(&s.Sources[0])
			tt.right(&s.Sources[1])
			dir := record(t, s)
			f := makeFilm(t, newEngine(t), dir, request(three().Add(40*time.Second), three().Add(75*time.Second)), 2)
			c := complaints{t: t}
			for k, got := range f.frames(t) {
				if text := wrong(got.Left, lecturer, f.at(k), tt.lag); text != "" {
					c.add("frame %d: left pane %s", k, text)
				}
				if text := wrong(got.Right, screen, f.at(k), tt.rag); text != "" {
					c.add("frame %d: right pane %s", k, text)
				}
				if apart := got.Left.At.Sub(got.Right.At).Abs(); apart > max(tt.lag, tt.rag)+time.Millisecond {
					c.add("frame %d: the panes are %v apart", k, apart)
				}
			}
			checkMarks(t, f, lecturer)
		})
	}
}

// checkMarks wants a mark of the source within 40 ms of every full second inside the record.
func checkMarks(t *testing.T, f *film, source string) {
	t.Helper()
	c := complaints{t: t}
	length := f.Request.End.Sub(f.Request.Start)
	inside, edge := 0, truth.MarkLength*time.Millisecond
	for _, m := range f.sound(t).Marks() {
		if m.At < edge || m.At > length-edge {
			continue // an end of the record may cut it
		}
		inside++
		if off := f.Request.Start.Add(m.At).Sub(m.Instant(f.Request.Start.Add(m.At))); off.Abs() > 40*time.Millisecond {
			c.add("the mark of second %d is heard %v late", m.Second, off)
		}
		if m.Source != int(source[len(source)-1]-'0') {
			c.add("the mark at %v is of source ..%d, want %s", m.At, m.Source, source)
		}
	}
	if want := int(length/time.Second) - 1; inside != want {
		t.Errorf("%d marks inside, want %d", inside, want)
	}
}
