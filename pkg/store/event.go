package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectEvents = recordsOfEvents + ` where calendar = ? and of_date >= ? order by of_event, of_revision`

	selectEventRecord = `select record_id from merger_events where calendar = ? and event_id = ? and revision = ?`

	selectLastRevision = recordsOfEvents + ` where calendar = ? and of_event = ? order by of_revision desc limit 1`

	// selectUnclaimed finds a row that the NVR inserted for an event and that merger_events does not have yet.
	selectUnclaimed = `select id, date from records where event_id = ? and room_name = ?
 and not exists (select 1 from merger_events e where e.record_id = records.id) order by id desc limit 1`

	insertEvent = `insert into merger_events (calendar, event_id, revision, record_id, date) values (?, ?, ?, ?, ?)`

	updateEventDate = `update merger_events set date = ? where record_id = ?`
)

// recordsOfEvents joins merger_events with its records. Columns that both tables have are renamed.
const recordsOfEvents = `select of_event, of_revision, ` + recordColumns + ` from records join (
 select record_id, calendar, event_id as of_event, revision as of_revision, date as of_date from merger_events) e on record_id = id`

// Events keeps which record belongs to which calendar event.
type Events struct{ *database }

// EventKey identifies one request of one event in one calendar. Each key has one record. Revision numbers
// the requests of one event, from 0. A further request is made if the event's time changes after its merge
// has begun.
type EventKey struct {
	Calendar string
	Event    string
	Revision int64
}

// Event is a calendar event's request with its record.
type Event struct {
	Key    EventKey
	Record nvr.Record
}

// List lists the records of a calendar's events from a date (YYYY-MM-DD) on, by event and revision. The
// date is the one with which the record was filed or revised. If a person changed the date in the row
// itself, only Event.Record shows it. The cost is proportional to the result.
func (s Events) List(ctx context.Context, calendar, from string) ([]Event, error) {
	events, err := s.events(ctx, calendar, selectEvents, calendar, from)
	if err != nil {
		return nil, fmt.Errorf("list the records of calendar %q: %w", calendar, err)
	}
	return events, nil
}

// Last reads the newest request of an event, whatever its date. It returns [ErrNotFound] if there is none.
func (s Events) Last(ctx context.Context, calendar, event string) (Event, error) {
	events, err := s.events(ctx, calendar, selectLastRevision, calendar, event)
	if err == nil && len(events) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Event{}, fmt.Errorf("read the record of event %q: %w", event, err)
	}
	return events[0], nil
}

func (s Events) events(ctx context.Context, calendar, statement string, args ...any) ([]Event, error) {
	var events []Event
	reset := func() { events = nil }
	scan := func(row scanner) (err error) {
		event := Event{Key: EventKey{Calendar: calendar}}
		prefix := []any{&event.Key.Event, &event.Key.Revision}
		event.Record, err = scanRecord(prefixScanner{row, prefix})
		events = append(events, event)
		return err
	}
	err := s.each(ctx, reset, scan, statement, args...)
	return events, err
}

// prefixScanner scans columns that stand before those of its caller.
type prefixScanner struct {
	row  scanner
	into []any
}

// Scan implements scanner.
func (p prefixScanner) Scan(into ...any) error {
	return p.row.Scan(append(p.into, into...)...)
}

// EnsureRecord returns the record of an event's request as it is now. It uses, in this order: the record
// that the key already has; for revision 0, the row that the NVR inserted for the event in r.Room; a new
// record with the title, room, date, times, requester and event of r. created reports whether the record
// is new. Concurrent calls with one key return one record.
func (s Events) EnsureRecord(ctx context.Context, key EventKey, r nvr.Record) (record nvr.Record, created bool, err error) {
	id, created, err := s.ensureRecord(ctx, key, &r)
	if err != nil {
		return nvr.Record{}, false, fmt.Errorf("file the record of event %q: %w", key.Event, err)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

func (s Events) ensureRecord(ctx context.Context, key EventKey, r *nvr.Record) (id int64, created bool, err error) {
	find := func() error {
		scan := func(row scanner) error { return row.Scan(&id) }
		return s.row(ctx, scan, selectEventRecord, key.Calendar, key.Event, key.Revision)
	}
	if found, err := isFound(find()); found || err != nil {
		return id, false, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		var date string
		id, date, created, err = s.adoptOrInsert(ctx, tx, key, r)
		if err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertEvent, key.Calendar, key.Event, key.Revision, id, date)
		return err
	})
	if err != nil && isDuplicate(err) { // a concurrent sweep filed it
		return id, false, find()
	}
	return id, created && err == nil, err
}

// adoptOrInsert returns id and date of the row that the NVR inserted for an event, or of a new row.
func (s Events) adoptOrInsert(
	ctx context.Context, tx *sql.Tx, key EventKey, r *nvr.Record,
) (id int64, date string, created bool, err error) {
	if key.Revision == 0 {
		err = tx.QueryRowContext(ctx, selectUnclaimed, key.Event, r.Room).Scan(&id, &date)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, date, false, err
		}
	}
	result, err := tx.ExecContext(ctx, insertRecord, s.insertArgs(r)...)
	if err != nil {
		return 0, "", false, err
	}
	id, err = result.LastInsertId()
	return id, r.Date, true, err
}
