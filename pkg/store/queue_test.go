package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func ids(records []nvr.Record) []int64 {
	list := []int64{}
	for _, r := range records {
		list = append(list, r.ID)
	}
	return list
}

func TestTheWholeWay(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepLink)
		if got := r.record(t, hold.Record); !got.Done || got.Processing || got.Step != nvr.StepLink {
			t.Fatalf("after upload: %+v", got)
		}
		course := "Анализ, поток 1"
		must(r.Leases.Advance(ctx, hold, nvr.StepDone, store.Change{Course: &course}, lease))(t)
		got := r.record(t, hold.Record)
		want := nvr.Record{
			ID:           hold.Record,
			Title:        "Анализ",
			Room:         "504",
			Date:         "2026-11-20",
			StartTime:    "15:10",
			EndTime:      "16:30",
			UserEmail:    "a@example.org",
			Done:         true,
			Step:         nvr.StepDone,
			Attempt:      1,
			Continuation: 4,
			AskedAt:      r.clock.Now(),
			Progress:     100,
			Revision:     1,
			Course:       course,
		}
		got.AskedAt, want.AskedAt = got.AskedAt.UTC(), want.AskedAt.UTC()
		if got != want {
			t.Fatalf("in the end:\n%+v, want\n%+v", got, want)
		}
		r.clock.Move(time.Hour)
		if left := append(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t), must(r.Queue.Expired(ctx, 10))(t)...); len(left) != 0 {
			t.Errorf("a finished record is still to do: %+v", left)
		}
	})
}

func TestFreeIsWhatIsDue(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		late := must(r.insert(lecture()))(t)
		soon := must(r.insert(lecture()))(t)
		unseen := must(r.insert(lecture()))(t)
		ok(t, r.Queue.SetDue(ctx, late, r.clock.Now().Add(-time.Minute)))
		ok(t, r.Queue.SetDue(ctx, soon, r.clock.Now().Add(time.Minute)))
		if got := ids(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)); len(got) != 2 || got[0] != unseen.ID || got[1] != late.ID {
			t.Fatalf("free: %v, want %v", got, []int64{unseen.ID, late.ID})
		}
		r.clock.Move(2 * time.Minute)
		ok(t, r.Queue.SetDue(ctx, unseen, r.clock.Now().Add(-time.Hour)))
		if got := ids(must(r.Queue.DueUnscheduledFirst(ctx, 2))(t)); len(got) != 2 || got[0] != unseen.ID || got[1] != late.ID {
			t.Fatalf("oldest first: %v", got)
		}
		stale(t, r.Queue.SetDue(ctx, soon, r.clock.Now())) // read before it was dated
	})
}

// TestAskedFor: what is asked for long after its end waits from then on, and again if it is wanted again.
func TestAskedFor(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		first := r.clock.Now()
		old := must(r.insert(lecture()))(t)
		r.clock.Move(time.Hour) // claim comes late
		ok(t, r.Queue.SetDue(ctx, old, first.Add(-240*time.Hour)))
		wants := func(asked time.Time, late int) {
			t.Helper()
			if got := r.record(t, old.ID).AskedAt; !got.Equal(asked) {
				t.Errorf("asked for at %v, want %v", got, asked)
			}
			if queue := must(r.Queue.Stats(ctx))(t); !queue.Oldest.Equal(asked) {
				t.Errorf("the oldest waits since %v, want %v", queue.Oldest, asked)
			}
			if got := must(r.Queue.CountOverdue(ctx, r.clock.Now().Add(-4*time.Hour)))(t); got != late {
				t.Errorf("%d are late, want %d", got, late)
			}
		}
		wants(first, 0)
		r.clock.Move(5 * time.Hour)
		wants(first, 1)
		must(r.Queue.Claim(ctx, r.record(t, old.ID), nvr.StepStage, lease))(t)
		r.sql(t, `update records set done = 0, processing = 0 where id = ?`, old.ID)
		ok(t, r.Queue.SetDue(ctx, r.record(t, old.ID), first.Add(-240*time.Hour)))
		wants(r.clock.Now(), 0)

		ok(t, r.Queue.Fail(ctx, r.record(t, old.ID), reason("none"), "x"))
		ok(t, r.Requests.Retry(ctx, old.ID))
		retried := r.clock.Now()
		r.clock.Move(time.Hour) // claim comes late
		ok(t, r.Queue.SetDue(ctx, r.record(t, old.ID), first.Add(-240*time.Hour)))
		wants(retried, 0)

		r.sql(
			t,
			`update records set asked_at = 0, dated = '', due_at = 0 where id = ?`,
			old.ID,
		) // as the NVR inserts it
		r.clock.Move(time.Hour)
		ok(t, r.Queue.SetDue(ctx, r.record(t, old.ID), first.Add(-240*time.Hour)))
		wants(r.clock.Now(), 0)
	})
}

func TestChangedByHandIsLookedAtAnew(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		record := must(r.insert(lecture()))(t)
		ok(t, r.Queue.SetDue(ctx, record, r.clock.Now().Add(24*time.Hour)))
		if got := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t); len(got) != 0 {
			t.Fatalf("free before it is due: %+v", got)
		}
		r.sql(
			t,
			`update records set start_time = '10:00', end_time = '11:00' where id = ?`,
			record.ID,
		)
		if got := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t); len(got) != 1 {
			t.Fatalf("the NVR moved it, and claim does not look: %+v", got)
		}
	})
}

func TestTakeComparesAndSets(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		record, claim := r.file(t)
		if want := (nvr.Claim{Record: record.ID, Attempt: 1, Step: nvr.StepStage}); claim != want {
			t.Fatalf("claim %+v, want %+v", claim, want)
		}
		if _, err := r.Queue.Claim(ctx, record, nvr.StepStage, lease); err == nil {
			t.Fatal("taken twice")
		} else {
			stale(t, err)
		}
		if got := r.record(t, record.ID); !got.Processing || got.Attempt != 1 || got.Claim() != claim {
			t.Fatalf("taken: %+v", got)
		}
		if got := must(r.Queue.CountRunning(ctx))(t); got != 1 {
			t.Errorf("%d running, want 1", got)
		}
	})
}

func TestTakeoverAfterTheLease(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		if got := must(r.Queue.Expired(ctx, 10))(t); len(got) != 0 {
			t.Fatalf("expired while the lease runs: %+v", got)
		}
		r.clock.Move(lease + time.Second)
		gone := must(r.Queue.Expired(ctx, 10))(t)
		if len(gone) != 1 || gone[0].ID != hold.Record {
			t.Fatalf("expired: %+v", gone)
		}
		ok(t, r.Leases.Renew(ctx, hold, lease)) // it was only slow, and still has the record
		_, err := r.Queue.Claim(ctx, gone[0], nvr.StepMerge, lease)
		stale(t, err)

		r.clock.Move(lease + time.Second)
		gone = must(r.Queue.Expired(ctx, 10))(t)
		claim := must(r.Queue.ClaimFailed(
			ctx,
			gone[0],
			nvr.StepStage,
			lease,
			cause.Legacy("memory", "память"),
			"oom",
		))(t)
		stale(t, r.Leases.Renew(ctx, hold, lease))
		stale(t, r.Leases.AddSlice(ctx, hold, 0, 50, 100))
		if got := r.record(t, hold.Record); got.Step != nvr.StepStage || got.Tries != 1 || got.Cause != "oom" || got.Reason != cause.Legacy("memory", "память") || got.Attempt != 2 {
			t.Fatalf("taken over: %+v", got)
		}
		must2(r.Leases.Enter(ctx, claim, "next", lease))(t)
	})
}

func TestExtendForWorkThatIsAlive(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		r.clock.Move(lease + time.Second)
		gone := must(r.Queue.Expired(ctx, 10))(t)
		ok(t, r.Queue.ExtendLease(ctx, gone[0], lease))
		if got := must(r.Queue.Expired(ctx, 10))(t); len(got) != 0 {
			t.Errorf("expired after it was extended: %+v", got)
		}
		ok(t, r.Leases.Renew(ctx, hold, lease))
		stale(t, r.Queue.ExtendLease(ctx, gone[0], lease))
	})
}

func TestEnter(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		_, claim := r.file(t)
		record, hold, err := r.Leases.Enter(ctx, claim, "one", lease)
		ok(t, err)
		if record.Holder != "one" || record.Attempt != claim.Attempt || record.Title != "Анализ" {
			t.Fatalf("entered: %+v", record)
		}
		must2(r.Leases.Enter(ctx, claim, "one", lease))(t) // tasks of one execution
		if _, _, err := r.Leases.Enter(ctx, claim, "two", lease); !errors.Is(err, store.ErrHeld) {
			t.Fatalf("entered beside a living holder: %v", err)
		}
		next := must(r.Leases.Continue(ctx, hold, lease))(t)
		_, _, err = r.Leases.Enter(ctx, claim, "one", lease)
		stale(t, err) // an old turn
		_, _, err = r.Leases.Enter(
			ctx,
			nvr.Claim{Record: 99999, Attempt: 1, Step: nvr.StepStage},
			"one",
			lease,
		)
		stale(t, err)
		must2(r.Leases.Enter(ctx, next, "three", lease))(t)
		stale(t, r.Leases.Renew(ctx, hold, lease))
		r.clock.Move(lease + time.Second)
		must2(r.Leases.Enter(ctx, next, "four", lease))(t) // three is dead
	})
}

func TestWriteOfEqualValuesIsNotStale(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepMerge)
		for range 2 {
			ok(t, r.Leases.Renew(ctx, hold, lease))
			ok(t, r.Leases.AddSlice(ctx, hold, 0, 62, 100))
			ok(t, r.Leases.Save(ctx, hold, store.Change{}))
		}
		if got := r.record(t, hold.Record); got.Progress != 62 {
			t.Errorf("progress %d", got.Progress)
		}
	})
}

func TestResetByHand(t *testing.T) {
	for _, step := range []nvr.Step{
		nvr.StepStage,
		nvr.StepMerge,
		nvr.StepUpload,
		nvr.StepLink,
		nvr.StepDone,
	} {
		t.Run(string(step), func(t *testing.T) {
			onEach(t, func(t *testing.T, r rig) {
				ctx := context.Background()
				at := step
				if step == nvr.StepDone {
					at = nvr.StepLink
				}
				hold := r.work(t, at)
				file := "file-1"
				ok(t, r.Leases.Save(ctx, hold, store.Change{FileID: &file}))
				if step == nvr.StepDone {
					must(r.Leases.Advance(ctx, hold, nvr.StepDone, store.Change{}, lease))(t)
				}
				r.sql(
					t,
					`update records set done = 0, processing = 0, tries = 3 where id = ?`,
					hold.Record,
				)
				stale(t, r.Leases.Renew(ctx, hold, lease)) // the reset makes the worker stale
				free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
				if len(free) != 1 {
					t.Fatalf("%d free, want the one that was reset", len(free))
				}
				claim := must(r.Queue.Claim(ctx, free[0], nvr.StepUpload, lease))(t)
				got := r.record(t, hold.Record)
				if claim.Step != nvr.StepStage || got.Step != nvr.StepStage || got.Tries != 0 || got.FileID != file || !got.Processing || got.Done {
					t.Errorf("again: %+v", got)
				}
			})
		})
	}
}

func TestForeignWorkIsLeftAlone(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		r.sql(
			t,
			`insert into records (room_name, date, start_time, end_time, user_email, processing) values ('504', '2026-11-20', '10:00', '11:00', 'a@example.org', 1)`,
		)
		r.clock.Move(1000 * time.Hour)
		if got := append(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t), must(r.Queue.Expired(ctx, 10))(t)...); len(got) != 0 {
			t.Errorf("work of others would be taken: %+v", got)
		}
	})
}

func TestNullsOfTheNVR(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		r.sql(t, `insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing)
 values (null, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', null, null, null)`)
		free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		if len(free) != 1 {
			t.Fatalf("%d free, want 1", len(free))
		}
		claim := must(r.Queue.Claim(ctx, free[0], nvr.StepStage, lease))(t)
		must2(r.Leases.Enter(ctx, claim, "one", lease))(t)
	})
}

func TestTakeAllLeavesOutWhatChanged(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		for range 5 {
			must(r.insert(lecture()))(t)
		}
		r.sql(t, `update records set step = 'done', tries = 4 where id = 4`)
		free := must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)
		must(r.Queue.Claim(ctx, free[1], nvr.StepStage, lease))(t)
		r.sql(t, `update records set end_time = '17:00' where id = 3`)
		claims := must(r.Queue.ClaimAll(ctx, 1000, append(free, nvr.Record{ID: 99}), always))(t)
		want := []nvr.Claim{}
		for _, id := range []int64{1, 4, 5} {
			want = append(want, nvr.Claim{Record: id, Attempt: 1, Step: nvr.StepStage})
		}
		if !slices.Equal(claims, want) {
			t.Fatalf("claims %+v, want %+v", claims, want)
		}
		if got := r.record(t, 4); got.Tries != 0 || got.Step != nvr.StepStage || !got.Processing || got.Attempt != 1 {
			t.Errorf("taken: %+v", got)
		}
		if got := ids(must(r.Queue.DueUnscheduledFirst(ctx, 10))(t)); !slices.Equal(got, []int64{3}) {
			t.Errorf("left: %v", got)
		}
	})
}

func TestFairAmongRooms(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		add := func(room string, due time.Duration) nvr.Record {
			rec := lecture()
			rec.Room = room
			rec = must(r.insert(rec))(t)
			ok(t, r.Queue.SetDue(ctx, rec, r.clock.Now().Add(-due)))
			return must(r.Records.Get(ctx, rec.ID))(t)
		}
		many := []nvr.Record{
			add("504", 9*time.Hour),
			add("504", 8*time.Hour),
			add("504", 7*time.Hour),
		}
		other, third := add("505", 2*time.Hour), add("506", time.Hour)
		must(r.insert(lecture()))(t) // not scheduled yet
		add("507", -time.Hour)       // not due
		want := []int64{many[0].ID, other.ID, third.ID, many[1].ID, many[2].ID}
		if got := ids(must(r.Queue.DueFairly(ctx, time.Time{}, 10))(t)); !slices.Equal(got, want) {
			t.Errorf("the first of each room before the second of any: %v, want %v", got, want)
		}
		must(r.Queue.Claim(ctx, many[0], nvr.StepStage, time.Hour))(t)
		want = []int64{other.ID, third.ID}
		if got := ids(must(r.Queue.DueFairly(ctx, time.Time{}, 2))(t)); !slices.Equal(got, want) {
			t.Errorf("a room with one at work comes behind those without: %v, want %v", got, want)
		}
		// Old are the ones of 504 and that of 505: behind 506, and behind what 504 asks for today.
		today := add("504", 30*time.Minute)
		want = []int64{third.ID, today.ID, other.ID, many[1].ID, many[2].ID}
		if got := ids(must(r.Queue.DueFairly(ctx, r.clock.Now().Add(-90*time.Minute), 10))(t)); !slices.Equal(got, want) {
			t.Errorf("what is old comes behind what is not: %v, want %v", got, want)
		}
	})
}

func TestLastRun(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		if _, err := r.Runs.Last(ctx, "claim"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("before any run: %v", err)
		}
		for range 2 {
			r.clock.Move(time.Minute)
			ok(t, r.Runs.Mark(ctx, "claim"))
			if got := must(r.Runs.Last(ctx, "claim"))(t); !got.Equal(r.clock.Now()) {
				t.Errorf("the last run was at %v, it is %v", got, r.clock.Now())
			}
		}
	})
}
