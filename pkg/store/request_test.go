package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func TestADoubleClickIsOneRecord(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		once := &store.IdempotencyKey{Owner: "key 1", Key: "k", Body: []byte("body")}
		records := make([]int64, 8)
		made := make([]bool, 8)
		var all sync.WaitGroup
		for i := range records {
			all.Go(func() {
				record, created, err := r.Requests.Insert(ctx, lecture(), once)
				if err != nil {
					t.Error(err)
				}
				records[i], made[i] = record.ID, created
			})
		}
		all.Wait()
		slices.Sort(records)
		if records[0] == 0 || records[0] != records[7] {
			t.Fatalf("records %v", records)
		}
		if created := slices.DeleteFunc(made, func(made bool) bool {
			return !made
		}); len(created) != 1 {
			t.Errorf("created %d times", len(created))
		}
		if _, _, err := r.Requests.Insert(ctx, lecture(), &store.IdempotencyKey{
			Owner: "key 1",
			Key:   "k",
			Body:  []byte("other"),
		}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("the same key with another body: %v", err)
		}
		if other, created, err := r.Requests.Insert(ctx, lecture(), &store.IdempotencyKey{
			Owner: "key 2",
			Key:   "k",
			Body:  []byte("body"),
		}); err != nil || !created || other.ID == records[0] {
			t.Errorf("another owner's key: %v %v %v", other.ID, created, err)
		}
		if all := must(r.Records.ByUser(ctx, "a@example.org"))(t); len(all) != 2 {
			t.Errorf("%d rows in the end, want 2", len(all))
		}
	})
}

// TestQuotaHoldsForConcurrentRequests files more requests of one person at once than the quota allows.
func TestQuotaHoldsForConcurrentRequests(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		const most, requests = 3, 12
		ctx := context.Background()
		errs := make([]error, requests)
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() {
				var once *store.IdempotencyKey
				if i%2 == 0 {
					once = &store.IdempotencyKey{Owner: "key 1", Key: fmt.Sprint(i)}
				}
				_, _, errs[i] = r.Requests.InsertWithin(ctx, most, lecture(), once)
			})
		}
		all.Wait()
		filed := 0
		for _, err := range errs {
			if err == nil {
				filed++
			} else if !errors.Is(err, store.ErrQuota) {
				t.Error(err)
			}
		}
		rows := must(r.Records.ByUser(ctx, "a@example.org"))(t)
		if filed != most || len(rows) != most {
			t.Errorf("%d requests are filed and there are %d rows, want %d", filed, len(rows), most)
		}
		other := lecture()
		other.UserEmail = "b@example.org"
		if _, _, err := r.Requests.InsertWithin(ctx, most, other, nil); err != nil {
			t.Errorf("another person: %v", err)
		}
		r.sql(t, `update records set step = 'done', done = 1 where id = ?`, rows[0].ID)
		if _, _, err := r.Requests.InsertWithin(ctx, most, lecture(), nil); err != nil {
			t.Errorf("after one is done: %v", err)
		}
	})
}

// TestRepeatedRequestPassesTheQuota repeats requests of a person whose quota is full, at once and later.
func TestRepeatedRequestPassesTheQuota(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		once := &store.IdempotencyKey{Owner: "key 1", Key: "k"}
		ids := make([]int64, 6)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				record, _, err := r.Requests.InsertWithin(ctx, 1, lecture(), once)
				if err != nil {
					t.Error(err)
				}
				ids[i] = record.ID
			})
		}
		all.Wait()
		again, created, err := r.Requests.InsertWithin(ctx, 1, lecture(), once)
		if err != nil || created {
			t.Errorf("repeated: created %t, %v", created, err)
		}
		for _, id := range ids {
			if id != again.ID {
				t.Errorf("records %v, want only %d", ids, again.ID)
			}
		}
		if _, _, err := r.Requests.InsertWithin(ctx, 1, lecture(), nil); !errors.Is(err, store.ErrQuota) {
			t.Errorf("a new request: %v, want %v", err, store.ErrQuota)
		}
	})
}

func TestListPagesAndFilters(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		for i := range 25 {
			record := lecture()
			record.Room = fmt.Sprint(500 + i%2)
			record.Date = fmt.Sprintf("2026-11-%02d", 1+i)
			if i%5 == 0 {
				record.UserEmail = "b@example.org"
			}
			must(r.insert(record))(t)
		}
		var seen []int64
		for cursor := int64(0); ; {
			page, next, err := r.Records.List(
				ctx,
				store.Filter{UserEmail: "a@example.org"},
				cursor,
				7,
			)
			ok(t, err)
			seen = append(seen, ids(page)...)
			if cursor = next; next == 0 {
				break
			}
		}
		if len(seen) != 20 || !slices.IsSortedFunc(seen, func(a, b int64) int {
			return int(b - a)
		}) {
			t.Errorf("paged through %v", seen)
		}
		page, _, err := r.Records.List(
			ctx,
			store.Filter{
				Room:  "501",
				From:  "2026-11-10",
				To:    "2026-11-20",
				Steps: []nvr.Step{nvr.StepStage, nvr.StepMerge},
			},
			0,
			100,
		)
		ok(t, err)
		if len(page) != 6 {
			t.Errorf("filtered: %d, want 6", len(page))
		}
		named := lecture()
		named.Title = "Линейная алгебра 100%_!"
		must(r.insert(named))(t)
		for _, test := range []struct {
			filter store.Filter
			want   int
		}{
			{store.Filter{Text: "линейная"}, 1},
			{store.Filter{Text: "ЛИНЕЙНАЯ"}, 1},
			{store.Filter{Text: "алгебра"}, 1},
			{store.Filter{Text: "0%_!"}, 1},
			{store.Filter{Text: "5_1"}, 0},
			{store.Filter{Text: "501"}, 12},
			{store.Filter{Text: "B@EXAMPLE", Room: "500"}, 3},
			{store.Filter{Course: "none"}, 0},
		} {
			page, _, err := r.Records.List(ctx, test.filter, 0, 100)
			ok(t, err)
			if len(page) != test.want {
				t.Errorf("%+v finds %d, want %d", test.filter, len(page), test.want)
			}
		}
		if got := must(r.Records.On(ctx, "501", "2026-11-10"))(t); len(got) != 1 {
			t.Errorf("of the day: %d, want 1", len(got))
		}
	})
}

func TestEventIsOneRecord(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		record := lecture()
		record.EventID = "ev1"
		key := store.EventKey{Calendar: "c1", Event: "ev1"}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if _, _, err := r.Events.EnsureRecord(ctx, key, record); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if rows := must(r.Records.On(ctx, "504", record.Date))(t); len(rows) != 1 {
			t.Fatalf("%d records, want 1", len(rows))
		}
		again, created, err := r.Events.EnsureRecord(
			ctx,
			store.EventKey{Calendar: "c1", Event: "ev1", Revision: 1},
			record,
		)
		if err != nil || !created {
			t.Fatalf("another revision: %v %v", created, err)
		}
		if last := must(r.Events.Last(ctx, "c1", "ev1"))(t); last.Record.ID != again.ID || last.Key.Revision != 1 {
			t.Errorf("last: %+v", last)
		}
		if events := must(r.Events.List(ctx, "c1", "2026-11-20"))(t); len(events) != 2 || events[1].Record != again {
			t.Errorf("events: %+v", events)
		}
		if events := must(r.Events.List(ctx, "c1", "2026-11-21"))(t); len(events) != 0 {
			t.Errorf("events of later days: %+v", events)
		}
		moved := again
		moved.Date = "2026-11-25"
		ok(t, r.Requests.Revise(ctx, again, moved))
		if events := must(r.Events.List(ctx, "c1", "2026-11-21"))(t); len(events) != 1 || events[0].Record.Date != moved.Date {
			t.Errorf("events after one was moved: %+v", events)
		}
		if _, err := r.Events.Last(ctx, "c2", "ev1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the event in another calendar: %v", err)
		}
	})
}

func TestTheNVRsRowIsTheEventsRecord(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		r.sql(t, `insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id)
 values ('Old', '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'ev1')`)
		record := lecture()
		record.EventID = "ev1"
		elsewhere := record
		elsewhere.Room = "505"
		other, created, err := r.Events.EnsureRecord(
			ctx,
			store.EventKey{Calendar: "c2", Event: "ev1"},
			elsewhere,
		)
		if err != nil || !created {
			t.Fatalf("the room that is only invited: %+v %v %v", other, created, err)
		}
		got, created, err := r.Events.EnsureRecord(
			ctx,
			store.EventKey{Calendar: "c1", Event: "ev1"},
			record,
		)
		if err != nil || created || got.Title != "Old" || got.ID == other.ID {
			t.Fatalf("adopted: %+v %v %v", got, created, err)
		}
	})
}

// TestEraseMembers removes a person from the members of events. Others stay.
func TestEraseMembers(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		start := r.clock.Now()
		event := store.MemberEvent{
			Calendar: "c", Event: "e", Room: "504", Start: start, End: start.Add(time.Hour),
			Members: store.FormatMembers([]string{"a@example.org", "b@example.org", "c@example.org"}),
		}
		ok(t, r.EventMembers.Save(ctx, event))
		must(r.Requests.Erase(ctx, "B@example.org"))(t)
		for address, want := range map[string]int{"a@example.org": 1, "b@example.org": 0, "c@example.org": 1} {
			times := must(r.EventMembers.Of(ctx, &nvr.Room{Name: "504"}, address, start, event.End))(t)
			if len(times) != want {
				t.Errorf("%s belongs to %d events, want %d", address, len(times), want)
			}
		}
	})
}

func TestErase(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		must(r.Effects.Set(ctx, hold.Record, "share", "a@example.org", "p1"))(t)
		must(r.Effects.Set(ctx, hold.Record, store.EffectReport, "", "f2"))(t)
		secret, _, err := r.Keys.Add(ctx, store.Key{Email: "a@example.org"})
		ok(t, err)
		records := must(r.Requests.Erase(ctx, "a@example.org"))(t)
		if len(records) != 1 || records[0].Title != "Анализ" || records[0].ReportFileID != "f2" {
			t.Fatalf("erased: %+v", records)
		}
		stale(t, r.Leases.Renew(ctx, hold, lease))
		if got := r.record(t, hold.Record); got.UserEmail != "" || got.Title != "" || got.Step != nvr.StepWithdrawn || got.Done || got.Processing {
			t.Errorf("left: %+v", got)
		}
		if _, err := r.Keys.Find(ctx, secret); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the key: %v", err)
		}
	})
}

func TestQueueAndFailures(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		now := r.clock.Now()
		ok(t, r.Queue.SetDue(ctx, must(r.insert(lecture()))(t), now.Add(-3*60*1e9)))
		ok(t, r.Queue.SetDue(ctx, must(r.insert(lecture()))(t), now.Add(60*1e9)))
		hold := r.work(t, nvr.StepMerge)
		for range 2 {
			ok(t, r.Leases.Fail(ctx, r.work(t, nvr.StepUpload), reason("full"), "x"))
		}
		ok(t, r.Leases.Fail(ctx, r.work(t, nvr.StepStage), reason("none"), "y"))
		want := store.QueueStats{Due: 1, Waiting: 1, Oldest: now, Held: 1} // asked for now
		if got := must(r.Queue.Stats(ctx))(t); got != want {
			t.Errorf("queue %+v, want %+v", got, want)
		}
		failed := must(r.Records.Failed(ctx, 10))(t)
		if len(failed) != 3 || failed[0].FailedStep != nvr.StepStage || failed[0].Reason != reason("none") {
			t.Errorf("failures: %+v", failed)
		}
		for range 2 {
			ok(t, r.Requests.Dismiss(ctx, &failed[0], "operator@example.org"))
		}
		if left := must(r.Records.Failed(ctx, 10))(t); len(left) != 2 || left[0].ID != failed[1].ID {
			t.Errorf("after one was dismissed: %+v", left)
		}
		ok(t, r.Requests.Retry(ctx, failed[0].ID))
		r.sql(t, `update records set step = 'failed' where id = ?`, failed[0].ID)
		if again := must(r.Records.Failed(ctx, 10))(t); len(again) != 3 {
			t.Errorf("after it failed again: %+v", again)
		}
		r.sql(t, `update records set lease_until = 0 where id = ?`, hold.Record)
		if got := must(r.Records.ForeignProcessing(ctx, 10))(t); len(got) != 0 {
			t.Errorf("foreign: %+v", got)
		}
	})
}
