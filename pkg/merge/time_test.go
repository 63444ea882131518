package merge_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// wrong says why a pane does not show a source at an instant; empty if it does.
func wrong(r timecode.Reading, source string, at time.Time, within time.Duration) string {
	switch {
	case r.State != timecode.Valid:
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
		long        bool
	}{
		{"30 and 29.97 fps", rate(30, 1), rate(30000, 1001), frame, frame, true},
		{
			"15 fps and variable",
			rate(15, 1),
			all(func(g *recorder.Segment) {
				g.DropPeriod = 50
				g.Drop = []ffmpeg.Span{
					{From: 3, Until: 4},
					{From: 10, Until: 12},
					{From: 30, Until: 40},
				}
			}),
			time.Second / 15,
			11 * frame,
			false,
		},
		{
			"B-frames, with and without an edit list",
			func(s *recorder.Source) { s.Pictures.BFrames = 2 },
			func(s *recorder.Source) {
				s.Pictures.BFrames = 2
				all(func(g *recorder.Segment) { g.NoEditList = true })(s)
			},
			frame,
			frame,
			true,
		},
		{
			"edit list and first timestamp",
			all(func(g *recorder.Segment) { g.Lead = 720 * time.Millisecond }),
			all(func(g *recorder.Segment) { g.FirstPTS = 5 * time.Second }),
			frame,
			frame,
			false,
		},
		{
			"B-frames, edit list inside a group, 29.97 fps",
			func(s *recorder.Source) {
				s.Pictures.BFrames, s.Pictures.Rate, s.Pictures.Timescale = 2, ffmpeg.Rate{
					Num: 30000,
					Den: 1001,
				}, 0
				all(func(g *recorder.Segment) { g.Lead = 1700 * time.Millisecond })(s)
			},
			func(s *recorder.Source) { rate(50, 1)(s); s.Pictures.Timescale = 12800 },
			frame,
			frame,
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.long && testing.Short() {
				t.Skip("the last case has most of it")
			}
			s := session(three(), three().Add(slot+15*time.Second))
			s.Sources = s.Sources[:2]
			tt.left(&s.Sources[0])
			tt.right(&s.Sources[1])
			dir := record(t, s)
			f := makeFilm(
				t,
				newEngine(t),
				dir,
				request(three().Add(50*time.Second), three().Add(70*time.Second)),
				2,
			)
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
	inside, edge := 0, timecode.MarkLength*time.Millisecond
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

// TestClocks merges across what clocks do. A lecturer alone is enough: the picture stands in the
// middle, and says the instant.
func TestClocks(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(2026, month, day, hour, minute, second, 0, berlin)
	}
	cet := time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC).In(berlin) // 02:00, the second time
	tests := []struct {
		name     string
		segments []recorder.Segment
		from     time.Time
		until    time.Time
		hole     [2]time.Duration // since from
	}{
		{
			"over midnight",
			[]recorder.Segment{
				{Named: at(11, 20, 23, 59, 0), Length: slot},
				{Named: at(11, 21, 0, 0, 0), Length: 20 * time.Second},
			},
			at(11, 20, 23, 59, 50),
			at(11, 21, 0, 0, 10),
			[2]time.Duration{},
		},
		{
			"clocks go forward",
			[]recorder.Segment{
				{Named: at(3, 29, 1, 59, 0), Length: slot},
				{Named: at(3, 29, 3, 0, 0), Length: 20 * time.Second},
			},
			at(3, 29, 1, 59, 50),
			at(3, 29, 3, 0, 10),
			[2]time.Duration{},
		},
		{
			"clocks go back: the second pass is a hole",
			[]recorder.Segment{
				{Named: cet.Add(-time.Minute), Length: slot},
				{Named: cet, Length: 20 * time.Second},
			},
			cet.Add(-10 * time.Second),
			cet.Add(15 * time.Second),
			[2]time.Duration{10 * time.Second, 25 * time.Second},
		},
		{
			"the first pass of the doubled hour",
			[]recorder.Segment{
				{Named: cet.Add(-time.Hour), Length: 20 * time.Second},
			},
			cet.Add(-time.Hour + 3*time.Second),
			cet.Add(-time.Hour + 13*time.Second),
			[2]time.Duration{},
		},
		{
			"a short segment leaves a hole, a long one is cut",
			[]recorder.Segment{
				{Named: three(), Length: 63 * time.Second},
				{Named: three().Add(slot), Length: 58 * time.Second},
				{Named: three().Add(2 * slot), Length: 10 * time.Second},
			},
			three().Add(55 * time.Second),
			three().Add(125 * time.Second),
			[2]time.Duration{63 * time.Second, 65 * time.Second},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := session(tt.from, tt.until)
			s.Sources = s.Sources[:1]
			s.Sources[0].Pictures.Rate = ffmpeg.Rate{Num: 10, Den: 1}
			s.Sources[0].Pictures.GOP = 10
			s.Sources[0].Segments = tt.segments
			f := makeFilm(t, newEngine(t), record(t, s), request(tt.from, tt.until), 2)
			c := complaints{t: t}
			for k, got := range f.frames(t) {
				since := f.at(k).Sub(tt.from)
				if since >= tt.hole[0] && since < tt.hole[1] {
					if got.Left.State != timecode.Absent || got.Right.State != timecode.Absent || got.Centre.State != timecode.Absent {
						c.add("frame %d, in the hole: %+v", k, got)
					}
					continue
				}
				if text := wrong(got.Centre, lecturer, f.at(k), 100*time.Millisecond); text != "" {
					c.add("frame %d: the picture %s", k, text)
				}
			}
		})
	}
}

// TestSoundBeforePictures has a camera that comes three seconds after its microphone, in a file whose
// timestamps do not begin at zero.
func TestSoundBeforePictures(t *testing.T) {
	t.Parallel()
	s := session(three(), three().Add(8*time.Second))
	s.Sources = s.Sources[:1]
	s.Sources[0].Segments[0].PictureLate = 3 * time.Second
	s.Sources[0].Segments[0].FirstPTS = 5 * time.Second
	req := request(three(), three().Add(7*time.Second))
	req.Slice = 1500 * time.Millisecond
	checkMarks(t, makeFilm(t, newEngine(t), record(t, s), req, 1), lecturer)
}

// TestStartWithoutKeyFrame wants what cannot be decoded to be a hole, and the rest in its place.
func TestStartWithoutKeyFrame(t *testing.T) {
	t.Parallel()
	s := session(three(), three().Add(8*time.Second))
	s.Sources = s.Sources[:1]
	s.Sources[0].Segments[0].DropFirst = 10 // of the first second, the key frame among them
	f := makeFilm(t, newEngine(t), record(t, s), request(three(), three().Add(6*time.Second)), 1)
	c := complaints{t: t}
	for k, got := range f.frames(t) {
		switch text := wrong(got.Centre, lecturer, f.at(k), 40*time.Millisecond); {
		case k < 25 && got.Centre.State == timecode.Valid:
			c.add("frame %d shows %v: before it nothing could be decoded", k, got.Centre.At)
		case k >= 25 && text != "":
			c.add("frame %d: the picture %s", k, text)
		}
	}
	checkMarks(t, f, lecturer)
}
