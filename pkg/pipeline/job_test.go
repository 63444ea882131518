package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestTheJobIsKilled: what killed the job's tasks stands in the record after each try, and the fifth
// fails it, with one notice that says so.
func TestTheJobIsKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		limit   time.Duration
		reason  cause.Code
		cause   string
	}{
		"by the kernel, for memory": {
			command: "kill -9 $$",
			reason:  cause.CodeMergeMemory,
			cause:   "memory, signal 9",
		},
		"by Cloud Run, for time": {
			command: "exec sleep 600",
			limit:   20 * time.Millisecond,
			reason:  cause.CodeMergeTimeout,
			cause:   "time, signal 9: The configured timeout",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.command, w.limit = []string{"sh", "-c", c.command}, c.limit
			w.insert(nil)
			for try := int64(1); try <= store.MaxTries; try++ {
				w.claim() // the first time takes the record; then finds what became of the job
				if rec := w.row(); rec.Tries != try-1 || rec.Attempt != try || try > 1 && !(rec.Reason.Is(c.reason) && strings.Contains(rec.Cause, c.cause)) {
					t.Fatalf("before try %d: %+v", try, rec)
				}
				if rec := w.until(nvr.StepMerge); rec.Step != nvr.StepMerge {
					t.Fatalf("try %d: %+v", try, rec)
				}
				w.clock.Move(2 * time.Minute)
			}
			w.claim()
			rec := w.row()
			if rec.Step != nvr.StepFailed || rec.FailedStep != nvr.StepMerge || !rec.Reason.Is(c.reason) || !strings.Contains(rec.Cause, c.cause) {
				t.Errorf("in the end: %+v", rec)
			}
			if w.posts["record-1-failed"] != 1 || len(w.posts) != 1 || rec.Done || rec.Processing {
				t.Errorf("notices %v, row %+v", w.posts, rec)
			}
		})
	}
}

// TestNoMoreTasksThanARecordMayHave: the slices of a long record are longer, and still begin on the grid.
func TestNoMoreTasksThanARecordMayHave(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 46, 1: 1, 7: 7, 100: 46} {
		w := newEnv(t)
		w.settings.Slice, w.settings.MostTasks = 1280*time.Millisecond, most
		w.insert(nil)
		w.until(nvr.StepMerge)
		plan := w.plan()
		if len(plan.Slices) != want || plan.Slices[len(plan.Slices)-1].End != plan.Frames {
			t.Errorf("at most %d: %d slices of %d frames", most, len(plan.Slices), plan.Frames)
		}
		for _, slice := range plan.Slices {
			if (plan.Origin+slice.First)%8 != 0 {
				t.Errorf("at most %d: a slice begins at frame %d", most, slice.First)
			}
		}
	}
}

// TestOneOfTwoExecutions: a lost answer of Cloud Run can start the job twice. While either runs, claim
// leaves the record to it, however the other has ended; then the two count as one try.
func TestOneOfTwoExecutions(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	runs := filepath.Join(w.dir, "runs")
	w.command = []string{"sh", "-c", `while test -e "$0"; do sleep 0.02; done; exit 1`, runs}
	w.insert(nil)
	first := w.until(nvr.StepMerge)
	w.ended()
	w.must(os.WriteFile(runs, nil, 0o600))
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		_, err := p.Jobs.Start(ctx, mergeJob, dispatch.Launch{
			Key:   pipeline.LaunchKey(first.Claim()),
			Tasks: 2,
			Since: w.clock.Now().Add(time.Hour),
		})
		return err
	}))
	for range 3 {
		w.clock.Move(2 * time.Minute) // the lease runs out
		w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
			return p.Claim(ctx)
		}))
		if rec := w.row(); rec.Step != nvr.StepMerge || rec.Attempt != first.Attempt || rec.Tries != 0 || !rec.LeaseUntil.After(w.clock.Now()) {
			t.Fatalf("while the second runs: %+v", rec)
		}
	}
	w.must(os.Remove(runs))
	w.clock.Move(2 * time.Minute)
	w.claim()
	if rec := w.row(); rec.Step != nvr.StepStage || rec.Tries != 1 || !strings.Contains(rec.Cause, "exit") {
		t.Errorf("after both: %+v", rec)
	}
}

// TestManyWaitForTheirTasks: however many records' executions claim asks after, it lists them once. A listing
// a record made every claim of a busy day read all the executions that the job remembers as many times.
func TestManyWaitForTheirTasks(t *testing.T) {
	t.Parallel()
	const records = 5
	w := newEnv(t)
	w.command = []string{"sleep", "600"}
	for range records {
		w.insert(nil)
	}
	w.claim()
	for range records {
		w.must(w.live(&process{}, w.next().do))
	}
	w.clock.Move(2 * w.settings.Lease)
	l := &process{}
	w.must(w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error {
		return p.Recover(ctx)
	}))
	if n := l.calls["run"]; n != 1 {
		t.Errorf("claim has called the Admin API %d times for %d records", n, records)
	}
	for id := range int64(records) {
		if rec := w.rowOf(id + 1); rec.Step != nvr.StepMerge || rec.Attempt != 1 || !rec.LeaseUntil.After(w.clock.Now()) {
			t.Errorf("an execution that waits is not waited for: %+v", rec)
		}
	}
}

// TestOldExecutionsAreNotListed: the job remembers seven days, and a listing of all of them takes claim's time.
func TestOldExecutionsAreNotListed(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.command = []string{"sh", "-c", `test -z "$RECORD" || exec sleep 600`}
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		for i := range 120 { // more than a page
			if _, err := p.Jobs.Start(ctx, mergeJob, dispatch.Launch{
				Key:   fmt.Sprintf("old-%d", i),
				Tasks: 1,
				Since: w.clock.Now().Add(time.Hour),
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	w.clock.Move(48 * time.Hour)
	w.insert(nil)
	w.claim()
	w.must(w.live(&process{}, w.next().do))
	w.clock.Move(2 * w.settings.Lease)
	l := &process{}
	w.must(w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error { return p.Recover(ctx) }))
	if n := l.calls["run"]; n != 1 {
		t.Errorf("claim has called the Admin API %d times", n)
	}
	if rec := w.rowOf(1); rec.Step != nvr.StepMerge || !rec.LeaseUntil.After(w.clock.Now()) {
		t.Errorf("its execution is not waited for: %+v", rec)
	}
}
