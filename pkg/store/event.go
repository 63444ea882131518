package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectEvents = recordsOfEvents + ` where calendar = ? and of_date >= ? order by of_event, revision`

	selectEventRecord = `select record_id from merger_events where calendar = ? and event_id = ? and revision = ?`

	selectLastRevision = recordsOfEvents + ` where calendar = ? and of_event = ? order by revision desc limit 1`

	// A row that the NVR inserted for an event and that no calendar of ours has claimed.
	selectUnclaimed = `select id, date from records where event_id = ? and room_name = ?
 and not exists (select 1 from merger_events e where e.record_id = records.id) order by id desc limit 1`

	insertEvent = `insert into merger_events (calendar, event_id, revision, record_id, date) values (?, ?, ?, ?, ?)`

	updateEventDate = `update merger_events set date = ? where record_id = ?`

	selectEventRows = `select ` + recordColumns + ` from records where event_id = ? and room_name = ? order by id`
)

// recordsOfEvents joins an event's rows of ours with its records. What both tables call alike is renamed.
const recordsOfEvents = `select of_event, revision, ` + recordColumns + ` from records join (
 select record_id, calendar, event_id as of_event, revision, date as of_date from merger_events) e on record_id = id`

// Events keeps which record stands for which calendar event.
type Events struct{ *database }

// EventKey is which request of which event in which calendar: a record a key. The revision counts the
// requests of one event, from 0; a further one is made when an event's time changes after its merge began.
type EventKey struct {
	Calendar string
	Event    string
	Revision int64
}

// Event is a record and the event that it stands for.
type Event struct {
	Key    EventKey
	Record nvr.Record
}

// Events lists the records of a calendar's events from a date (YYYY-MM-DD) on, by event and revision. The
// date is the one that the record was filed or revised with; what a person changed in the row itself is in
// the record. It costs what it lists.
func (s Events) List(ctx context.Context, calendar, from string) ([]Event, error) {
	events, err := s.events(ctx, calendar, selectEvents, calendar, from)
	if err != nil {
		return nil, fmt.Errorf("list the records of calendar %q: %w", calendar, err)
	}
	return events, nil
}

// LastEvent reads the newest request of an event, whatever its date; [ErrNotFound] if there is none.
func (s Events) Last(ctx context.Context, calendar, event string) (Event, error) {
	events, err := s.events(ctx, calendar, selectLastRevision, calendar, event)
	if err == nil && len(events) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Event{}, fmt.Errorf("look for the record of event %q: %w", event, err)
	}
	return events[0], nil
}

func (s Events) events(ctx context.Context, calendar, statement string, args ...any) ([]Event, error) {
	var events []Event
	err := s.each(ctx, func() { events = nil }, func(row scanner) (err error) {
		event := Event{Key: EventKey{Calendar: calendar}}
		event.Record, err = scanRecord(prefixed{row, []any{&event.Key.Event, &event.Key.Revision}})
		events = append(events, event)
		return err
	}, statement, args...)
	return events, err
}

// prefixed scans further columns before those that its caller knows.
type prefixed struct {
	row  scanner
	into []any
}

// Scan implements scanner.
func (p prefixed) Scan(into ...any) error { return p.row.Scan(append(p.into, into...)...) }

// EnsureEventRecord is the record of an event's request: the one that is there, else (revision 0) the row that
// the NVR inserted for the event in r.Room, else a new one of r (title, room, date, times, requester,
// event). However often and from wherever it is called, a key has one record. The record is returned as it
// is now; created tells that it is new.
func (s Events) EnsureRecord(ctx context.Context, key EventKey, r nvr.Record) (record nvr.Record, created bool, err error) {
	id, created, err := s.fileEvent(ctx, key, &r)
	if err != nil {
		return nvr.Record{}, false, fmt.Errorf("file the record of event %q: %w", key.Event, err)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

func (s Events) fileEvent(ctx context.Context, key EventKey, r *nvr.Record) (id int64, created bool, err error) {
	find := func() error {
		return s.row(ctx, func(row scanner) error { return row.Scan(&id) }, selectEventRecord, key.Calendar, key.Event, key.Revision)
	}
	if there, err := found(find()); there || err != nil {
		return id, false, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		created = false
		err, date := sql.ErrNoRows, r.Date
		if key.Revision == 0 {
			err = tx.QueryRowContext(ctx, selectUnclaimed, key.Event, r.Room).Scan(&id, &date)
		}
		if errors.Is(err, sql.ErrNoRows) {
			var result sql.Result
			if result, err = tx.ExecContext(ctx, insertRecord, s.insertArgs(r)...); err == nil {
				created = true
				id, err = result.LastInsertId()
			}
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, insertEvent, key.Calendar, key.Event, key.Revision, id, date)
		return err
	})
	if err != nil && duplicate(err) { // another sweep was first
		return id, false, find()
	}
	return id, created && err == nil, err
}

// EventRows lists the records that name an event in a room, however they came to be, oldest first.
func (s Events) Rows(ctx context.Context, room, event string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectEventRows, event, room)
	if err != nil {
		return nil, fmt.Errorf("list the records of event %q in room %q: %w", event, room, err)
	}
	return records, nil
}
