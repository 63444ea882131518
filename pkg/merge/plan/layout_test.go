package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestSideIsNoLayout holds that a plan side by side is that of versions without layouts, whether its request
// names the layout or not.
func TestSideIsNoLayout(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.UTC)
	planned := func(layout nvr.Layout) *plan.Plan {
		req := plan.Request{
			Start: start, End: start.Add(time.Minute), Slice: time.Minute,
			Layout: layout, Width: 2560, Height: 720, Rate: 25,
		}
		p := plan.New(req, "5.1", nil, nil)
		p.LayOut(req, nil)
		return p
	}
	named, unnamed := planned(nvr.LayoutSide), planned("")
	if diff := cmp.Diff(string(planText(t, unnamed)), string(planText(t, named))); diff != "" {
		t.Error(diff)
	}
	if planned(nvr.LayoutStage).Digest() == named.Digest() {
		t.Error("a stage has the digest of a video side by side")
	}
	if got := named.Panes(); got != (plan.Panes{
		Whole: plan.Box{Width: 2560, Height: 720},
		Left:  plan.Box{Width: 1280, Height: 720},
		Right: plan.Box{X: 1280, Width: 1280, Height: 720},
	}) {
		t.Errorf("panes %+v", got)
	}
}

// TestStagePanes holds that a stage has the size and the places that are promised.
func TestStagePanes(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Layout: nvr.LayoutStage}
	p.Encoding.Width, p.Encoding.Height = plan.SizeOf(nvr.LayoutStage, 2560, 720)
	if got := p.Panes(); got != (plan.Panes{
		Whole: plan.Box{Width: 1920, Height: 1080},
		Left:  plan.Box{Width: 480, Height: 270},
		Right: plan.Box{X: 480, Width: 1440, Height: 810},
		Other: plan.Box{Y: 270, Width: 480, Height: 270},
	}) {
		t.Errorf("panes %+v", got)
	}
}
