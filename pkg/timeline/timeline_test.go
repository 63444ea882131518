package timeline_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const slot = 30 * time.Minute

func film(start time.Duration, runs ...timeline.Run) timeline.FileCoverage {
	return timeline.FileCoverage{Start: noon.Add(start), Runs: runs, Cause: cause.FileCutOff()}
}

func run(from, until time.Duration) timeline.Run { return timeline.Run{From: from, Until: until} }

func TestNearestRoundsHalfUp(t *testing.T) {
	t.Parallel()
	w := timeline.NewWindow(noon, noon.Add(time.Hour), 25)
	for offset, want := range map[time.Duration]int64{
		0:                      0,
		19 * time.Millisecond:  0,
		20 * time.Millisecond:  1,
		40 * time.Millisecond:  1,
		-20 * time.Millisecond: 0,
		-21 * time.Millisecond: -1,
		time.Hour:              90000,
	} {
		if got := w.Nearest(offset); got != want {
			t.Errorf("Nearest(%v) = %d, want %d", offset, got, want)
		}
	}
	if w.Frames != 90000 {
		t.Errorf("an hour has %d frames", w.Frames)
	}
	for _, rate := range []int{25, 30, 50} {
		w := timeline.NewWindow(noon, noon.Add(time.Hour), rate)
		for k := range int64(4000) {
			if got := w.Nearest(w.Offset(k)); got != k {
				t.Fatalf(
					"at %d fps frame %d lies at %v, which is frame %d",
					rate, k, w.Offset(k), got,
				)
			}
		}
	}
}

func TestLay(t *testing.T) {
	t.Parallel()
	w := timeline.NewWindow(
		noon.Add(10*time.Minute),
		noon.Add(70*time.Minute),
		25,
	) // 12:10 to 13:10
	tests := []struct {
		name  string
		films []timeline.FileCoverage
		want  []timeline.Span
	}{
		{"nothing", nil, []timeline.Span{{First: 0, End: 90000, File: -1, Cause: cause.NoFile()}}},
		{
			"a short file, then one that runs over",
			[]timeline.FileCoverage{
				film(0, run(0, 1797*time.Second)),
				film(slot, run(0, 1803*time.Second)),
				film(2*slot, run(0, slot)),
			},
			[]timeline.Span{
				{First: 0, End: 1197 * 25, File: 0, Run: run(0, 1797*time.Second)},
				{First: 1197 * 25, End: 1200 * 25, File: -1, Cause: cause.FileCutOff()},
				{First: 1200 * 25, End: 3000 * 25, File: 1, Run: run(0, 1803*time.Second)},
				{First: 3000 * 25, End: 90000, File: 2, Run: run(0, slot)},
			},
		},
		{
			"a hole of half a second is held over, on both sides of the record too",
			[]timeline.FileCoverage{
				film(0, run(0, 1799500*time.Millisecond)),
				film(slot, run(300*time.Millisecond, 2399800*time.Millisecond)),
			},
			[]timeline.Span{
				{First: 0, End: 1199*25 + 13, File: 0, Run: run(0, 1799500*time.Millisecond)},
				{First: 1199*25 + 13, End: 1200*25 + 8, File: -1, Cause: cause.FileCutOff()},
				{
					First: 1200*25 + 8,
					End:   90000,
					File:  1,
					Run:   run(300*time.Millisecond, 2399800*time.Millisecond),
				},
			},
		},
		{
			"causes change where slots do",
			[]timeline.FileCoverage{{Start: noon.Add(slot), Cause: cause.FileEmpty()}},
			[]timeline.Span{
				{First: 0, End: 1200 * 25, File: -1, Cause: cause.NoFile()},
				{First: 1200 * 25, End: 3000 * 25, File: -1, Cause: cause.FileEmpty()},
				{First: 3000 * 25, End: 90000, File: -1, Cause: cause.NoFile()},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := timeline.Lay(w, tt.films, slot); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// randomFilms is what a bad recorder may leave.
func randomFilms(r *rand.Rand) []timeline.FileCoverage {
	var films []timeline.FileCoverage
	for at := time.Duration(0); at < 2*time.Hour; at += slot {
		if r.IntN(4) == 0 {
			continue
		}
		f := film(at)
		from := time.Duration(0)
		for range r.IntN(4) {
			from += time.Duration(r.Int64N(int64(15 * time.Minute)))
			until := from + time.Duration(r.Int64N(int64(15*time.Minute)))
			f.Runs = append(f.Runs, run(from, until))
			from = until + 1
		}
		films = append(films, f)
	}
	return films
}

// FuzzCompose checks what must hold whatever was recorded: spans, scenes and panes cover the record
// without break or overlap.
func FuzzCompose(f *testing.F) {
	f.Add(uint64(1), int64(600), int64(3000))
	f.Add(uint64(7), int64(0), int64(1))
	f.Fuzz(func(t *testing.T, seed uint64, start, seconds int64) {
		r := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- test data
		begin := noon.Add(time.Duration(start%7200) * time.Second)
		length := time.Duration(1+max(seconds%14400, -seconds%14400)) * time.Second
		w := timeline.NewWindow(begin, begin.Add(length), []int{25, 30, 50}[seed%3])
		sources := map[nvr.Role][]timeline.Span{}
		for _, role := range []nvr.Role{nvr.Lecturer, nvr.Screen, nvr.Board} {
			if r.IntN(5) > 0 {
				sources[role] = timeline.Lay(w, randomFilms(r), slot)
				at := int64(0)
				for _, s := range sources[role] {
					if s.First != at || s.End <= s.First || s.Hole() && s.Cause.IsZero() {
						t.Fatalf("%s: span %+v at %d", role, s, at)
					}
					at = s.End
				}
				if at != w.Frames {
					t.Fatalf("%s: spans end at %d of %d", role, at, w.Frames)
				}
			}
		}
		var verdicts []timeline.Verdict
		for at := int64(-1000); at < w.Frames; {
			end := at + 1 + r.Int64N(20000)
			verdicts = append(verdicts, timeline.Verdict{
				First:        at,
				End:          end,
				Presentation: r.IntN(2) == 0,
				Cause:        cause.ScreenSeen(cause.Verbatim("x")),
			})
			at = end
		}
		verdicts = timeline.Steady(w, verdicts, 10*time.Second)
		for _, v := range verdicts {
			if len(verdicts) > 1 && v.End-v.First < w.FramesIn(10*time.Second) {
				t.Fatalf("a verdict of %d frames was left", v.End-v.First)
			}
		}
		scenes := timeline.Compose(
			w,
			sources[nvr.Lecturer],
			sources[nvr.Screen],
			sources[nvr.Board],
			verdicts,
		)
		at := int64(0)
		for _, s := range scenes {
			if s.First != at || s.End <= s.First || s.Reason.IsZero() {
				t.Fatalf("scene %+v at %d", s, at)
			}
			at = s.End
		}
		if at != w.Frames {
			t.Fatalf("scenes end at %d of %d", at, w.Frames)
		}
		checkPanes(t, w, scenes, sources)
	})
}

func checkPanes(t *testing.T, w timeline.Window, scenes []timeline.Scene, sources map[nvr.Role][]timeline.Span) {
	t.Helper()
	left, right := timeline.Panes(scenes, sources)
	at := int64(0)
	for _, p := range left {
		if p.First != at || p.End <= p.First {
			t.Fatalf("left piece %+v at %d", p, at)
		}
		at = p.End
	}
	if at != w.Frames {
		t.Fatalf("left pieces end at %d of %d", at, w.Frames)
	}
	i := 0
	for _, s := range scenes {
		if s.Layout == timeline.Alone || s.Layout == timeline.Nothing {
			continue
		}
		for at := s.First; at < s.End; {
			for i < len(right) && right[i].End <= at {
				i++
			}
			if i == len(right) || right[i].First > at || right[i].Role != s.Layout.Right() {
				t.Fatalf("scene %+v has no right piece at %d", s, at)
			}
			at = right[i].End
		}
	}
}

func TestComposeKeepsTheLayoutOverShortHoles(t *testing.T) {
	t.Parallel()
	w := timeline.NewWindow(noon, noon.Add(10*time.Minute), 25)
	whole := timeline.Lay(w, []timeline.FileCoverage{film(0, run(0, slot))}, slot)
	short := timeline.Lay(
		w,
		[]timeline.FileCoverage{film(0, run(0, time.Minute), run(70*time.Second, slot))},
		slot,
	)
	long := timeline.Lay(
		w,
		[]timeline.FileCoverage{film(0, run(0, time.Minute), run(71*time.Second, slot))},
		slot,
	)
	on := []timeline.Verdict{{
		First:        0,
		End:          w.Frames,
		Presentation: true,
		Cause:        cause.ScreenSeen(cause.Verbatim("slides")),
	}}
	layouts := func(l, s, b []timeline.Span) (out []timeline.Arrangement) {
		for _, scene := range timeline.Compose(w, l, s, b, on) {
			out = append(out, scene.Layout)
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		l, s, b []timeline.Span
		want    []timeline.Arrangement
	}{
		{"all there", whole, whole, whole, []timeline.Arrangement{timeline.LecturerScreen}},
		{"10 s of screen missing", whole, short, whole, []timeline.Arrangement{timeline.LecturerScreen}},
		{
			"11 s of screen missing",
			whole,
			long,
			whole,
			[]timeline.Arrangement{
				timeline.LecturerScreen,
				timeline.LecturerBoard,
				timeline.LecturerScreen,
			},
		},
		{
			"11 s of lecturer missing",
			long,
			whole,
			nil,
			[]timeline.Arrangement{
				timeline.LecturerScreen,
				timeline.OnlyScreen,
				timeline.LecturerScreen,
			},
		},
		{"no screen", whole, nil, nil, []timeline.Arrangement{timeline.Alone}},
		{
			"nothing for 11 s",
			long,
			nil,
			nil,
			[]timeline.Arrangement{timeline.Alone, timeline.Nothing, timeline.Alone},
		},
	} {
		if got := layouts(tt.l, tt.s, tt.b); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestChooseFallsBackAndReturns(t *testing.T) {
	t.Parallel()
	// Source 0 is silent in [300, 450) but for a cough at 350, and missing in [600, 650); source 1 is
	// always audible but in [400, 420); source 2 must never be asked.
	heard := func(source int, b int64) timeline.Heard {
		switch {
		case source == 2:
			t.Errorf("asked for source 2 at block %d", b)
			return timeline.Missing
		case source == 0 && b >= 300 && b < 450 && b != 350:
			return timeline.Silent
		case source == 0 && b >= 600 && b < 650, source == 1 && b >= 400 && b < 420:
			return timeline.Missing
		}
		return timeline.Audible
	}
	got := timeline.Choose(0, 1000, 3, heard)
	want := []timeline.Listen{
		{First: 0, End: 300, Source: 0},
		{First: 300, End: 450, Source: 1},
		{First: 450, End: 1000, Source: 0},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTakesFadeByWhatIsThere(t *testing.T) {
	t.Parallel()
	runs := []timeline.SoundRun{
		{First: 0, End: 50000, File: 0},       // runs over the next by 2000
		{First: 48000, End: 96000, File: 1},   // ends where the next begins
		{First: 96000, End: 143000, File: 2},  // 1000 samples short: bridged
		{First: 144000, End: 192000, File: 3}, // then a real hole
		{First: 240000, End: 300000, File: 4},
	}
	got := timeline.Takes([]timeline.Listen{{
		First: 0,
		End:   288000,
	}}, func(int) []timeline.SoundRun { return runs })
	want := []timeline.Take{
		{First: 0, End: 48480, FadeIn: 240, FadeOut: 480, File: 0},
		{First: 48000, End: 96000, FadeIn: 480, File: 1, Start: 48000},
		{First: 96000, End: 144000, FadeOut: 1000, File: 2, Start: 96000},
		{First: 143000, End: 192000, FadeIn: 1000, FadeOut: 240, File: 3, Start: 144000},
		{First: 240000, End: 288000, FadeIn: 240, FadeOut: 240, File: 4, Start: 240000},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
