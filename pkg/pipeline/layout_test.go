package pipeline

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestLayoutOfARecord holds that the word of an event counts before its room's setting, and that before the
// deployment's, and that a stage has its own size.
func TestLayoutOfARecord(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.UTC)
	for _, test := range []struct {
		deployment, room, event, want nvr.Layout
	}{
		{nvr.LayoutSide, "", "", nvr.LayoutSide},
		{nvr.LayoutStage, "", "", nvr.LayoutStage},
		{nvr.LayoutStage, nvr.LayoutSide, "", nvr.LayoutSide},
		{nvr.LayoutSide, nvr.LayoutStage, "", nvr.LayoutStage},
		{nvr.LayoutSide, nvr.LayoutStage, nvr.LayoutSide, nvr.LayoutSide},
		{nvr.LayoutSide, nvr.LayoutSide, nvr.LayoutStage, nvr.LayoutStage},
	} {
		w := &worker{p: &Pipeline{Settings: Settings{Layout: test.deployment, Width: 2560, Height: 720}}}
		w.room.Layout, w.rec.Layout = test.room, test.event
		req := w.request(start, start.Add(time.Hour))
		width, height := 2560, 720
		if test.want == nvr.LayoutStage {
			width, height = 1920, 1080
		}
		if req.Layout != test.want || req.Width != width || req.Height != height {
			t.Errorf("%+v: %q of %dx%d", test, req.Layout, req.Width, req.Height)
		}
	}
}
