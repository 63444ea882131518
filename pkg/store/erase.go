package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// MySQL assigns from left to right, and reads what it has just assigned: step comes last of those that ask for it.
	updateErase = `update records set user_email = '', event_name = null,
 done = case when step in ('stage', 'merge', 'upload', 'link') then 0 else done end,
 step = case when step in ('stage', 'merge', 'upload', 'link') then 'withdrawn' else step end,
 processing = 0, attempt = attempt + 1, holder = '', lease_until = 0, due_at = 0, cause = null where id = ?`

	selectPage = `select coalesce(max(value), '') from merger_effects where record_id = ? and kind = ?`

	deleteEffectsOf = `delete from merger_effects where record_id = ?`

	deleteUploadOf = `delete from merger_uploads where record_id = ?`

	deleteRequestsOf = `delete from merger_requests where record_id = ?`

	deleteKeysOf = `delete from merger_api_keys where email = ?`

	updateUserKey = `update users set api_key = null where email = ?`

	deleteRequestsBefore = `delete from merger_requests where created_at < ?`
)

// Erased is a record as it was, and what was noted about it.
type Erased struct {
	nvr.Record

	ReportFileID string // id of the file of the report beside the video; empty if there is none
}

// Erase takes a person out of the database: their records lose requester and title, unfinished ones are
// withdrawn, their keys end, also the NVR's. It returns the records as they were, so that the caller can
// deal with the files that they name.
func (s Requests) Erase(ctx context.Context, email string) (erased []Erased, err error) {
	records, err := Records{s.database}.ByUser(ctx, email)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		erased = erased[:0]
		for _, r := range records {
			was := Erased{Record: r}
			if err := tx.QueryRowContext(ctx, selectPage, r.ID, EffectReport).Scan(&was.ReportFileID); err != nil {
				return err
			}
			erased = append(erased, was)
			for _, statement := range []string{updateErase, deleteEffectsOf, deleteUploadOf, deleteSlices, deleteRequestsOf} {
				if _, err := tx.ExecContext(ctx, statement, r.ID); err != nil {
					return err
				}
			}
		}
		for _, statement := range []string{deleteKeysOf, updateUserKey} {
			if _, err := tx.ExecContext(ctx, statement, email); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("erase a person: %w", err)
	}
	return erased, nil
}

// ForgetRequests drops the idempotency keys of requests older than an instant.
func (s Requests) ForgetKeys(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, deleteRequestsBefore, millis(before)); err != nil {
		return fmt.Errorf("forget old request keys: %w", err)
	}
	return nil
}
