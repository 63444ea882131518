package records

import (
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// What the columns of a record hold, in characters.
const (
	maxRoom  = 200
	maxTitle = 200
	maxEmail = 100
)

// recordRequest is a request for a video as it came, in room time, before it was checked.
type Request struct {
	Room, Date, Start, End, Title, Email string
}

// record is the row of a request that was checked.
func (a Request) Record() nvr.Record {
	return nvr.Record{Title: a.Title, Room: a.Room, Date: a.Date, StartTime: a.Start, EndTime: a.End, UserEmail: a.Email}
}

// fieldError is what is wrong with a field: the words are those of the dictionary's key "wrong." + Code.
type FieldError struct {
	Field string // of [asked], as the page calls it: room, date, start, end, title, email
	Code  string
}

// checkAsked finds what is wrong, at most once a field, in the order of the form.
func Check(a Request, zone *time.Location) []FieldError {
	var all []FieldError
	add := func(field, code string) {
		if code != "" {
			all = append(all, FieldError{field, code})
		}
	}
	dateCode := CheckDate(a.Date)
	add("date", dateCode)
	startCode, endCode := checkClock(a.Start), checkClock(a.End)
	if dateCode == "" && startCode == "" {
		startCode = checkExists(a.Date, a.Start, zone)
	}
	if dateCode == "" && endCode == "" {
		endCode = checkExists(a.Date, a.End, zone)
	}
	if startCode == "" && endCode == "" && a.End <= a.Start {
		endCode = "end-not-after"
	}
	add("start", startCode)
	add("end", endCode)
	add("title", checkTitle(a.Title))
	add("email", checkEmail(a.Email))
	return all
}

func CheckDate(date string) string {
	switch at, err := time.Parse(time.DateOnly, date); {
	case date == "":
		return "date-missing"
	case err != nil || at.Format(time.DateOnly) != date:
		return "date"
	}
	return ""
}

func checkClock(clock string) string {
	switch at, err := time.Parse("15:04", clock); {
	case clock == "":
		return "time-missing"
	case err != nil || at.Format("15:04") != clock:
		return "time"
	}
	return ""
}

func checkExists(date, clock string, zone *time.Location) string {
	switch _, err := nvr.Wall(date, clock, zone); {
	case errors.Is(err, nvr.ErrNoSuchTime):
		return "time-skipped"
	case err != nil:
		return "time"
	}
	return ""
}

func checkTitle(title string) string {
	switch {
	case utf8.RuneCountInString(title) > maxTitle:
		return "title-long"
	case !utf8.ValidString(title) || strings.ContainsRune(title, 0):
		return "title-characters"
	}
	return ""
}

// checkEmail takes a bare address, nothing that a mail program would also understand.
func checkEmail(email string) string {
	if utf8.RuneCountInString(email) > maxEmail {
		return "email-long"
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || strings.ContainsFunc(email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "email"
	}
	return ""
}
