package calendar_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/calendar"
)

// TestOptOutTime holds whose opt-outs forbid everyone to record the room, and when.
func TestOptOutTime(t *testing.T) {
	t.Parallel()
	const afternoon = "2026-11-20 15:10 2026-11-20 16:30"
	answer := func(response string) []calendar.Attendee {
		return []calendar.Attendee{{Email: "guest@example.com", Response: "declined"}, {Self: true, Response: response}}
	}
	for _, test := range []struct {
		about  string
		change func(*calendar.Event)
		want   string
	}{
		{"the room's own event", func(e *calendar.Event) { e.OwnOrganizer = true }, afternoon},
		{"by the calendar's address", func(e *calendar.Event) { e.Organizer = roomCalendar }, afternoon},
		{"of the domain", func(e *calendar.Event) { e.Organizer = "Dean@Example.org" }, afternoon},
		{"of a domain inside", func(e *calendar.Event) { e.Organizer = "dean@evil.example.org" }, ""},
		{"of a domain that ends alike", func(e *calendar.Event) { e.Organizer = "dean@evilexample.org" }, ""},
		{"an outsider", func(e *calendar.Event) { e.Attendees = answer("needsAction") }, ""},
		{"an outsider, tentatively", func(e *calendar.Event) { e.Attendees = answer("tentative") }, ""},
		{"an outsider, accepted", func(e *calendar.Event) { e.Attendees = answer("accepted") }, afternoon},
		{
			"declined",
			func(e *calendar.Event) { e.Organizer, e.Attendees = "dean@example.org", answer("declined") },
			"",
		},
		{"cancelled", func(e *calendar.Event) { e.Organizer, e.Status = "dean@example.org", "cancelled" }, ""},
		{"no meeting", func(e *calendar.Event) { e.Organizer, e.Type = "dean@example.org", "outOfOffice" }, ""},
		{
			"a sentence",
			func(e *calendar.Event) {
				e.OwnOrganizer, e.Description = true, "Вход свободный, без записи"
			},
			"",
		},
		{
			"all day",
			func(e *calendar.Event) {
				e.OwnOrganizer = true
				e.Start, e.End = calendar.Moment{Date: "2026-11-20"}, calendar.Moment{Date: "2026-11-22"}
			},
			"2026-11-20 00:00 2026-11-22 00:00",
		},
		{
			"over midnight, with seconds",
			func(e *calendar.Event) {
				e.OwnOrganizer = true
				e.Start, e.End = at("2026-11-20T22:00:59+03:00"), at("2026-11-20T22:00:01Z")
			},
			"2026-11-20 22:00 2026-11-21 01:01",
		},
		{"no time", func(e *calendar.Event) { e.OwnOrganizer, e.End = true, at("later") }, ""},
		{"backwards", func(e *calendar.Event) { e.OwnOrganizer, e.End = true, e.Start }, ""},
	} {
		e := event("2026-11-20T15:10:00+03:00", "2026-11-20T16:30:00+03:00")
		e.Description, e.Organizer = "<p>Без&nbsp;записи / no recording</p>", "visitor@example.com"
		test.change(&e)
		moscow := room(t, "Europe/Moscow")
		interval, ok := calendar.OptOutTime(e, moscow, []string{"example.org"})
		got := ""
		if ok {
			const form = "2006-01-02 15:04"
			got = inZone(interval.Start, moscow.Zone, form) + " " + inZone(interval.End, moscow.Zone, form)
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.about, got, test.want)
		}
	}
}

func inZone(at time.Time, zone *time.Location, form string) string {
	return at.In(zone).Format(form)
}
