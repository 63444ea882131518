package calendar

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// maxID is the length of the column of an event's id, in characters.
const maxID = 200

// Event is an event as the calendar of a room shows it; the names are those of Calendar's API.
type Event struct {
	ID           string
	Status       string // confirmed, tentative or cancelled
	Type         string // eventType: default, or one of the kinds that are no meeting
	Summary      string
	Description  string // often HTML
	Start, End   Moment
	Creator      string // address
	Organizer    string // address
	OwnOrganizer bool   // the calendar of the room is the organiser
	Attendees    []Attendee
}

// Moment is where an event begins or ends.
type Moment struct {
	Date     string // YYYY-MM-DD: a whole day
	DateTime string // RFC 3339: an instant
}

// Attendee is one who was invited: a person or a room.
type Attendee struct {
	Email    string
	Self     bool   // the calendar that this copy of the event lies in
	Response string // responseStatus: needsAction, declined, tentative or accepted
}

// Wish is a record that an event asks for, in room time.
type Wish struct {
	Title     string // empty: the event has none
	Date      string // YYYY-MM-DD
	StartTime string // HH:MM
	EndTime   string // HH:MM, later than StartTime
	UserEmail string
	Layout    nvr.Layout // empty: the event names none
	Held      bool       // the requester looks at the video before others get it
}

// Refusal says why an event asks for no record; empty if it asks for one.
type Refusal string

// The refusals.
const (
	Wanted    Refusal = ""
	Cancelled Refusal = "cancelled"
	NoMeeting Refusal = "no-meeting" // a working location, an absence, a birthday, or from a mail
	AllDay    Refusal = "all-day"
	ManyDays  Refusal = "many-days"
	Declined  Refusal = "declined" // by the room
	OptedOut  Refusal = "opted-out"
	Empty     Refusal = "empty"     // it ends when it begins
	Repeated  Refusal = "repeated"  // inside the hour that the clock repeats: its second pass has no footage
	Unread    Refusal = "unread"    // it has no time that can be read
	LongID    Refusal = "long-id"   // its id is longer than the column event_id
	NoPerson  Refusal = "no-person" // it names no person who could get the video
)

// Read says what an event of the room's calendar asks for. fallback is the requester where the event
// names no person.
func Read(e Event, room nvr.Room, fallback string) (Wish, Refusal) {
	switch {
	case e.Status == "cancelled":
		return Wish{}, Cancelled
	case e.ID == "" || utf8.RuneCountInString(e.ID) > maxID:
		return Wish{}, LongID
	case !e.isMeeting():
		return Wish{}, NoMeeting
	case declined(e, room):
		return Wish{}, Declined
	case HasOptOutWords(e.Description):
		return Wish{}, OptedOut
	}
	wish, refusal := window(e, room.Zone)
	if refusal != Wanted {
		return Wish{}, refusal
	}
	wish.Title = title(e.Summary)
	wish.Layout, wish.Held = Layout(e.Description), Hold(e.Description)
	if wish.UserEmail = requester(e, room, fallback); wish.UserEmail == "" {
		return Wish{}, NoPerson
	}
	return wish, Wanted
}

// Window is when an event lasts. ok is false for whole days and for what cannot be read.
func (e Event) Window() (start, end time.Time, ok bool) {
	start, errStart := time.Parse(time.RFC3339, e.Start.DateTime)
	end, errEnd := time.Parse(time.RFC3339, e.End.DateTime)
	return start, end, errStart == nil && errEnd == nil
}

func window(e Event, zone *time.Location) (Wish, Refusal) {
	if e.Start.Date != "" && e.Start.DateTime == "" {
		return Wish{}, AllDay
	}
	start, end, ok := e.Window()
	if !ok {
		return Wish{}, Unread
	}
	if !end.After(start) {
		return Wish{}, Empty
	}
	if zone == nil {
		zone = time.UTC
	}
	// A row knows minutes: none of the event's seconds may be lost.
	start, end = start.In(zone).Truncate(time.Minute), end.In(zone).Add(time.Minute-time.Nanosecond).Truncate(time.Minute)
	if year := start.Year(); year < 1 || year > 9999 {
		return Wish{}, Unread
	}
	from, to := writable(start), writable(end)
	if !to.After(from) {
		return Wish{}, Repeated
	}
	date := from.Format(time.DateOnly)
	if to.Format(time.DateOnly) != date {
		// An end at midnight is still inside the day, and rows know no 24:00.
		if before := to.Add(-time.Minute); to.Hour() == 0 && to.Minute() == 0 && before.Format(time.DateOnly) == date && before.After(from) {
			to = before
		} else {
			return Wish{}, ManyDays
		}
	}
	return Wish{
		Date:      date,
		StartTime: from.Format("15:04"),
		EndTime:   to.Format("15:04"),
	}, Wanted
}

// writable gives the instant, or the next one that room time can name: where the clock is put back, a
// date and a time name the first pass, and of the second there is no footage.
func writable(at time.Time) time.Time {
	for range 2 * 60 {
		named, err := nvr.Wall(at.Format(time.DateOnly), at.Format("15:04"), at.Location())
		if err == nil && named.Equal(at) {
			return at
		}
		at = at.Add(time.Minute)
	}
	return at
}

// declined reports whether the room said no. A room that has not answered yet is still booked.
func declined(e Event, room nvr.Room) bool {
	for _, a := range e.Attendees {
		if (a.Self || room.Calendar != "" && strings.EqualFold(a.Email, room.Calendar)) && a.Response == "declined" {
			return true
		}
	}
	return false
}

// title is the summary on one line, as long as the column allows; what is only space is no title.
func title(summary string) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(summary, "")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > nvr.MaxTitle {
		text = strings.TrimSpace(string(runes[:nvr.MaxTitle]))
	}
	return text
}

// requester is the creator; if that is a program or the calendar itself, the organiser; if that is
// none either, the address configured for it.
func requester(e Event, room nvr.Room, fallback string) string {
	for _, address := range []string{e.Creator, e.Organizer, fallback} {
		address = strings.TrimSpace(address)
		if address != "" && utf8.RuneCountInString(address) <= nvr.MaxEmail && isPerson(address, room) {
			return address
		}
	}
	return ""
}

func isPerson(address string, room nvr.Room) bool {
	lower := strings.ToLower(address)
	name, domain, ok := strings.Cut(lower, "@")
	return ok && name != "" && domain != "" &&
		!strings.HasSuffix(domain, "gserviceaccount.com") &&
		!strings.HasSuffix(domain, "calendar.google.com") && // resource., group., import. and v. of it
		!strings.EqualFold(address, room.Calendar)
}

// String shows the wish as logs and messages do.
func (w Wish) String() string {
	return fmt.Sprintf("%s %s-%s %q for %s", w.Date, w.StartTime, w.EndTime, w.Title, w.UserEmail)
}
