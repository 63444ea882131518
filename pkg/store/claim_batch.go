package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// The statements of [Store.ClaimAll] end in as many ids as there are.
const (
	selectMany = `select ` + recordColumns + ` from records where id in (?`

	updateTakeMany = `update records set attempt = attempt + 1, turn = 0, holder = '', lease_until = ?, due_at = 0,
 step = 'stage', failed_step = '', tries = ?, done = 0, processing = 1, progress = 0, reason = null, cause = null
 where id in (?`
)

// terms are what those of many records share that one statement takes.
type terms struct {
	tries int64
	lease time.Duration
}

// ClaimAll is [Store.Take] of many free records in one transaction of a few statements; lease is that of
// an attempt. Those that changed since they were read, or are not free, are left out.
func (s Queue) ClaimAll(ctx context.Context, records []nvr.Record, lease func(attempt int64) time.Duration) (claims []nvr.Claim, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		now, err := s.lock(ctx, tx, records)
		if err != nil {
			return err
		}
		claims = claims[:0]
		sorted := map[terms][]any{}
		for _, r := range records {
			if !Claimable(&r) || !slices.Equal(snapshotArgs(&r), snapshotArgs(now[r.ID])) {
				continue
			}
			t := terms{triesOf(&r), lease(r.Attempt + 1)}
			sorted[t] = append(sorted[t], r.ID)
			claims = append(claims, nvr.Claim{Record: r.ID, Attempt: r.Attempt + 1, Step: nvr.StepStage})
		}
		for t, taken := range sorted {
			args := append([]any{millis(s.now().Add(t.lease)), t.tries}, taken...)
			if _, err := tx.ExecContext(ctx, updateTakeMany+more(len(taken)), args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take %d records: %w", len(records), err)
	}
	return claims, nil
}

// lock reads the rows of records as they are now, and keeps others from changing them until the
// transaction ends. A row that is gone is empty.
func (s Queue) lock(ctx context.Context, tx *sql.Tx, records []nvr.Record) (map[int64]*nvr.Record, error) {
	now := make(map[int64]*nvr.Record, len(records))
	list := make([]any, 0, len(records))
	for _, r := range records {
		now[r.ID] = &nvr.Record{}
		list = append(list, r.ID)
	}
	rows, err := tx.QueryContext(ctx, selectMany+more(len(list))+s.dialect.forUpdate, list...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what matters
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		now[r.ID] = &r
	}
	return now, rows.Err()
}

// more completes a list of count parameters whose first is written.
func more(count int) string { return strings.Repeat(", ?", count-1) + ")" }
