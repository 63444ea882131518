package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// The parts of a listing's statement. A filter adds its part; without the others, so that each can use
// its index.
const (
	selectList  = `select ` + recordColumns + ` from records where id < ?`
	ofUser      = ` and user_email = ?`
	ofRoom      = ` and room_name = ?`
	fromDate    = ` and date >= ?`
	toDate      = ` and date <= ?`
	onSteps     = ` and step in (?` // and as many more
	newestFirst = ` order by id desc limit ?`

	selectByUser = `select ` + recordColumns + ` from records where user_email = ? order by id`

	selectOfDay = `select ` + recordColumns + ` from records where room_name = ? and date = ? order by start_time, id`
)

// Filter says which records to list; an empty field lets all through.
type Filter struct {
	UserEmail string
	Room      string
	From, To  string // dates, YYYY-MM-DD, both included
	Steps     []nvr.Step
}

// List reads records, newest first, at most limit of those before the cursor; 0 is the start. It returns
// the cursor for those that follow, 0 if there are none.
func (s Records) List(ctx context.Context, filter Filter, cursor int64, limit int) (records []nvr.Record, next int64, err error) {
	if cursor <= 0 {
		cursor = 1<<63 - 1
	}
	var statement strings.Builder
	statement.WriteString(selectList)
	args := []any{cursor}
	for _, part := range []struct{ text, value string }{
		{ofUser, filter.UserEmail}, {ofRoom, filter.Room}, {fromDate, filter.From}, {toDate, filter.To},
	} {
		if part.value != "" {
			statement.WriteString(part.text)
			args = append(args, part.value)
		}
	}
	if len(filter.Steps) > 0 {
		statement.WriteString(onSteps + more(len(filter.Steps)))
		for _, step := range filter.Steps {
			args = append(args, step)
		}
	}
	statement.WriteString(newestFirst)
	records, err = s.records(ctx, statement.String(), append(args, limit+1)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list the records: %w", err)
	}
	if len(records) > limit {
		records = records[:limit]
		next = records[limit-1].ID
	}
	return records, next, nil
}

// ByUser lists all records of a requester, oldest first, as the NVR's API shows them.
func (s Records) ByUser(ctx context.Context, email string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectByUser, email)
	if err != nil {
		return nil, fmt.Errorf("list the records of %s: %w", email, err)
	}
	return records, nil
}

// RecordsOn lists the records of a room on a date (YYYY-MM-DD), by start, withdrawn and failed ones too.
func (s Records) On(ctx context.Context, room, date string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectOfDay, room, date)
	if err != nil {
		return nil, fmt.Errorf("list the records of room %q on %s: %w", room, date, err)
	}
	return records, nil
}
