package pipeline_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// reads reports whether a request reads bytes of the lecturer's segment.
func reads(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, lecturerFile) && r.Header.Get("Range") != ""
}

// TestASegmentThatChanges: a segment that is replaced after the plan was laid, before a task or while it
// reads, leads to a new plan: the video shows the new file only, as if it had been there from the start.
func TestASegmentThatChanges(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("renders")
	}
	s, err := sharedOnce()
	if err != nil {
		t.Fatal(err)
	}
	other := s.files[strings.Replace(lecturerFile, "_24", "_21", 1)] // shows something else, and has no sound
	want := newEnv(t)
	want.put("segments", lecturerFile, other)
	want.insert(nil)
	want.until(nvr.StepUpload)
	wanted := want.work("1/merges/" + want.row().Digest + ".mp4")

	w := newEnv(t)
	w.insert(nil)
	first := w.until(nvr.StepMerge)
	w.launched()
	before := w.save()
	for _, c := range []struct {
		when string
		nth  int32 // read of the second task at which it happens; 0: before it begins
	}{{"before the second task", 0}, {"while the second task reads", 3}} {
		t.Run(c.when, func(t *testing.T) {
			w := open(t, before.copy(t))
			w.step() // task 0, of the old file
			a, l := w.next(), &process{}
			if c.nth == 0 {
				w.put("segments", lecturerFile, other)
			}
			var n atomic.Int32
			l.strike = func(r *http.Request) bool {
				if reads(r) && n.Add(1) == c.nth {
					w.put("segments", lecturerFile, other)
				}
				return false
			}
			w.must(w.live(l, a.do))
			if rec := w.row(); rec.Step != nvr.StepStage || rec.Tries != 0 {
				t.Fatalf("after the change: %+v", rec)
			}
			rec := w.until(nvr.StepMerge)
			if rec.Step != nvr.StepMerge || rec.Digest == first.Digest {
				t.Fatalf("planned anew: %+v", rec)
			}
			for _, claim := range []nvr.Claim{
				first.Claim(),
				rec.Claim(),
			} { // a task of the old execution; the old digest under the right claim
				w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
					return p.Merge(ctx, pipeline.Task{
						Claim:  claim,
						Key:    pipeline.LaunchKey(claim),
						Digest: first.Digest,
						Index:  1,
						Count:  2,
					})
				}))
			}
			if after := w.row(); after.Step != nvr.StepMerge || after.Tries != 0 {
				t.Fatalf("a task with another plan: %+v", after)
			}
			w.until(nvr.StepUpload)
			if got := w.work("1/merges/" + rec.Digest + ".mp4"); string(got) != string(wanted) {
				t.Errorf(
					"the merge has %d bytes that are not those of a merge of the new file (%d)",
					len(got), len(wanted),
				)
			}
			if rec := w.until(); rec.Step != nvr.StepDone || rec.Tries != 0 || len(w.facts("", "").left) != 0 {
				t.Errorf("in the end: %+v", rec)
			}
		})
	}
}
