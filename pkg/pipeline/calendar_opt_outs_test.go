package pipeline_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// request files a record that no event asked for, as the page, the APIs and the NVR do.
func (w *sweepWorld) request(start, end string) nvr.Record {
	w.t.Helper()
	r, _, err := w.store.Requests.Insert(context.Background(), nvr.Record{
		Title:     start,
		Room:      "504",
		Date:      "2026-11-23",
		StartTime: start,
		EndTime:   end,
		UserEmail: "student@example.org",
	}, nil)
	w.must(err)
	return r
}

// TestOptOutCoversEveryRecord follows an opt-out through what people do to its event. Every record of its room
// and time follows it; one that only overlaps is made, and what a person cancelled stays.
func TestOptOutCoversEveryRecord(t *testing.T) {
	t.Parallel()
	testOptOutCoversEveryRecord(t, newSweepWorld(t, "504", "505"))
}

func testOptOutCoversEveryRecord(t *testing.T, w *sweepWorld) {
	t.Helper()
	path := eventsPath("504")
	w.call("POST", path, with(
		span("2026-11-23T15:30:00+03:00", "2026-11-23T16:00:00+03:00"), "summary", "другое"))
	inside := w.request("15:10", "16:30")
	w.request("15:00", "16:00")
	cancelled := w.request("15:20", "16:00")
	w.must(w.store.Requests.Withdraw(context.Background(), cancelled.ID, cause.CancelledBy(lecturer)))
	free := []string{
		`2026-11-23 15:10-16:30 "15:10" stage`,
		`2026-11-23 15:00-16:00 "15:00" stage`,
		`2026-11-23 15:20-16:00 "15:20" withdrawn`,
		`2026-11-23 15:30-16:00 "другое" stage`,
	}
	covered := []string{
		`2026-11-23 15:10-16:30 "15:10" withdrawn`,
		`2026-11-23 15:00-16:00 "15:00" stage`,
		`2026-11-23 15:20-16:00 "15:20" withdrawn`,
		`2026-11-23 15:30-16:00 "другое" withdrawn`,
	}
	w.expect("nothing yet", "504", free...)
	id := w.call("POST", path, with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
		"description", "Обсуждение работ<br>Без записи / no recording",
	))["id"].(string)
	w.expect("opted out", "504", covered...)
	r, err := w.store.Records.Get(context.Background(), inside.ID)
	if err != nil || r.Reason != cause.OptedOut("504") {
		t.Errorf("the reason is %v, %v", r.Reason, err)
	}
	w.expect("again", "504", covered...)
	w.call("PATCH", path+"/"+id, span("2026-11-23T15:20:00+03:00", "2026-11-23T16:30:00+03:00"))
	w.expect("shortened", "504", append(append([]string{}, free[:3]...), covered[3])...)
	w.call("PATCH", path+"/"+id, span("2027-01-20T15:10:00+03:00", "2027-01-20T16:30:00+03:00"))
	w.expect("moved out of the window", "504", free...)
	w.call("PATCH", path+"/"+id, span("2026-11-23T15:00:00+03:00", "2026-11-23T16:30:00+03:00"))
	all := append([]string{}, covered...)
	all[1] = `2026-11-23 15:00-16:00 "15:00" withdrawn`
	w.expect("moved back, and longer", "504", all...)
	w.call("DELETE", path+"/"+id, nil)
	w.expect("cancelled", "504", free...)
	w.call("PATCH", path+"/"+id, map[string]any{"status": "confirmed"})
	w.expect("restored", "504", all...)
	w.call("PATCH", path+"/"+id, map[string]any{"description": "Вход свободный, без записи"})
	w.expect("a sentence that holds the words", "504", append(append([]string{}, free...),
		`2026-11-23 15:00-16:30 "" stage`)...)
}

// TestOptOutOfAnInvitation holds whose invitation counts: one that the room accepted, or of the domain.
func TestOptOutOfAnInvitation(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	w.sweep.Settings.Domains = []string{"example.org"}
	w.request("15:10", "16:30")
	invite := func(who string) string {
		t.Helper()
		id := w.callAs(who, "POST", "/calendar/v3/calendars/"+url.PathEscape(who)+"/events", with(
			span("2026-11-23T15:00:00+03:00", "2026-11-23T17:00:00+03:00"),
			"description", "no recording",
			"attendees", []any{map[string]any{"email": calendarOf("504")}},
		))["id"].(string)
		return eventsPath("504") + "/" + id
	}
	answer := func(event, response string) {
		w.call("PATCH", event, map[string]any{"attendees": []any{map[string]any{
			"email":          calendarOf("504"),
			"responseStatus": response,
		}}})
	}
	free, withdrawn := `2026-11-23 15:10-16:30 "15:10" stage`, `2026-11-23 15:10-16:30 "15:10" withdrawn`
	outsider := invite("visitor@example.com")
	w.expect("an outsider invites", "504", free)
	answer(outsider, "accepted")
	w.expect("the room accepts", "504", withdrawn)
	answer(outsider, "declined")
	w.expect("the room declines", "504", free)
	own := invite(lecturer)
	w.expect("of the domain", "504", withdrawn)
	answer(own, "declined")
	w.expect("declined, too", "504", free)
}

// TestEventMembers stores who belongs to an event, if the policy asks for it, and follows the event.
func TestEventMembers(t *testing.T) {
	t.Parallel()
	testEventMembers(t, newSweepWorld(t, "504"))
}

func testEventMembers(t *testing.T, w *sweepWorld) {
	t.Helper()
	ctx := context.Background()
	path := eventsPath("504")
	id := w.call("POST", path, with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
		"attendees", []any{map[string]any{"email": "Guest@example.com"}},
	))["id"].(string)
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	expect := func(about, who string, want int) {
		t.Helper()
		w.must(w.sweep.Sweep(ctx))
		found, err := w.store.EventMembers.Of(ctx, &nvr.Room{Name: "504"}, who, start, start.Add(time.Hour))
		if err != nil || len(found) != want {
			t.Errorf("%s: %s has %v, %v", about, who, found, err)
		}
	}
	expect("not asked for", "guest@example.com", 0)
	w.sweep.Settings.Members = true
	expect("a guest", "guest@example.com", 1)
	expect("the creator", lecturer, 1)
	expect("a stranger", "stranger@example.org", 0)
	w.call("PATCH", path+"/"+id, map[string]any{"attendees": []any{}})
	expect("uninvited", "guest@example.com", 0)
	w.call("PATCH", path+"/"+id, span("2026-11-24T15:10:00+03:00", "2026-11-24T16:30:00+03:00"))
	expect("moved", lecturer, 0)
	w.call("PATCH", path+"/"+id, span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"))
	expect("moved back", lecturer, 1)
	w.call("DELETE", path+"/"+id, nil)
	expect("cancelled", lecturer, 0)
}
