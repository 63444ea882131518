package store

import (
	"context"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	optOutColumns = `calendar, event_id, room, start_at, end_at, organizer, ended`

	selectOptOuts = `select ` + optOutColumns + ` from merger_opt_outs where calendar = ? and end_at > ? order by event_id`

	// selectCovering finds the opt-outs of a room by its name and by its calendar: two rooms may have one
	// calendar.
	selectCovering = `select start_at, end_at from merger_opt_outs
 where (room = ? or calendar = ?) and ended = 0 and start_at < ? and end_at > ?`

	selectUntold = `select ` + optOutColumns + ` from merger_opt_outs where told = 0 order by start_at limit ?`

	// replaceOptOut makes it one that has not ended, and of which the operators were not told yet.
	replaceOptOut = `replace into merger_opt_outs (calendar, event_id, room, start_at, end_at, organizer)
 values (?, ?, ?, ?, ?, ?)`

	updateOptOutEnded = `update merger_opt_outs set ended = 1, told = 1 where calendar = ? and event_id = ?`

	deleteOptOutsEnded = `delete from merger_opt_outs where calendar = ? and ended = 1`

	updateOptOutTold = `update merger_opt_outs set told = 1
 where calendar = ? and event_id = ? and start_at = ? and end_at = ?`

	deleteOptOutsBefore = `delete from merger_opt_outs where end_at < ?`

	updateOptOutsOf = `update merger_opt_outs set organizer = '' where organizer = lower(?)`

	selectAffected = `select ` + recordColumns + ` from records where room_name = ? and date >= ?
 and step in ('stage', 'withdrawn') order by id`
)

// OptOuts keeps which times of which rooms must not be recorded, because a calendar event says so.
type OptOuts struct{ *database }

// OptOut is an event that asks for no recording. It covers its room and its time for everyone.
type OptOut struct {
	Calendar   string
	Event      string
	Room       string
	Start, End time.Time // UTC, to the millisecond
	Organizer  string    // address in lower case; may be empty
	Ended      bool      // the event no longer asks; the records that it withdrew are about to be restored
}

// OfCalendar lists the opt-outs of a calendar that end after an instant, also those that have ended.
func (s OptOuts) OfCalendar(ctx context.Context, calendar string, after time.Time) ([]OptOut, error) {
	return s.list(ctx, "calendar "+calendar, selectOptOuts, calendar, millis(after))
}

// Untold lists opt-outs of which the operators were not told yet which delivered records they cover, at most
// limit.
func (s OptOuts) Untold(ctx context.Context, limit int) ([]OptOut, error) {
	return s.list(ctx, "which nobody was told", selectUntold, limit)
}

func (s OptOuts) list(ctx context.Context, what, statement string, args ...any) ([]OptOut, error) {
	var outs []OptOut
	err := s.each(ctx, func() { outs = nil }, func(row scanner) error {
		var out OptOut
		var start, end, ended int64
		err := row.Scan(&out.Calendar, &out.Event, &out.Room, &start, &end, &out.Organizer, &ended)
		out.Start, out.End, out.Ended = instant(start), instant(end), ended != 0
		outs = append(outs, out)
		return err
	}, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("list the opt-outs of %s: %w", what, err)
	}
	return outs, nil
}

// Within returns what of [start, end) must not be recorded in a room, in order.
func (s OptOuts) Within(ctx context.Context, room *nvr.Room, start, end time.Time) ([]nvr.Interval, error) {
	var found []nvr.Interval
	err := s.each(ctx, func() { found = nil }, func(row scanner) error {
		var from, until int64
		err := row.Scan(&from, &until)
		found = append(found, nvr.Interval{
			Start: instant(from).In(start.Location()),
			End:   instant(until).In(start.Location()),
		})
		return err
	}, selectCovering, room.Name, room.Calendar, millis(end), millis(start))
	if err != nil {
		return nil, fmt.Errorf("read the opt-outs of room %q: %w", room.Name, err)
	}
	return nvr.Within(found, start, end), nil
}

// Save stores an opt-out in place of the former one of its event.
func (s OptOuts) Save(ctx context.Context, out OptOut) error {
	_, err := s.exec(ctx, replaceOptOut,
		out.Calendar, out.Event, out.Room, millis(out.Start), millis(out.End), out.Organizer)
	if err != nil {
		return fmt.Errorf("store the opt-out of event %q: %w", out.Event, err)
	}
	return nil
}

// End marks an opt-out as ended: it covers nothing any more. [OptOuts.Forget] removes it once the records that
// it withdrew are restored.
func (s OptOuts) End(ctx context.Context, out OptOut) error {
	if _, err := s.exec(ctx, updateOptOutEnded, out.Calendar, out.Event); err != nil {
		return fmt.Errorf("end the opt-out of event %q: %w", out.Event, err)
	}
	return nil
}

// Forget removes the ended opt-outs of a calendar.
func (s OptOuts) Forget(ctx context.Context, calendar string) error {
	if _, err := s.exec(ctx, deleteOptOutsEnded, calendar); err != nil {
		return fmt.Errorf("forget the ended opt-outs of calendar %q: %w", calendar, err)
	}
	return nil
}

// Purge removes the opt-outs that end before an instant.
func (s OptOuts) Purge(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, deleteOptOutsBefore, millis(before)); err != nil {
		return fmt.Errorf("delete old opt-outs: %w", err)
	}
	return nil
}

// MarkTold stores that the operators know which delivered records an opt-out covers. One that has moved since
// it was read stays as it is.
func (s OptOuts) MarkTold(ctx context.Context, out OptOut) error {
	_, err := s.exec(ctx, updateOptOutTold, out.Calendar, out.Event, millis(out.Start), millis(out.End))
	if err != nil {
		return fmt.Errorf("mark the opt-out of event %q as told: %w", out.Event, err)
	}
	return nil
}

// Affected lists the records of a room from a date (YYYY-MM-DD) on that a change of its opt-outs may withdraw
// or restore: those that wait, and those that an opt-out withdrew.
func (s OptOuts) Affected(ctx context.Context, room, from string) ([]nvr.Record, error) {
	found, err := s.records(ctx, selectAffected, room, from)
	if err != nil {
		return nil, fmt.Errorf("list the records of room %q: %w", room, err)
	}
	affected := found[:0]
	for _, r := range found {
		if Claimable(&r) || r.Step == nvr.StepWithdrawn && r.Reason.Is(cause.CodeOptedOut) {
			affected = append(affected, r)
		}
	}
	return affected, nil
}
