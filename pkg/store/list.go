package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// The parts of the statement of [Records.List]. Each set field of a filter adds its part. A statement
// without the other parts lets the database use the index of the field.
const (
	selectList  = `select ` + recordColumns + ` from records where id < ?`
	ofUser      = ` and user_email = ?`
	ofRoom      = ` and room_name = ?`
	fromDate    = ` and date >= ?`
	toDate      = ` and date <= ?`
	ofCourse    = ` and course like ? escape '!'`
	ofText      = `event_name like ? escape '!' or room_name like ? escape '!' or user_email like ? escape '!'`
	onSteps     = ` and step in (?` // moreParams completes the list
	newestFirst = ` order by id desc limit ?`

	selectByUser = `select ` + recordColumns + ` from records where user_email = ? order by id`

	selectByUserPage = `select ` + recordColumns + ` from records where user_email = ? and id > ? order by id limit ?`

	selectOfDays = `select ` + recordColumns + ` from records
 where room_name = ? and date >= ? and date <= ? order by date, start_time, id`
)

// Filter selects records. An empty field selects all.
type Filter struct {
	UserEmail string
	Room      string
	From, To  string // dates, YYYY-MM-DD, both included
	Course    string // part of the course's name or code
	Text      string // part of the title, the room or the requester's address
	Steps     []nvr.Step
}

// statement returns the statement of [Records.List] and its parameters.
func (f *Filter) statement(cursor int64, limit int) (statement string, args []any) {
	var text strings.Builder
	text.WriteString(selectList)
	args = []any{cursor}
	add := func(part, value string) {
		if value != "" {
			text.WriteString(part)
			args = append(args, value)
		}
	}
	add(ofUser, f.UserEmail)
	add(ofRoom, f.Room)
	add(fromDate, f.From)
	add(toDate, f.To)
	if f.Course != "" {
		add(ofCourse, containing(f.Course))
	}
	if f.Text != "" {
		text.WriteString(" and (" + ofText)
		for i, spelling := range spellings(f.Text) {
			if i > 0 {
				text.WriteString(" or " + ofText)
			}
			args = append(args, containing(spelling), containing(spelling), containing(spelling))
		}
		text.WriteString(")")
	}
	if len(f.Steps) > 0 {
		text.WriteString(onSteps + moreParams(len(f.Steps)))
		for _, step := range f.Steps {
			args = append(args, step)
		}
	}
	text.WriteString(newestFirst)
	return text.String(), append(args, limit)
}

// containing returns the pattern of texts that hold a part.
func containing(part string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(part) + "%"
}

// spellings returns a text as it is, in small letters, in capitals and with a capital at its head. SQLite
// ignores case in ASCII only.
func spellings(text string) []string {
	small := strings.ToLower(text)
	head, size := utf8.DecodeRuneInString(small)
	all := []string{text, small, strings.ToUpper(text), string(unicode.ToUpper(head)) + small[size:]}
	slices.Sort(all)
	return slices.Compact(all)
}

// List reads at most limit records, newest first. It starts after the cursor; 0 means at the newest
// record. next is the cursor of the following page, 0 if there is none.
func (s Records) List(
	ctx context.Context, filter Filter, cursor int64, limit int,
) (records []nvr.Record, next int64, err error) {
	if cursor <= 0 {
		cursor = math.MaxInt64
	}
	statement, args := filter.statement(cursor, limit+1)
	records, err = s.records(ctx, statement, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list the records: %w", err)
	}
	if len(records) > limit {
		records = records[:limit]
		next = records[limit-1].ID
	}
	return records, next, nil
}

// ByUser lists all records of a requester, oldest first.
func (s Records) ByUser(ctx context.Context, email string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectByUser, email)
	if err != nil {
		return nil, fmt.Errorf("list the records of %s: %w", email, err)
	}
	return records, nil
}

// ByUserPage lists records of a requester with a higher number than after, oldest first, as the NVR's API
// returns them.
func (s Records) ByUserPage(ctx context.Context, email string, after int64, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectByUserPage, email, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list the records of %s: %w", email, err)
	}
	return records, nil
}

// On lists the records of a room on a date (YYYY-MM-DD), by start time. It includes withdrawn and failed
// records.
func (s Records) On(ctx context.Context, room, date string) ([]nvr.Record, error) {
	return s.Between(ctx, room, date, date)
}

// Between lists the records of a room on the dates from and to (YYYY-MM-DD) and those between, by date and
// start time. It includes withdrawn and failed records.
func (s Records) Between(ctx context.Context, room, from, to string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectOfDays, room, from, to)
	if err != nil {
		return nil, fmt.Errorf("list the records of room %q from %s to %s: %w", room, from, to, err)
	}
	return records, nil
}
