package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// recordColumns are the columns that [scanRecord] reads. The columns of the NVR may be NULL.
const recordColumns = `id, coalesce(event_name, ''), coalesce(room_name, ''), coalesce(date, ''),
 coalesce(start_time, ''), coalesce(end_time, ''), coalesce(user_email, ''), coalesce(event_id, ''),
 coalesce(done, 0), coalesce(processing, 0), step, failed_step, attempt, tries, turn, holder, lease_until,
 due_at, coalesce(reason, ''), coalesce(cause, ''), progress, digest, file_id, coalesce(link, ''),
 coalesce(course, ''), coalesce(share, ''), asked_at, starts, layout, held, revision, coalesce(edits, '')`

const selectRecord = `select ` + recordColumns + ` from records where id = ?`

// Records reads records.
type Records struct{ *database }

// Get reads one record. It returns [ErrNotFound] if there is none.
func (s Records) Get(ctx context.Context, id int64) (nvr.Record, error) {
	return s.record(ctx, id)
}

// record reads one record. It returns [ErrNotFound] if there is none.
func (d *database) record(ctx context.Context, id int64) (nvr.Record, error) {
	var record nvr.Record
	err := d.row(
		ctx,
		func(row scanner) (err error) { record, err = scanRecord(row); return err },
		selectRecord,
		id,
	)
	if err != nil {
		return nvr.Record{}, fmt.Errorf("read record %d: %w", id, err)
	}
	return record, nil
}

// records reads all rows of a statement over [recordColumns].
func (d *database) records(ctx context.Context, statement string, args ...any) ([]nvr.Record, error) {
	var records []nvr.Record
	err := d.each(ctx, func() { records = nil }, func(row scanner) error {
		record, err := scanRecord(row)
		records = append(records, record)
		return err
	}, statement, args...)
	return records, err
}

func scanRecord(row scanner) (r nvr.Record, err error) {
	var reason, edits string
	var done, processing, held, lease, due, asked int64
	err = row.Scan(&r.ID, &r.Title, &r.Room, &r.Date, &r.StartTime, &r.EndTime, &r.UserEmail, &r.EventID,
		&done, &processing, &r.Step, &r.FailedStep, &r.Attempt, &r.Tries, &r.Continuation, &r.Holder, &lease,
		&due, &reason, &r.Cause, &r.Progress, &r.Digest, &r.FileID, &r.Link, &r.Course, &r.Share, &asked, &r.Starts,
		&r.Layout, &held, &r.Revision, &edits)
	r.Done, r.Processing, r.Held = done != 0, processing != 0, held != 0
	r.LeaseUntil, r.DueAt, r.AskedAt = instant(lease), instant(due), instant(asked)
	r.Reason = i18n.ReadReason(reason)
	if err == nil && edits != "" {
		if err = json.Unmarshal([]byte(edits), &r.Edits); err != nil {
			err = fmt.Errorf("read the edits of record %d: %w", r.ID, err)
		}
	}
	return r, err
}

// formatReason returns a cause as the column holds it: JSON with the words, the code and the arguments; NULL
// for none.
func (d *database) formatReason(reason cause.Cause) any {
	if reason.IsZero() {
		return nil
	}
	return d.texts.FormatReason(reason)
}

// dated returns the text for which due_at was computed. due_at is valid while the row has this date and these
// times. If the NVR or a person changes them, the record is scheduled again.
func dated(r *nvr.Record) string {
	return r.Date + r.StartTime + r.EndTime
}

// bit returns a boolean as a column holds it.
func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

// null returns a text for a column in which NULL means empty.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}
