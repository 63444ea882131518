package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestTheJobIsKilled: what killed the job's tasks stands in the record after each try, and the fifth
// fails it, with one notice that says so.
func TestTheJobIsKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command       string
		limit         time.Duration
		reason, cause string
	}{
		"by the kernel, for memory": {command: "kill -9 $$", reason: "needed more memory", cause: "memory, signal 9"},
		"by Cloud Run, for time":    {command: "exec sleep 600", limit: 20 * time.Millisecond, reason: "took longer than it may", cause: "time, signal 9: The configured timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.command, w.limit = []string{"sh", "-c", c.command}, c.limit
			w.insert(nil)
			for try := int64(1); try <= store.Tries; try++ {
				w.claim() // the first time takes the record; then finds what became of the job
				if rec := w.row(); rec.Tries != try-1 || rec.Attempt != try || try > 1 && !(strings.Contains(rec.Reason.En, c.reason) && strings.Contains(rec.Cause, c.cause)) {
					t.Fatalf("before try %d: %+v", try, rec)
				}
				if rec := w.until(nvr.StepMerge); rec.Step != nvr.StepMerge {
					t.Fatalf("try %d: %+v", try, rec)
				}
				w.clock.Move(2 * time.Minute)
			}
			w.claim()
			rec := w.row()
			if rec.Step != nvr.StepFailed || rec.FailedStep != nvr.StepMerge || !strings.Contains(rec.Reason.En, c.reason) || rec.Reason.Ru == "" || !strings.Contains(rec.Cause, c.cause) {
				t.Errorf("in the end: %+v", rec)
			}
			if w.posts["record-1-failed"] != 1 || len(w.posts) != 1 || rec.Done || rec.Processing {
				t.Errorf("notices %v, row %+v", w.posts, rec)
			}
		})
	}
}
