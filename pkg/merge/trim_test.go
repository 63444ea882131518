package merge_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
)

// countedParts counts the parts that are rendered into a folder.
type countedParts struct {
	*merge.WorkDir
	put int
}

func (c *countedParts) Put(ctx context.Context, name string, render merge.RenderFunc) error {
	c.put++
	return c.WorkDir.Put(ctx, name, render)
}

// TestTrimReusesParts moves the start of a merge by 7 s: the other parts are used again, and the file is that
// of a merge that is made from nothing.
func TestTrimReusesParts(t *testing.T) {
	t.Parallel()
	s := session(three(), three().Add(slot))
	s.Sources = s.Sources[:2]
	dir, engine := record(t, s), newEngine(t)
	folder := t.TempDir()
	work, err := merge.OpenWork(filepath.Join(folder, "work"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = work.Close() }() // the folder goes with the test
	made := func(req merge.Request) (*merge.Plan, int) {
		t.Helper()
		plan, err := engine.Plan(t.Context(), req, clips(t, dir), nil)
		if err != nil {
			t.Fatal(err)
		}
		parts := &countedParts{WorkDir: work}
		all := make([]int, len(plan.Slices))
		for i := range all {
			all[i] = i
		}
		if err := engine.Render(t.Context(), plan, parts, all, 1); err != nil {
			t.Fatal(err)
		}
		return plan, parts.put
	}
	req := request(three().Add(2*time.Second), three().Add(34*time.Second))
	req.Slice = 10 * time.Second
	first, rendered := made(req)
	if len(first.Slices) < 3 || rendered != len(first.Slices) {
		t.Fatalf("%d slices, %d rendered", len(first.Slices), rendered)
	}
	req.Start = req.Start.Add(7 * time.Second)
	trimmed, rendered := made(req)
	if rendered > 2 {
		t.Errorf("the trim renders %d parts, want 2 at most", rendered)
	}
	reused := &film{Path: filepath.Join(folder, "trimmed.mp4"), Request: req}
	_, sum, err := engine.Join(t.Context(), trimmed, work, reused.Path)
	if err != nil {
		t.Fatal(err)
	}
	if fresh := makeFilm(t, engine, dir, req, 1); fresh.SHA256 != sum {
		t.Error("the trimmed merge is not that which is made from nothing")
	}
	c := complaints{t: t}
	for k, got := range reused.frames(t) {
		if text := wrong(got.Left, lecturer, reused.at(k), 40*time.Millisecond); text != "" {
			c.add("frame %d: left pane %s", k, text)
		}
	}
	if got, want := len(reused.sound(t).Samples), 25*ffmpeg.SampleRate; got < want || got > want+1024 {
		t.Errorf("%d samples, want %d", got, want)
	}
	checkMarks(t, reused, lecturer)
}

// TestKeptGain plans a record whose end is louder than the rest, then without its end: the gain of the first
// plan is kept, and so are the other parts.
func TestKeptGain(t *testing.T) {
	t.Parallel()
	s := session(three(), three().Add(2*slot))
	s.Sources = s.Sources[:1]
	s.Sources[0].Segments[1].Sound = &recorder.Sound{Speech: 0.6}
	dir, engine := record(t, s), newEngine(t)
	plan := func(req merge.Request) *merge.Plan {
		t.Helper()
		p, err := engine.Plan(t.Context(), req, clips(t, dir), nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	req := request(three(), three().Add(100*time.Second))
	req.Slice, req.Loudness = 10*time.Second, merge.Loudness{TargetLUFS: -16}
	first := plan(req)
	req.End = three().Add(40 * time.Second)
	measured := plan(req)
	req.Loudness.Kept = first.Sound.Gain()
	kept := plan(req)
	if measured.Sound.GainDB == first.Sound.GainDB {
		t.Fatalf("both have a gain of %v dB: nothing is tested", first.Sound.GainDB)
	}
	if kept.SliceDigest(0) != first.SliceDigest(0) || measured.SliceDigest(0) == first.SliceDigest(0) {
		t.Error("the gain of the first plan is not kept")
	}
	if kept.Sound.Expected == nil {
		t.Error("nothing is said of the loudness that comes of it")
	}
}
