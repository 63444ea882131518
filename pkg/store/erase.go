package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// MySQL assigns from left to right and reads the new values. The assignment of done reads step, so it
	// stands before that of step.
	updateErase = `update records set user_email = '', event_name = null,
 done = case when step in ('stage', 'merge', 'upload', 'link') then 0 else done end,
 step = case when step in ('stage', 'merge', 'upload', 'link') then 'withdrawn' else step end,
 processing = 0, attempt = attempt + 1, holder = '', lease_until = 0, due_at = 0, cause = null where id = ?`

	selectReportFile = `select coalesce(max(value), '') from merger_effects where record_id = ? and kind = ?`

	deleteEffectsOf = `delete from merger_effects where record_id = ?`

	deleteUploadOf = `delete from merger_uploads where record_id = ?`

	deleteRequestsOf = `delete from merger_requests where record_id = ?`

	deleteKeysOf = `delete from merger_api_keys where email = ?`

	updateUserKey = `update users set api_key = null where email = ?`

	deleteRequestsBefore = `delete from merger_requests where created_at < ?`
)

// Erased is a record as it was before [Requests.Erase].
type Erased struct {
	nvr.Record

	ReportFileID string // Drive id of the report file beside the video; empty if there is none
}

// Erase removes a person from the database. The person's records lose requester and title, unfinished records
// are withdrawn, and all keys of the person end, including the NVR's key. The person is a member of no event
// until a sweep finds one that still names them. It returns the records as they were, so that the caller can
// delete the files that they name.
func (s Requests) Erase(ctx context.Context, email string) (erased []Erased, err error) {
	records, err := Records(s).ByUser(ctx, email)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		erased = erased[:0]
		for _, r := range records {
			file, err := eraseRecord(ctx, tx, r.ID)
			if err != nil {
				return err
			}
			erased = append(erased, Erased{Record: r, ReportFileID: file})
		}
		member := memberDigest(email)
		if _, err := tx.ExecContext(ctx, updateMembersOf, member, member); err != nil {
			return err
		}
		return execAll(ctx, tx, email, deleteKeysOf, updateUserKey, updateOptOutsOf)
	})
	if err != nil {
		return nil, fmt.Errorf("erase a person: %w", err)
	}
	return erased, nil
}

// eraseRecord removes the personal data of one record and returns the Drive id of its report file.
func eraseRecord(ctx context.Context, tx *sql.Tx, id int64) (reportFile string, err error) {
	if err := tx.QueryRowContext(ctx, selectReportFile, id, EffectReport).Scan(&reportFile); err != nil {
		return "", err
	}
	err = execAll(
		ctx,
		tx,
		id,
		updateErase,
		deleteEffectsOf,
		deleteUploadOf,
		deleteSlices,
		deleteRequestsOf,
	)
	return reportFile, err
}

// execAll runs statements that each take arg as their only parameter.
func execAll(ctx context.Context, tx *sql.Tx, arg any, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, arg); err != nil {
			return err
		}
	}
	return nil
}

// ForgetKeys deletes the idempotency keys of requests filed before an instant.
func (s Requests) ForgetKeys(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, deleteRequestsBefore, millis(before)); err != nil {
		return fmt.Errorf("delete old idempotency keys: %w", err)
	}
	return nil
}
