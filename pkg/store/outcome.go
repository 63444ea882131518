package store

import (
	"context"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	updatePostponeFree = `update records set turn = turn + 1, holder = '', lease_until = 0, processing = 0,
 due_at = ?, dated = ?, reason = ?` + held

	updatePause = `update records set turn = turn + 1, holder = '', lease_until = ?, due_at = ?, tries = ?,
 reason = ?, cause = ?` + held + ` and tries = ?`

	updatePostpone = `update records set turn = turn + 1, holder = '', lease_until = ?, due_at = ?, reason = ?` + held

	// failed leaves due_at at 1: the notice of the failure is owed; see [Store.OwedNotices].
	failed = `update records set step = 'failed', failed_step = ?, holder = '',
 lease_until = 0, due_at = 1, done = 0, processing = 0, reason = ?, cause = ?`

	updateFail = failed + held

	updateFailClaim = failed + claimed + ` and (holder = '' or lease_until < ?)`
)

// Setback is a curable failure: what became of the work this time.
type Setback struct {
	Pause func(tries int64) time.Duration // how long to wait after the given number of failures
	Why   cause.Cause                     // what people read while it waits
	Last  cause.Cause                     // what they read if it was the last try; Why if empty
	Cause string                          // the technical cause
}

// Postpone gives a record back that cannot go on yet: it is due again at until, with its tries as they
// were. On step stage it is free again, as if it had not been claimed.
func (s Leases) Postpone(ctx context.Context, h nvr.Lease, until time.Time, why cause.Cause) error {
	if h.Step != nvr.StepStage {
		return s.changeHeld(ctx, "postpone", &h, updatePostpone, millis(until), millis(until), s.formatReason(why))
	}
	record, err := s.record(ctx, h.Record)
	if err != nil {
		return err
	}
	return s.changeHeld(ctx, "postpone", &h, updatePostponeFree, millis(until), dated(&record), s.formatReason(why))
}

// Release gives a record back after a curable failure: it is taken over after a pause, at the same
// step. The failure number [Tries] fails the record, and Release returns true.
func (s Leases) Release(ctx context.Context, h nvr.Lease, setback Setback) (failed bool, err error) {
	record, err := s.record(ctx, h.Record)
	if err != nil {
		return false, err
	}
	tries := record.Tries + 1
	if tries >= MaxTries {
		last := setback.Last
		if last.IsZero() {
			last = setback.Why
		}
		return true, s.Fail(ctx, h, last, setback.Cause)
	}
	until := millis(s.now().Add(setback.Pause(tries)))
	rows, err := s.exec(ctx, updatePause, until, until, tries, s.formatReason(setback.Why), null(setback.Cause),
		h.Record, h.Attempt, h.Holder, h.Step, record.Tries)
	if err == nil && rows == 0 {
		err = fault.ErrStale
	}
	if err != nil {
		return false, fmt.Errorf("give record %d back, attempt %d: %w", h.Record, h.Attempt, err)
	}
	return false, nil
}

// Fail ends the record for good, with the reason for people and the technical cause beside it.
func (s Leases) Fail(ctx context.Context, h nvr.Lease, why cause.Cause, detail string) error {
	return s.FailFrom(ctx, h, h.Step, why, detail)
}

// FailFrom is [Store.Fail] of a record whose earlier step has come undone: [Store.Retry] begins there.
func (s Leases) FailFrom(ctx context.Context, h nvr.Lease, undone nvr.Step, why cause.Cause, detail string) error {
	return s.changeHeld(ctx, "fail", &h, updateFail, undone, s.formatReason(why), null(detail))
}

// FailClaim ends the record of a message that nobody could handle, if no living holder has it and it
// still stands where the message says; else [fault.ErrStale].
func (s Queue) FailClaim(ctx context.Context, c nvr.Claim, why cause.Cause, detail string) error {
	rows, err := s.exec(ctx, updateFailClaim, c.Step, s.formatReason(why), null(detail),
		c.Record, c.Attempt, c.Continuation, c.Step, s.nowMs())
	if err == nil && rows == 0 {
		err = fault.ErrStale
	}
	if err != nil {
		return fmt.Errorf("fail record %d, attempt %d: %w", c.Record, c.Attempt, err)
	}
	return nil
}
