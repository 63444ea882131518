package records

import (
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Request is a request for a recording as it came, before [Check]. Times are those of the room's
// clock.
type Request struct {
	Room  string
	Date  string // YYYY-MM-DD
	Start string // HH:MM
	End   string // HH:MM
	Title string
	Email string // of the person who gets the recording
}

// Record returns the row of a request that passed [Check].
func (q Request) Record() nvr.Record {
	return nvr.Record{
		Title:     q.Title,
		Room:      q.Room,
		Date:      q.Date,
		StartTime: q.Start,
		EndTime:   q.End,
		UserEmail: q.Email,
	}
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Field string // as the page calls it: room, date, start, end, title, email
	Code  string // the catalogue's text is "page.wrong." and the code
}

// Text returns the error in a language.
func (e FieldError) Text(l *i18n.Localizer) string {
	return l.T("page.wrong." + e.Code)
}

// Check returns what is wrong with a request, at most one error a field, in the order of the form.
// It does not check that the room exists. The zone is the room's.
func Check(q Request, zone *time.Location, now time.Time) []FieldError {
	date := CheckDate(q.Date)
	if date == "" {
		date = checkNear(q.Date, now.In(zone))
	}
	start, end := checkClock(q.Start), checkClock(q.End)
	if date == "" {
		if start == "" {
			start = checkExists(q.Date, q.Start, zone)
		}
		if end == "" {
			end = checkExists(q.Date, q.End, zone)
		}
	}
	if start == "" && end == "" && q.End <= q.Start {
		end = "end-not-after"
	}
	var found []FieldError
	for _, each := range []FieldError{
		{"date", date},
		{"start", start},
		{"end", end},
		{"title", checkTitle(q.Title)},
		{"email", checkEmail(q.Email)},
	} {
		if each.Code != "" {
			found = append(found, each)
		}
	}
	return found
}

// CheckDate returns the code of what is wrong with a date (YYYY-MM-DD). It is empty for a valid
// one.
func CheckDate(date string) string {
	if date == "" {
		return "date-missing"
	}
	at, err := time.Parse(time.DateOnly, date)
	if err != nil || at.Format(time.DateOnly) != date {
		return "date"
	}
	return ""
}

// checkNear returns a code if a date is more than a year away.
func checkNear(date string, now time.Time) string {
	first, last := now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	if date < first.Format(time.DateOnly) || date > last.Format(time.DateOnly) {
		return "date-far"
	}
	return ""
}

// checkClock returns the code of what is wrong with a time of day (HH:MM).
func checkClock(clock string) string {
	if clock == "" {
		return "time-missing"
	}
	at, err := time.Parse("15:04", clock)
	if err != nil || at.Format("15:04") != clock {
		return "time"
	}
	return ""
}

// checkExists returns a code if the room's clock skips a time of the day, when it is set forward.
func checkExists(date, clock string, zone *time.Location) string {
	_, err := nvr.Wall(date, clock, zone)
	if errors.Is(err, nvr.ErrNoSuchTime) {
		return "time-skipped"
	}
	if err != nil {
		return "time"
	}
	return ""
}

// checkTitle returns the code of what is wrong with a title.
func checkTitle(title string) string {
	if utf8.RuneCountInString(title) > nvr.MaxTitle {
		return "title-long"
	}
	if !IsPrintable(title) {
		return "title-characters"
	}
	return ""
}

// IsPrintable reports whether a title or a name is UTF-8 without control characters and without
// the characters that change the direction of text. Those can make a name look like another one.
// Joiners of scripts such as Persian pass.
func IsPrintable(text string) bool {
	hidden := func(r rune) bool {
		embedding := r >= '\u202a' && r <= '\u202e'
		isolate := r >= '\u2066' && r <= '\u2069'
		return unicode.IsControl(r) || embedding || isolate
	}
	return utf8.ValidString(text) && !strings.ContainsFunc(text, hidden)
}

// IsRoomName reports whether a room may have a name. The name is part of paths: a slash may separate parts of it,
// but no part may be empty or made of dots.
func IsRoomName(name string) bool {
	if !IsPrintable(name) || name != strings.TrimSpace(name) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// checkEmail accepts a bare address. A mail program would also accept "Name <address>"; a column
// must not hold that.
func checkEmail(email string) string {
	if utf8.RuneCountInString(email) > nvr.MaxEmail {
		return "email-long"
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email {
		return "email"
	}
	unprintable := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}
	if strings.ContainsFunc(email, unprintable) {
		return "email"
	}
	return ""
}
