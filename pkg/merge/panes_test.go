package merge_test

import (
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// slate stands for a source where a slate is expected.
const slate = "slate"

// shown is what a stretch of a merge has to show, up to so long after three. The two panes, or what
// stands alone in the middle.
type shown struct {
	until               time.Duration
	left, right, centre string
	layout              timeline.Arrangement
	late                time.Duration // how old the left picture may be
}

// slow makes a session cheap: five pictures a second are enough where only the layout matters.
func slow(s recorder.Session) recorder.Session {
	for i := range s.Sources {
		s.Sources[i].Pictures.Rate = ffmpeg.Rate{Num: 5, Den: 1}
		s.Sources[i].Pictures.GOP = 5
	}
	return s
}

// eventful is five minutes in which all happens that panes can meet. Segments are two minutes long by
// rights, so that a minute's name in between is that of a restart.
func eventful() recorder.Session {
	minute := func(n int) time.Time { return three().Add(time.Duration(n) * time.Minute) }
	s := slow(session(three(), three().Add(slot)))
	s.Sources[0].Segments = []recorder.Segment{
		{Named: minute(0), Length: 119600 * time.Millisecond}, // a hole of 0.4 s
		{Named: minute(2), Length: 55 * time.Second},          // of 5 s, then a restart
		{Named: minute(3), Length: 45 * time.Second},          // of 15 s
		{Named: minute(4), Length: 40 * time.Second},          // then nothing
	}
	s.Sources[1].Scene = recorder.Screen(recorder.Showing{
		From:  minute(0).Add(30 * time.Second),
		Until: minute(1),
		Card:  recorder.Bars,
	})
	s.Sources[1].Segments = []recorder.Segment{
		{Named: minute(0), Length: 2 * slot},
		{Named: minute(2), Length: 2 * slot},
	}
	s.Sources[2].Segments = []recorder.Segment{{Named: minute(0), Length: 2 * slot}}
	return s
}

// TestPanes looks at every frame of the eventful minutes.
func TestPanes(t *testing.T) {
	t.Parallel()
	const second, picture = time.Second, 200 * time.Millisecond
	want := []shown{
		{30 * second, lecturer, screen, "", timeline.LecturerScreen, picture},
		{60 * second, lecturer, board, "", timeline.LecturerBoard, picture},
		{119600 * time.Millisecond, lecturer, screen, "", timeline.LecturerScreen, picture},
		{
			120 * second,
			lecturer,
			screen,
			"",
			timeline.LecturerScreen,
			picture + 400*time.Millisecond,
		},
		{175 * second, lecturer, screen, "", timeline.LecturerScreen, picture},
		{180 * second, slate, screen, "", timeline.LecturerScreen, 0},
		{225 * second, lecturer, screen, "", timeline.LecturerScreen, picture},
		{240 * second, slate, screen, "", timeline.OnlyScreen, 0},
		{280 * second, "", "", lecturer, timeline.Alone, picture},
		{300 * second, "", "", slate, timeline.Nothing, 0},
	}
	req := request(three().Add(20*second), three().Add(300*second))
	req.Segment = 2 * slot
	f := makeFilm(t, newEngine(t), record(t, eventful()), req, 2)
	frames := f.frames(t)
	c := complaints{t: t}
	for k, got := range frames {
		since := f.at(k).Sub(three())
		i := slices.IndexFunc(want, func(s shown) bool { return since < s.until })
		for name, pane := range map[string]struct {
			reading timecode.Reading
			source  string
			late    time.Duration
		}{
			"left":   {got.Left, want[i].left, want[i].late},
			"right":  {got.Right, want[i].right, picture},
			"centre": {got.Centre, want[i].centre, want[i].late},
		} {
			if pane.source == "" || pane.source == slate {
				if pane.reading.State != timecode.Absent {
					c.add(
						"frame %d at %v: %s %+v, want %q",
						k,
						since,
						name,
						pane.reading,
						pane.source,
					)
				}
			} else if text := wrong(pane.reading, pane.source, f.at(k), pane.late); text != "" {
				// The moment of a card is known to a second.
				if near := since - 30*second; (near.Abs() > second && (near-30*second).Abs() > second) || name != "right" {
					c.add("frame %d at %v: %s %s", k, since, name, text)
				}
			}
		}
	}
	checkLayouts(t, f.Plan, want)
	for _, at := range []time.Duration{177 * second, 230 * second} {
		checkSlate(t, f, at-20*second, 0, req.Width/2)
	}
	checkSlate(t, f, 270*second, 0, req.Width)
}

// checkLayouts compares the plan's scenes; a change of the screen may be off by a second.
func checkLayouts(t *testing.T, plan *merge.Plan, want []shown) {
	t.Helper()
	var layouts []timeline.Arrangement
	var ends []time.Duration
	for _, w := range want {
		if n := len(layouts); n > 0 && layouts[n-1] == w.layout {
			ends[n-1] = w.until
			continue
		}
		layouts, ends = append(layouts, w.layout), append(ends, w.until)
	}
	var got []timeline.Arrangement
	for i, scene := range plan.Scenes {
		got = append(got, scene.Layout)
		if end := plan.Window().Time(scene.End).Sub(three()); i < len(ends) && (end-ends[i]).Abs() > time.Second {
			t.Errorf("scene %d (%s) ends at %v, want %v", i, scene.Layout, end, ends[i])
		}
	}
	if !reflect.DeepEqual(got, layouts) {
		t.Errorf("layouts %v, want %v", got, layouts)
	}
}

// checkSlate wants a slate in the columns [x0, x1) at a time of the film: a ground that is not black,
// and letters on it, most of them in the middle.
func checkSlate(t *testing.T, f *film, at time.Duration, x0, x1 int) {
	t.Helper()
	width, height := f.Request.Width, f.Request.Height
	picture := grab(t, f.Path, at, width, height)
	ground, ink := 0, 0
	for y := range height {
		for x := x0; x < x1; x++ {
			switch v := picture[y*width+x]; {
			case v > 30 && v < 70:
				ground++
			case v > 110:
				ink++
			}
		}
	}
	if all := (x1 - x0) * height; ground < all*7/10 || ink < all/100 {
		t.Errorf(
			"at %v: %d of %d pixels are a slate's ground, %d are letters",
			at, ground, all, ink,
		)
	}
}

// grab decodes the luma of one picture of a film.
func grab(t *testing.T, path string, at time.Duration, width, height int) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-ss", strconv.FormatFloat(at.Seconds(), 'f', 3, 64), // #nosec G204 -- the test's own file
		"-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-").Output()
	if err != nil || len(out) != width*height {
		t.Fatalf("grab the picture at %v: %v, %d bytes", at, err, len(out))
	}
	return out
}

// TestPolicies judges one screen by both policies: as it changes, and half hour by half hour.
func TestPolicies(t *testing.T) {
	t.Parallel()
	after := func(seconds int) time.Time {
		return three().Add(time.Duration(seconds) * time.Second)
	}
	s := slow(session(three(), three().Add(slot)))
	s.Sources = s.Sources[1:]
	s.Sources[0].Scene = recorder.Screen(
		recorder.Showing{From: after(30), Until: after(60), Card: recorder.Bars},
		recorder.Showing{From: after(150), Until: after(240), Card: recorder.Bars},
	)
	s.Sources[0].Segments = []recorder.Segment{
		{Named: after(0), Length: 2 * slot},
		{Named: after(120), Length: 2 * slot},
	}
	s.Sources[1].Segments = []recorder.Segment{
		{Named: after(0), Length: 2 * slot},
		{Named: after(120), Length: 2 * slot},
	}
	req := request(after(0), after(240))
	req.Segment = 2 * slot
	dir, engine := record(t, s), newEngine(t)
	for policy, want := range map[merge.Policy][]shown{
		merge.Auto: {
			{30 * time.Second, "", "", "", timeline.OnlyScreen, 0},
			{60 * time.Second, "", "", "", timeline.OnlyBoard, 0},
			{150 * time.Second, "", "", "", timeline.OnlyScreen, 0},
			{240 * time.Second, "", "", "", timeline.OnlyBoard, 0},
		},
		merge.HalfHour: {
			{120 * time.Second, "", "", "", timeline.OnlyScreen, 0},
			{240 * time.Second, "", "", "", timeline.OnlyBoard, 0},
		},
	} {
		req.Policy = policy
		plan, err := engine.Plan(t.Context(), req, clips(t, dir), nil)
		if err != nil {
			t.Fatal(err)
		}
		checkLayouts(t, plan, want)
	}
}
