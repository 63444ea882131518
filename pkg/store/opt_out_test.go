package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestOptOuts follows opt-outs through their life: stored, moved, ended, forgotten.
func TestOptOuts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{Now: storetest.NewClock().Now}).OptOuts
		day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
		room := &nvr.Room{Name: "504", Calendar: "c504@example.org"}
		out := store.OptOut{
			Calendar:  room.Calendar,
			Event:     "e1",
			Room:      "504",
			Start:     day.Add(10 * time.Hour),
			End:       day.Add(11 * time.Hour),
			Organizer: "dean@example.org",
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		within := func(about string, room *nvr.Room, want ...nvr.Interval) {
			t.Helper()
			got, err := s.Within(ctx, room, day.Add(9*time.Hour), day.Add(12*time.Hour))
			must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", about, diff)
			}
		}
		within("none", room)
		must(s.Save(ctx, out))
		must(s.Save(ctx, out)) // again, after a kill
		within("by room", &nvr.Room{Name: "504"}, nvr.Interval{Start: out.Start, End: out.End})
		within("by calendar", &nvr.Room{Name: "505", Calendar: room.Calendar}, nvr.Interval{Start: out.Start, End: out.End})
		within("another room", &nvr.Room{Name: "505"})

		untold, err := s.Untold(ctx, 10)
		must(err)
		if diff := cmp.Diff([]store.OptOut{out}, untold); diff != "" {
			t.Errorf("untold (-want +got):\n%s", diff)
		}
		moved := out
		moved.Start = day.Add(8 * time.Hour)
		must(s.Save(ctx, moved))
		must(s.MarkTold(ctx, out)) // as it was read before
		if untold, err := s.Untold(ctx, 10); err != nil || len(untold) != 1 {
			t.Errorf("untold after the move: %v, %v", untold, err)
		}
		within("moved", room, nvr.Interval{Start: day.Add(9 * time.Hour), End: moved.End})
		must(s.MarkTold(ctx, moved))
		if untold, err := s.Untold(ctx, 10); err != nil || len(untold) != 0 {
			t.Errorf("untold after it was told: %v, %v", untold, err)
		}
		must(s.End(ctx, moved))
		within("ended", room)
		moved.Ended = true
		if stored, err := s.OfCalendar(ctx, room.Calendar, day); err != nil || len(stored) != 1 || stored[0] != moved {
			t.Errorf("after its end: %v, %v", stored, err)
		}
		must(s.Save(ctx, out)) // restored
		within("restored", room, nvr.Interval{Start: out.Start, End: out.End})
		must(s.End(ctx, out))
		must(s.Forget(ctx, room.Calendar))
		must(s.Save(ctx, out))
		must(s.Purge(ctx, day.Add(11*time.Hour)))
		within("kept", room, nvr.Interval{Start: out.Start, End: out.End})
		must(s.Purge(ctx, day.Add(12*time.Hour)))
		if stored, err := s.OfCalendar(ctx, room.Calendar, time.Time{}); err != nil || len(stored) != 0 {
			t.Errorf("after the purge: %v, %v", stored, err)
		}
	})
}

// TestAffected lists what an opt-out may withdraw or restore: not what a person cancelled.
func TestAffected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{Now: storetest.NewClock().Now})
		insert := func(room, date string, why cause.Cause) int64 {
			t.Helper()
			r, _, err := s.Requests.Insert(ctx, nvr.Record{
				Room:      room,
				Date:      date,
				StartTime: "10:00",
				EndTime:   "11:00",
				UserEmail: "a@example.org",
			}, nil)
			if err == nil && !why.IsZero() {
				err = s.Requests.Withdraw(ctx, r.ID, why)
			}
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		waits := insert("504", "2026-11-20", cause.Cause{})
		insert("505", "2026-11-20", cause.Cause{})
		insert("504", "2026-11-19", cause.Cause{})
		insert("504", "2026-11-20", cause.CancelledBy("a@example.org"))
		opted := insert("504", "2026-11-21", cause.OptedOut("504"))
		got, err := s.OptOuts.Affected(ctx, "504", "2026-11-20")
		if err != nil || len(got) != 2 || got[0].ID != waits || got[1].ID != opted {
			t.Errorf("affected are %+v, %v", got, err)
		}
	})
}

// TestEventMembers finds the events of a person by room or calendar, whatever the case of the address.
func TestEventMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{Now: storetest.NewClock().Now}).EventMembers
		start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		event := store.MemberEvent{
			Calendar: "c504@example.org",
			Event:    "e1",
			Room:     "504",
			Start:    start,
			End:      start.Add(time.Hour),
			Members:  store.FormatMembers([]string{"Dean@example.org", "", "guest@example.com", "dean@example.org"}),
		}
		for range 2 { // again, after a kill
			if err := s.Save(ctx, event); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := s.OfCalendar(ctx, event.Calendar, start)
		if err != nil || len(stored) != 1 || stored[0] != event {
			t.Errorf("stored are %+v, %v", stored, err)
		}
		room := &nvr.Room{Name: "505", Calendar: event.Calendar}
		for who, want := range map[string]int{"dean@EXAMPLE.org": 1, "guest@example.com": 1, "stranger@example.org": 0} {
			found, err := s.Of(ctx, room, who, start, start.Add(time.Minute))
			if err != nil || len(found) != want {
				t.Errorf("%s has %v, %v", who, found, err)
			}
		}
		if err := s.Delete(ctx, event); err != nil {
			t.Fatal(err)
		}
		if stored, err := s.OfCalendar(ctx, event.Calendar, start); err != nil || len(stored) != 0 {
			t.Errorf("after the deletion: %+v, %v", stored, err)
		}
	})
}
