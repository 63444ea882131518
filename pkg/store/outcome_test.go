package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func reason(text string) cause.Cause { return cause.Legacy(text, "по-русски: "+text) }

func TestPostponeOnStageFreesTheRecord(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepStage)
		r.sql(t, `update records set tries = 2 where id = ?`, hold.Record)
		ok(t, r.Leases.Postpone(
			ctx,
			hold,
			r.clock.Now().Add(10*time.Minute),
			reason("footage is still coming"),
		))
		got := r.record(t, hold.Record)
		if got.Processing || got.Holder != "" || got.Tries != 2 || got.Reason != reason("footage is still coming") {
			t.Fatalf("postponed: %+v", got)
		}
		if free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t); len(free) != 0 {
			t.Fatal("free before its time")
		}
		_, _, err := r.Leases.Enter(ctx, hold.Claim, "again", lease) // the message comes a second time
		stale(t, err)
		r.clock.Move(10 * time.Minute)
		free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		if len(free) != 1 {
			t.Fatal("not free when its time has come")
		}
		must(r.Queue.Claim(ctx, free[0], nvr.StepStage, lease))(t)
		if got := r.record(t, hold.Record); got.Tries != 2 || got.Reason != (cause.Cause{}) {
			t.Errorf("waiting cost tries, or the reason stayed: %+v", got)
		}
	})
}

func TestPostponeOnALaterStepHoldsIt(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		ok(t, r.Leases.Postpone(ctx, hold, r.clock.Now().Add(10*time.Minute), reason("quota")))
		if got := append(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t), must(r.Queue.Expired(ctx, 10))(t)...); len(got) != 0 {
			t.Fatalf("taken before its time: %+v", got)
		}
		r.clock.Move(10*time.Minute + time.Second)
		gone := must(r.Queue.Expired(ctx, 10))(t)
		if len(gone) != 1 || gone[0].Step != nvr.StepUpload || !gone[0].Processing {
			t.Fatalf("to go on with: %+v", gone)
		}
	})
}

func TestFiveTries(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		pause := func(tries int64) time.Duration { return time.Duration(tries) * time.Minute }
		setback := store.Setback{
			Pause: pause,
			Why:   reason("again"),
			Last:  reason("no more"),
			Cause: "503",
		}
		for try := int64(1); try < store.MaxTries; try++ {
			if failed := must(r.Leases.Release(ctx, hold, setback))(t); failed {
				t.Fatalf("failed at try %d", try)
			}
			_, err := r.Leases.Release(ctx, hold, setback)
			stale(t, err)
			got := r.record(t, hold.Record)
			if got.Tries != try || !got.DueAt.Equal(r.clock.Now().Add(pause(try))) || got.Reason != reason("again") || got.Cause != "503" {
				t.Fatalf("after try %d: %+v", try, got)
			}
			r.clock.Move(pause(try) - time.Second)
			if early := must(r.Queue.Expired(ctx, 1))(t); len(early) != 0 {
				t.Fatal("taken during the pause")
			}
			r.clock.Move(2 * time.Second)
			claim := must(r.Queue.Claim(
				ctx,
				must(r.Queue.Expired(ctx, 1))(t)[0],
				nvr.StepUpload,
				lease,
			))(t)
			_, next, err := r.Leases.Enter(ctx, claim, "one", lease)
			ok(t, err)
			hold = next
		}
		if failed := must(r.Leases.Release(ctx, hold, setback))(t); !failed {
			t.Fatal("the fifth failure did not fail the record")
		}
		got := r.record(t, hold.Record)
		if got.Step != nvr.StepFailed || got.FailedStep != nvr.StepUpload || got.Done || got.Processing || got.Reason != reason("no more") {
			t.Fatalf("failed: %+v", got)
		}
	})
}

func TestAFailureIsForgottenOnceTheWorkGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		r.clock.Move(2 * lease)
		claim := must(r.Queue.ClaimFailed(
			ctx,
			r.record(t, hold.Record),
			nvr.StepStage,
			lease,
			reason("its memory was not enough"),
			"killed",
		))(t)
		_, hold, err := r.Leases.Enter(ctx, claim, "one", lease)
		ok(t, err)
		if got := r.record(t, hold.Record); got.Reason != reason("its memory was not enough") || got.Cause != "killed" {
			t.Fatalf("while it is tried again: %+v", got)
		}
		must(r.Leases.Advance(ctx, hold, nvr.StepMerge, store.Change{}, lease))(t)
		if got := r.record(t, hold.Record); got.Reason != (cause.Cause{}) || got.Cause != "" {
			t.Errorf("a failure that is over: %+v, cause %q", got.Reason, got.Cause)
		}
	})
}

func TestARemarkStays(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		ok(t, r.Requests.SetReason(ctx, r.record(t, hold.Record), reason("its event was moved")))
		r.clock.Move(2 * lease) // its worker is lost
		claim := must(r.Queue.Claim(ctx, r.record(t, hold.Record), nvr.StepMerge, lease))(t)
		_, hold, err := r.Leases.Enter(ctx, claim, "one", lease)
		ok(t, err)
		must(r.Leases.Advance(ctx, hold, nvr.StepUpload, store.Change{}, lease))(t)
		if got := r.record(t, hold.Record); got.Reason != reason("its event was moved") {
			t.Errorf("the remark: %+v", got.Reason)
		}
	})
}

func TestFailClaimOnlyWhereNobodyWorks(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		stale(t, r.Queue.FailClaim(ctx, hold.Claim, reason("dead"), "dead letter"))
		next := must(r.Leases.Continue(ctx, hold, lease))(t)
		stale(t, r.Queue.FailClaim(ctx, hold.Claim, reason("dead"), "dead letter"))
		ok(t, r.Queue.FailClaim(ctx, next, reason("dead"), "dead letter"))
		if got := r.record(t, hold.Record); got.Step != nvr.StepFailed || got.Cause != "dead letter" {
			t.Fatalf("failed: %+v", got)
		}
		if got := append(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t), must(r.Queue.Expired(ctx, 10))(t)...); len(got) != 0 {
			t.Errorf("a failed record is free: %+v", got)
		}
	})
}

func TestRetryGoesOnWhereItFailed(t *testing.T) {
	for _, step := range []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink} {
		t.Run(string(step), func(t *testing.T) {
			onEach(t, func(t *testing.T, r rig) {
				ctx := context.Background()
				hold := r.work(t, step)
				if err := r.Requests.Retry(ctx, hold.Record); !errors.Is(err, store.ErrConflict) {
					t.Fatalf("retried while it runs: %v", err)
				}
				ok(t, r.Leases.Fail(ctx, hold, reason("no"), "x"))
				ok(t, r.Requests.Retry(ctx, hold.Record))
				list := append(
					must(r.Queue.DueUnscheduledFirst(ctx, 10))(t),
					must(r.Queue.Expired(ctx, 10))(t)...,
				)
				if len(list) != 1 || list[0].Step != step || list[0].Tries != 0 || list[0].Done != (step == nvr.StepLink) {
					t.Fatalf("to do: %+v", list)
				}
				claim := must(r.Queue.Claim(ctx, list[0], step, lease))(t)
				must2(r.Leases.Enter(ctx, claim, "one", lease))(t)
			})
		})
	}
}

func TestFailedAndSetToStageByHand(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		ok(t, r.Leases.Fail(ctx, hold, reason("no"), "x"))
		r.sql(t, `update records set step = 'stage', tries = 5 where id = ?`, hold.Record)
		free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		ok(t, r.Queue.SetDue(ctx, free[0], r.clock.Now()))
		free = must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		must(r.Queue.Claim(ctx, free[0], nvr.StepStage, lease))(t)
		if got := r.record(t, hold.Record); got.Tries != 0 || got.FailedStep != "" {
			t.Errorf("again: %+v", got)
		}
	})
}

func TestAPersonWinsOverAWorker(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		ok(t, r.Requests.Withdraw(ctx, hold.Record, reason("cancelled")))
		ok(t, r.Requests.Withdraw(ctx, hold.Record, reason("cancelled"))) // twice is once
		stale(t, r.Leases.Renew(ctx, hold, lease))
		got := r.record(t, hold.Record)
		if got.Step != nvr.StepWithdrawn || got.Attempt != hold.Attempt+1 || got.Processing {
			t.Fatalf("withdrawn: %+v", got)
		}
		to := got
		to.StartTime = "15:00"
		to.Title = ""
		ok(t, r.Requests.Revise(ctx, got, to))
		stale(t, r.Requests.Revise(ctx, got, to))
		free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		if len(free) != 1 || free[0].StartTime != "15:00" || free[0].Title != "" || free[0].Attempt != hold.Attempt+2 {
			t.Fatalf("restored: %+v", free)
		}
	})
}

func TestDoneIsNotWithdrawn(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepLink)
		must(r.Leases.Advance(ctx, hold, nvr.StepDone, store.Change{}, lease))(t)
		if err := r.Requests.Withdraw(ctx, hold.Record, reason("cancelled")); !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
}

func TestWithdrawnByTheWorker(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepLink)
		why := reason("the event was cancelled")
		must(r.Leases.Advance(ctx, hold, nvr.StepWithdrawn, store.Change{Reason: &why}, lease))(t)
		if got := r.record(t, hold.Record); got.Step != nvr.StepWithdrawn || got.Done || got.Reason != why {
			t.Errorf("withdrawn: %+v", got)
		}
	})
}
