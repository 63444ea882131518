package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// The statements of [Queue.ClaimAll] end in a list of ids; moreParams completes it.
const (
	selectMany = `select ` + recordColumns + ` from records where id in (?`

	updateClaimMany = `update records set attempt = attempt + 1, turn = 0, holder = '', lease_until = ?, due_at = 0,
 step = 'stage', failed_step = '', tries = ?, done = 0, processing = 1, progress = 0, starts = 0,
 reason = null, cause = null
 where id in (?`
)

// claimTerms are the values that all records of one update share.
type claimTerms struct {
	tries int64
	lease time.Duration
}

// ClaimAll is [Queue.Claim] for many free records, in their order, as long as at most most records run then;
// see [Queue.CountRunning]. It uses one transaction of a few statements. lease returns the lease for the number
// of an attempt. Records that are not free, or that have changed since they were read, are skipped. Concurrent
// calls cannot exceed the number together.
func (s Queue) ClaimAll(
	ctx context.Context, most int, records []nvr.Record, lease func(attempt int64) time.Duration,
) (claims []nvr.Claim, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		claims, err = s.claimAll(ctx, tx, most, records, lease)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim %d records: %w", len(records), err)
	}
	return claims, nil
}

func (s Queue) claimAll(
	ctx context.Context, tx *sql.Tx, most int, records []nvr.Record, lease func(attempt int64) time.Duration,
) ([]nvr.Claim, error) {
	slots, err := s.lockSlots(ctx, tx, most)
	if err != nil {
		return nil, err
	}
	current, err := s.lock(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	var claims []nvr.Claim
	ids := map[claimTerms][]any{}
	for _, r := range records {
		if len(claims) == slots {
			break
		}
		if !Claimable(&r) || !slices.Equal(snapshotArgs(&r), snapshotArgs(current[r.ID])) {
			continue
		}
		terms := claimTerms{tries: triesOf(&r), lease: lease(r.Attempt + 1)}
		ids[terms] = append(ids[terms], r.ID)
		claims = append(claims, nvr.Claim{
			Record:  r.ID,
			Attempt: r.Attempt + 1,
			Step:    nvr.StepStage,
		})
	}
	for terms, claimed := range ids {
		until := s.now().Add(terms.lease)
		args := append([]any{millis(until), terms.tries}, claimed...)
		if _, err := tx.ExecContext(ctx, updateClaimMany+moreParams(len(claimed)), args...); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// ClaimPaused is [Queue.Claim] of a record whose pause is over, if at most most records run then. It returns
// [fault.ErrStale] if too many run, too.
func (s Queue) ClaimPaused(
	ctx context.Context, most int, r nvr.Record, step nvr.Step, lease time.Duration,
) (nvr.Claim, error) {
	args := s.takeArgs(&r, &taking{step: step, lease: lease, tries: r.Tries})
	err := s.change(ctx, func(tx *sql.Tx) error {
		slots, err := s.lockSlots(ctx, tx, most)
		if err != nil {
			return err
		}
		if slots == 0 {
			return fault.ErrStale
		}
		result, err := tx.ExecContext(ctx, updateTake, append(args, snapshotArgs(&r)...)...)
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return errors.Join(err, fault.ErrStale)
		}
		return nil
	})
	if err != nil {
		return nvr.Claim{}, fmt.Errorf("claim record %d as of attempt %d: %w", r.ID, r.Attempt, err)
	}
	return nvr.Claim{Record: r.ID, Attempt: r.Attempt + 1, Step: step}, nil
}

// slotsRow is the row of merger_runs that a claim locks while it counts and takes slots.
const slotsRow = "merge-slots"

// lockSlots returns how many more records may run if at most most may. Until the transaction ends no other
// one takes a slot. The row is written first, because MySQL counts as of the first read of the transaction.
func (s Queue) lockSlots(ctx context.Context, tx *sql.Tx, most int) (int, error) {
	if _, err := tx.ExecContext(ctx, replaceRun, slotsRow, s.nowMs()); err != nil {
		return 0, err
	}
	running := 0
	if err := tx.QueryRowContext(ctx, selectRunning).Scan(&running); err != nil {
		return 0, err
	}
	return max(0, most-running), nil
}

// lock reads the current rows of records and locks them until the transaction ends. The result holds an
// empty record for each row that no longer exists.
func (s Queue) lock(ctx context.Context, tx *sql.Tx, records []nvr.Record) (map[int64]*nvr.Record, error) {
	current := make(map[int64]*nvr.Record, len(records))
	ids := make([]any, 0, len(records))
	for _, r := range records {
		current[r.ID] = &nvr.Record{}
		ids = append(ids, r.ID)
	}
	rows, err := tx.QueryContext(ctx, selectMany+moreParams(len(ids))+s.dialect.forUpdate, ids...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err returns the error that matters
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		current[r.ID] = &r
	}
	return current, rows.Err()
}

// moreParams returns the rest of a list of count parameters whose first one is already written.
func moreParams(count int) string {
	return strings.Repeat(", ?", count-1) + ")"
}
