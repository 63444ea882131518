package store_test

import (
	"context"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func TestAFailureIsOwedUntilTold(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		ok(t, r.Leases.Fail(ctx, hold, cause.Legacy("no", "нет"), "cause"))
		owed := must(r.Notices.Owed(ctx, 10))(t)
		if len(owed) != 1 || owed[0].ID != hold.Record {
			t.Fatalf("owed: %+v", owed)
		}
		ok(t, r.Notices.MarkSent(ctx, owed[0]))
		if left := must(r.Notices.Owed(ctx, 10))(t); len(left) != 0 {
			t.Errorf("owed for ever: %+v", left)
		}
		if free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t); len(free) != 0 {
			t.Errorf("a failed record is free: %+v", free)
		}
	})
}

func TestProgressIsTheSumOfTheSlices(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		ok(t, r.Leases.AddSlice(ctx, hold, 0, 100, 1000))
		ok(t, r.Leases.AddSlice(ctx, hold, 1, 150, 1000))
		ok(t, r.Leases.AddSlice(ctx, hold, 0, 200, 1000)) // further on; it does not count twice
		if got := r.record(t, hold.Record).Progress; got != 35 {
			t.Errorf("%d per cent, want 35", got)
		}
		ok(t, r.Leases.AddSlice(ctx, hold, 1, 800, 1000))
		if got := r.record(t, hold.Record).Progress; got != 99 {
			t.Errorf("%d per cent before it is joined", got)
		}
		must(r.Leases.Advance(ctx, hold, nvr.StepStage, store.Change{}, lease))(t)
		stale(t, r.Leases.AddSlice(ctx, hold, 0, 10, 1000))
	})
}
