package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// A worker that was slow to renew its lease works on, and one that died is taken over: either way the
// record keeps its place among those that run.
func TestRunningCountsWhatIsNotTakenOverYet(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		count := func(what string, want int) {
			t.Helper()
			if got := must(r.Queue.CountRunning(ctx))(t); got != want {
				t.Errorf("%s: %d running, want %d", what, got, want)
			}
		}
		staging, merging := r.work(t, nvr.StepStage), r.work(t, nvr.StepMerge)
		r.work(t, nvr.StepUpload)
		count("working", 2)
		r.clock.Move(lease + time.Second)
		count("leases have run out", 2)
		must(r.Leases.Release(ctx, staging, store.Setback{
			Pause: func(int64) time.Duration { return time.Minute },
			Cause: "x",
		}))(t)
		count("one pauses", 1)
		r.clock.Move(time.Hour)
		count("its pause is over", 1)
		ok(t, r.Leases.Fail(ctx, merging, cause.Legacy("x", "x"), "x"))
		count("one has failed", 0)
	})
}

// What pauses may have to wait for a place; what has lost its worker holds one, and must be found however
// many wait before it.
func TestExpiredFindsLostWorkersFirst(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		for range 3 {
			must(r.Leases.Release(ctx, r.work(t, nvr.StepStage), store.Setback{
				Pause: func(int64) time.Duration { return time.Minute },
				Cause: "x",
			}))(t)
		}
		r.clock.Move(time.Hour)
		lost := r.work(t, nvr.StepMerge)
		r.clock.Move(lease + time.Second)
		if got := must(r.Queue.Expired(ctx, 2))(t); len(got) != 2 || got[0].ID != lost.Record {
			t.Errorf("expired: %+v, want record %d first", got, lost.Record)
		}
	})
}

// always is the same lease for every attempt.
func always(int64) time.Duration { return lease }
