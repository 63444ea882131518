package merge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestWithheld holds that nothing of a withheld stretch is seen or heard, that all around it is, and that plan and
// report name it. One stretch begins inside a slice, the other ends the record and is too short for a layout of
// its own.
func TestWithheld(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Time { return three().Add(time.Duration(n) * time.Second) }
	dir := record(t, slow(session(three(), three().Add(slot))))
	engine := newEngine(t)
	req := request(second(2), second(34))
	req.Slice = 10 * time.Second
	whole, err := engine.Plan(t.Context(), req, clips(t, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Withheld = []nvr.Interval{{Start: second(8), End: second(22)}, {Start: second(30), End: second(40)}}
	f := makeFilm(t, engine, dir, req, 2)
	checkWithheldFrames(t, f)
	checkWithheldSound(t, f)
	if f.Plan.Digest() == whole.Digest() {
		t.Error("the plan has the digest of the one that withholds nothing")
	}
	if !f.Plan.Withholds(req) || whole.Withholds(req) {
		t.Error("the plans do not tell what they withhold")
	}
	if _, err := merge.ReadPlan(planText(t, f.Plan)); err != nil {
		t.Errorf("read the plan: %v", err)
	}
	gaps := map[string]int{}
	for _, gap := range f.Plan.Report(i18n.Default()).Gaps {
		if gap.Code == cause.CodeWithheld {
			gaps[gap.Source]++
		}
	}
	if gaps[lecturer] != 2 || gaps[screen] != 2 || gaps[board] != 2 {
		t.Errorf("the report has the gaps %v", gaps)
	}
}

// isWithheldAt reports whether an instant of a film is withheld, give or take a margin.
func isWithheldAt(req merge.Request, at time.Time, margin time.Duration) bool {
	return slices.ContainsFunc(req.Withheld, func(i nvr.Interval) bool {
		return at.Add(margin).Before(i.End) && !at.Add(-margin).Before(i.Start)
	})
}

func checkWithheldFrames(t *testing.T, f *film) {
	t.Helper()
	c := complaints{t: t}
	for k, frame := range f.frames(t) {
		withheld := isWithheldAt(f.Request, f.at(k), 0)
		for _, reading := range []timecode.Reading{frame.Left, frame.Right, frame.Centre} {
			if withheld && reading.State != timecode.Absent {
				c.add("frame %d shows %+v", k, reading)
			}
		}
		if !withheld && frame.Left.State == timecode.Absent {
			c.add("frame %d does not show the lecturer", k)
		}
	}
}

func checkWithheldSound(t *testing.T, f *film) {
	t.Helper()
	sound := f.sound(t)
	loudest := map[bool]float32{}
	for i, sample := range sound.Samples {
		at := f.Request.Start.Add(time.Duration(i) * time.Second / time.Duration(sound.Rate))
		if withheld := isWithheldAt(f.Request, at, 0); withheld == isWithheldAt(f.Request, at, 30*time.Millisecond) {
			loudest[withheld] = max(loudest[withheld], sample, -sample)
		}
	}
	if loudest[true] > 1e-3 || loudest[false] < 1e-2 {
		t.Errorf("the loudest samples are %v withheld, %v elsewhere", loudest[true], loudest[false])
	}
}
