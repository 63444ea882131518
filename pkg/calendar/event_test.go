package calendar_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	roomCalendar = "c_room504@resource.calendar.google.com"
	lecturer     = "lecturer@example.org"
	fallback     = "office@example.org"
)

func room(t *testing.T, zone string) nvr.Room {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return nvr.Room{Name: "504", Calendar: roomCalendar, Zone: location}
}

func at(instant string) calendar.Moment { return calendar.Moment{DateTime: instant} }

func event(start, end string) calendar.Event {
	return calendar.Event{
		ID:      "e1",
		Status:  "confirmed",
		Summary: "Матан",
		Start:   at(start),
		End:     at(end),
		Creator: lecturer,
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, zone, start, end string
		want                    string // date start end
		refusal                 calendar.Refusal
	}{
		{"room time", "Europe/Moscow", "2026-11-20T15:10:00+03:00", "2026-11-20T16:30:00+03:00", "2026-11-20 15:10 16:30", ""},
		{"another zone's offset", "Europe/Moscow", "2026-11-20T12:10:00Z", "2026-11-20T13:30:00Z", "2026-11-20 15:10 16:30", ""},
		{"another day in the room", "Europe/Moscow", "2026-11-20T22:10:00Z", "2026-11-20T23:30:00Z", "2026-11-21 01:10 02:30", ""},
		{
			"over the room's midnight",
			"Europe/Moscow",
			"2026-11-20T20:10:00Z",
			"2026-11-20T22:30:00Z",
			"",
			calendar.ManyDays,
		},
		{"until midnight", "Europe/Moscow", "2026-11-20T22:00:00+03:00", "2026-11-21T00:00:00+03:00", "2026-11-20 22:00 23:59", ""},
		{
			"the last minute of a day",
			"Europe/Moscow",
			"2026-11-20T23:59:00+03:00",
			"2026-11-21T00:00:00+03:00",
			"",
			calendar.ManyDays,
		},
		{"a whole day by hours", "Europe/Moscow", "2026-11-20T00:00:00+03:00", "2026-11-21T00:00:00+03:00", "2026-11-20 00:00 23:59", ""},
		{
			"two days",
			"Europe/Moscow",
			"2026-11-20T12:00:00+03:00",
			"2026-11-22T00:00:00+03:00",
			"",
			calendar.ManyDays,
		},
		{"seconds", "Europe/Moscow", "2026-11-20T15:10:59+03:00", "2026-11-20T16:29:01+03:00", "2026-11-20 15:10 16:30", ""},
		{
			"nothing long",
			"Europe/Moscow",
			"2026-11-20T15:10:00+03:00",
			"2026-11-20T15:10:00+03:00",
			"",
			calendar.Empty,
		},
		{
			"backwards",
			"Europe/Moscow",
			"2026-11-20T15:10:00+03:00",
			"2026-11-20T15:00:00+03:00",
			"",
			calendar.Empty,
		},
		{"no time", "Europe/Moscow", "tomorrow", "2026-11-20T15:00:00+03:00", "", calendar.Unread},
		{"the clock put forward", "Europe/Berlin", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29 01:30 03:30", ""},
		{"first pass of the doubled hour", "Europe/Berlin", "2026-10-25T02:10:00+02:00", "2026-10-25T02:50:00+02:00", "2026-10-25 02:10 02:50", ""},
		{"begins in the second pass", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-25T04:00:00+01:00", "2026-10-25 03:00 04:00", ""},
		{"ends in the second pass", "Europe/Berlin", "2026-10-25T01:10:00+02:00", "2026-10-25T02:20:00+01:00", "2026-10-25 01:10 03:00", ""},
		{
			"wholly in the second pass",
			"Europe/Berlin",
			"2026-10-25T02:10:00+01:00",
			"2026-10-25T02:50:00+01:00",
			"",
			calendar.Repeated,
		},
		{"summer", "Europe/Berlin", "2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z", "2026-07-01 12:00 13:00", ""},
	} {
		wish, refusal := calendar.Read(event(test.start, test.end), room(t, test.zone), fallback)
		got := strings.TrimSpace(wish.Date + " " + wish.StartTime + " " + wish.EndTime)
		if got != test.want || refusal != test.refusal {
			t.Errorf(
				"%s: got %q, %q; want %q, %q",
				test.about, got, refusal, test.want, test.refusal,
			)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	base := event("2026-11-20T15:10:00+03:00", "2026-11-20T16:30:00+03:00")
	for _, test := range []struct {
		about   string
		change  func(*calendar.Event)
		refusal calendar.Refusal
		title   string
		email   string
	}{
		{"plain", func(*calendar.Event) {}, "", "Матан", lecturer},
		{"without a title", func(e *calendar.Event) { e.Summary = "" }, "", "", lecturer},
		{"a title of spaces", func(e *calendar.Event) { e.Summary = " \u00a0 " }, "", "", lecturer},
		{
			"a title of two rows",
			func(e *calendar.Event) { e.Summary = "Матан\n лекция\x00 4" },
			"",
			"Матан лекция 4",
			lecturer,
		},
		{
			"a long title",
			func(e *calendar.Event) { e.Summary = strings.Repeat("Ы", 300) },
			"",
			strings.Repeat("Ы", 200),
			lecturer,
		},
		{"tentative", func(e *calendar.Event) { e.Status = "tentative" }, "", "Матан", lecturer},
		{
			"cancelled",
			func(e *calendar.Event) { *e = calendar.Event{ID: e.ID, Status: "cancelled"} },
			calendar.Cancelled,
			"",
			"",
		},
		{
			"all day",
			func(e *calendar.Event) {
				e.Start, e.End = calendar.Moment{Date: "2026-11-20"}, calendar.Moment{Date: "2026-11-21"}
			},
			calendar.AllDay,
			"",
			"",
		},
		{
			"declined by the room",
			func(e *calendar.Event) {
				e.Attendees = []calendar.Attendee{
					{Email: lecturer},
					{Email: "alias@example.org", Self: true, Response: "declined"},
				}
			},
			calendar.Declined,
			"",
			"",
		},
		{
			"declined under the room's address",
			func(e *calendar.Event) {
				e.Attendees = []calendar.Attendee{{
					Email:    strings.ToUpper(roomCalendar),
					Response: "declined",
				}}
			},
			calendar.Declined,
			"",
			"",
		},
		{
			"declined by a person",
			func(e *calendar.Event) {
				e.Attendees = []calendar.Attendee{
					{Email: lecturer, Response: "declined"},
					{Self: true, Response: "accepted"},
				}
			},
			"",
			"Матан",
			lecturer,
		},
		{
			"not answered yet",
			func(e *calendar.Event) {
				e.Attendees = []calendar.Attendee{{Self: true, Response: "needsAction"}}
			},
			"",
			"Матан",
			lecturer,
		},
		{
			"opted out",
			func(e *calendar.Event) { e.Description = "<p>без&nbsp;записи</p>" },
			calendar.OptedOut,
			"",
			"",
		},
		{
			"a working place",
			func(e *calendar.Event) { e.Type = "workingLocation" },
			calendar.NoMeeting,
			"",
			"",
		},
		{
			"a flight out of a letter",
			func(e *calendar.Event) { e.Type = "fromGmail" },
			calendar.NoMeeting,
			"",
			"",
		},
		{
			"of a kind that is new",
			func(e *calendar.Event) { e.Type = "seance" },
			"",
			"Матан",
			lecturer,
		},
		{"made by a program", func(e *calendar.Event) {
			e.Creator, e.Organizer = "bot@project.iam.gserviceaccount.com", "dean@example.org"
		}, "", "Матан", "dean@example.org"},
		{"made by a program for the room", func(e *calendar.Event) {
			e.Creator, e.Organizer = "bot@project.iam.gserviceaccount.com", roomCalendar
		}, "", "Матан", fallback},
		{"nobody", func(e *calendar.Event) { e.Creator = "" }, "", "Матан", fallback},
		{
			"a long id",
			func(e *calendar.Event) { e.ID = strings.Repeat("a", 201) },
			calendar.LongID,
			"",
			"",
		},
	} {
		e := base
		test.change(&e)
		wish, refusal := calendar.Read(e, room(t, "Europe/Moscow"), fallback)
		if refusal != test.refusal || wish.Title != test.title || wish.UserEmail != test.email {
			t.Errorf("%s: got %v, %q", test.about, wish, refusal)
		}
	}
	lonely := base
	lonely.Creator = ""
	if _, refusal := calendar.Read(lonely, room(t, "Europe/Moscow"), ""); refusal != calendar.NoPerson {
		t.Errorf("nobody at all: %q", refusal)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("2026-11-20T15:10:00+03:00", "2026-11-20T16:30:00+03:00", "x")
	f.Add("2026-10-25T02:10:00+01:00", "2026-10-25T04:00:00+01:00", "\xff")
	f.Add("0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, start, end, summary string) {
		e := event(start, end)
		e.Summary = summary
		wish, refusal := calendar.Read(e, nvr.Room{Zone: berlin}, fallback)
		if refusal != calendar.Wanted {
			return
		}
		record := nvr.Record{Date: wish.Date, StartTime: wish.StartTime, EndTime: wish.EndTime}
		from, to, err := record.Window(berlin)
		if err != nil || !to.After(from) || wish.StartTime >= wish.EndTime || !utf8.ValidString(wish.Title) {
			t.Errorf("%q to %q reads as %v: %v", start, end, wish, err)
		}
	})
}
