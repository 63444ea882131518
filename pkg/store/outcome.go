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
	updatePostponeFree = `update records set turn = turn + 1, holder = '', lease_until = 0, processing = 0, starts = 0,
 due_at = ?, dated = ?, reason = ?` + held

	updatePause = `update records set turn = turn + 1, holder = '', lease_until = ?, due_at = ?, tries = ?, starts = 0,
 reason = ?, cause = ?` + held + ` and tries = ?`

	updatePostpone = `update records set turn = turn + 1, holder = '', lease_until = ?, due_at = ?, starts = 0,
 reason = ?` + held

	// failed sets due_at to 1: the notice of the failure is owed; see [Notices].
	failed = `update records set step = 'failed', failed_step = ?, holder = '',
 lease_until = 0, due_at = 1, done = 0, processing = 0, reason = ?, cause = ?`

	updateFail = failed + held

	updateFailClaim = failed + claimed + ` and (holder = '' or lease_until < ?)`
)

// Setback describes a retryable failure of a step.
type Setback struct {
	Pause func(tries int64) time.Duration // returns the wait after a number of failures
	Why   cause.Cause                     // shown while the record waits
	Last  cause.Cause                     // shown after the last try; Why if empty
	Cause string                          // the technical cause
}

// Postpone releases a record that cannot continue yet. It is due again at until, and its tries stay. On step
// stage the record is free again, as if it had not been claimed.
func (s Leases) Postpone(ctx context.Context, h nvr.Lease, until time.Time, why cause.Cause) error {
	if h.Step != nvr.StepStage {
		return s.changeHeld(
			ctx,
			"postpone",
			&h,
			updatePostpone,
			millis(until),
			millis(until),
			s.formatReason(why),
		)
	}
	record, err := s.record(ctx, h.Record)
	if err != nil {
		return err
	}
	return s.changeHeld(
		ctx,
		"postpone",
		&h,
		updatePostponeFree,
		millis(until),
		dated(&record),
		s.formatReason(why),
	)
}

// Release gives a record back after a retryable failure. Claim takes it over after a pause, at the same step.
// The failure number [MaxTries] fails the record; Release then returns true.
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
		return false, fmt.Errorf("release record %d, attempt %d: %w", h.Record, h.Attempt, err)
	}
	return false, nil
}

// Fail ends the record with a reason for people and the technical cause.
func (s Leases) Fail(ctx context.Context, h nvr.Lease, why cause.Cause, detail string) error {
	return s.FailFrom(ctx, h, h.Step, why, detail)
}

// FailFrom is [Leases.Fail] for a record of which an earlier step must be repeated. [Requests.Retry] starts
// at that step.
func (s Leases) FailFrom(ctx context.Context, h nvr.Lease, undone nvr.Step, why cause.Cause, detail string) error {
	return s.changeHeld(ctx, "fail", &h, updateFail, undone, s.formatReason(why), null(detail))
}

// FailClaim ends the record of a message that could not be handled. It returns [fault.ErrStale] if a holder's
// lease has not expired, or if the message is not the newest one of the record.
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
