package merge_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestStills plans merges of cameras that freeze or go black. The report names it, and nothing else changes.
func TestStills(t *testing.T) {
	t.Parallel()
	const (
		size   = "=s=160x90:r=10"
		before = "testsrc2" + size + ":d=16[a];testsrc2" + size + ":d=18[c];"
		freeze = before + "[a]tpad=stop_mode=clone:stop_duration=26[b];[b][c]concat"
		noise  = ",noise=alls=6:allf=t"
	)
	tests := []struct {
		name, graph string
		options     []string
		code        string
		from, until time.Duration
	}{
		{"a frozen camera", freeze, nil, "picture-frozen", 16, 42},
		{"a frozen camera, B-frames, long groups", freeze,
			[]string{"-preset", "medium", "-g", "100"}, "picture-frozen", 16, 42},
		{"a frozen camera, only key frames", freeze,
			[]string{"-g", "1"}, "picture-frozen", 16, 42},
		{"a black camera with noise",
			"color" + size + ":c=black:d=26" + noise + "[b];" + before + "[a][b][c]concat=n=3",
			nil, "picture-black", 16, 42},
		{"a green camera", "color" + size + ":c=0x00ff00:d=26[b];" + before + "[a][b][c]concat=n=3",
			nil, "picture-black", 16, 42},
		{"an empty room", "smptebars" + size + ":d=60" + noise, nil, "", 0, 0},
		{"a blank wall", "color" + size + ":c=0xe0e0d8:d=60,noise=alls=6:allf=t", nil, "", 0, 0},
		{"a lecturer who hardly moves", "color" + size + ":c=gray:d=60," +
			"drawbox=x='40+2*sin(t)':y=20:w=30:h=40:color=white:t=fill," +
			"noise=alls=3:allf=t", nil, "", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := request(three(), three().Add(time.Minute))
			req.Sources, req.Sound, req.Width = map[nvr.Role]string{nvr.Lecturer: lecturer}, "", 320
			dir := filmOf(t, tt.graph, append([]string{"-g", "20"}, tt.options...)...)
			plan, err := newEngine(t).Plan(t.Context(), req, clips(t, dir), nil)
			if err != nil {
				t.Fatal(err)
			}
			checkStill(t, plan, tt.code, tt.from*time.Second, tt.until*time.Second)
			if len(plan.Scenes) != 1 {
				t.Errorf("%d scenes, want one", len(plan.Scenes))
			}
			req.Sources = map[nvr.Role]string{nvr.Screen: lecturer}
			if plan, err = newEngine(t).Plan(t.Context(), req, clips(t, dir), nil); err != nil {
				t.Fatal(err)
			}
			checkStill(t, plan, "", 0, 0)
		})
	}
}

// checkStill wants the warnings of a plan to be the one of a code, or none.
func checkStill(t *testing.T, plan *merge.Plan, code string, from, until time.Duration) {
	t.Helper()
	for _, seg := range plan.Segments {
		for _, w := range seg.Warnings {
			if string(w.Cause.Code()) != code {
				t.Errorf("warning %s over %v, want %q", w.Cause.Code(), w.Run, code)
			}
		}
	}
	if code == "" {
		return
	}
	const near = 2100 * time.Millisecond // a group of pictures
	found := plan.Segments[0].Warnings
	if len(found) != 1 || (found[0].Run.From-from).Abs() > near || (found[0].Run.Until-until).Abs() > near {
		t.Errorf("warnings %+v, want one from %v to %v", found, from, until)
	}
}
