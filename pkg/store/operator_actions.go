package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	updateWithdraw = `update records set step = 'withdrawn', failed_step = '', attempt = attempt + 1, holder = '',
 lease_until = 0, due_at = 0, done = 0, processing = 0, reason = ?, cause = null`

	updateRetry = `update records set step = ?, failed_step = '', attempt = attempt + 1, turn = 0, holder = '',
 lease_until = ?, due_at = 0, tries = 0, starts = 0, done = ?, processing = ?, reason = null, cause = null,
 asked_at = ?, dated = ''`

	// sameAttempt is true while the row is in the attempt and on the step that were read.
	sameAttempt = ` where id = ? and attempt = ? and step = ?`

	updateRevise = `update records set event_name = ?, room_name = ?, date = ?, start_time = ?, end_time = ?,
 user_email = ?, event_id = ?, asked_at = ?, layout = ?, held = ?, dated = '', step = 'stage',
 attempt = attempt + 1, turn = 0, holder = '', lease_until = 0, due_at = 0,
 done = 0, processing = 0, starts = 0, edits = null, reason = null, cause = null` + snapshot

	updateTitle = `update records set event_name = ?, user_email = ?, layout = ?, held = ?` + snapshot
)

// Withdraw ends a record that is no longer wanted. If a worker holds the record, it becomes stale. Withdraw
// returns [ErrConflict] if the record is done, or its delivered video is being revised: only an opt-out ends
// that. A withdrawn record stays as it is.
func (s Requests) Withdraw(ctx context.Context, id int64, why cause.Cause) error {
	return s.decide(ctx, "withdraw", id, func(r *nvr.Record) (string, []any, error) {
		args, err := s.withdrawal(r, why)
		return ofAttempt(r, updateWithdraw, args, err)
	})
}

// WithdrawRead is [Requests.Withdraw] of a record that was read. It returns [fault.ErrStale] if the record has
// changed since then, for example because a worker has begun.
func (s Requests) WithdrawRead(ctx context.Context, r nvr.Record, why cause.Cause) error {
	args, err := s.withdrawal(&r, why)
	if err != nil {
		return fmt.Errorf("withdraw record %d: %w", r.ID, err)
	}
	if args == nil {
		return nil
	}
	return s.changeRead(ctx, "withdraw", &r, updateWithdraw+snapshot, args...)
}

// withdrawal returns the parameters of [updateWithdraw]; nil if the record is withdrawn.
func (s Requests) withdrawal(r *nvr.Record, why cause.Cause) ([]any, error) {
	switch r.Step {
	case nvr.StepWithdrawn:
		return nil, nil
	case nvr.StepDone:
		return nil, fmt.Errorf("it is done: %w", ErrConflict)
	case nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink, nvr.StepFailed:
	}
	if r.Edits.TakenBack != "" || r.Revision > 1 && !why.Is(cause.CodeOptedOut) {
		return nil, fmt.Errorf("its video was delivered: %w", ErrConflict)
	}
	return []any{s.formatReason(why)}, nil
}

// Retry runs a failed or withdrawn record again, from the first step that is not done, with its tries reset.
// On step stage the record is free. On a later step, claim can take it over at once. Retry returns
// [ErrConflict] if the record is neither failed nor withdrawn, or if its video was taken back: [Requests.Restore]
// undoes that.
func (s Requests) Retry(ctx context.Context, id int64) error {
	return s.decide(ctx, "retry", id, func(r *nvr.Record) (string, []any, error) {
		args, err := s.repetition(r)
		return ofAttempt(r, updateRetry, args, err)
	})
}

// RetryRead is [Requests.Retry] of a record that was read. It returns [fault.ErrStale] if the record has changed
// since then, for example because a person has withdrawn it again.
func (s Requests) RetryRead(ctx context.Context, r nvr.Record) error {
	args, err := s.repetition(&r)
	if err != nil {
		return fmt.Errorf("retry record %d: %w", r.ID, err)
	}
	return s.changeRead(ctx, "retry", &r, updateRetry+snapshot, args...)
}

// repetition returns the parameters of [updateRetry].
func (s Requests) repetition(r *nvr.Record) ([]any, error) {
	if r.Step != nvr.StepFailed && r.Step != nvr.StepWithdrawn {
		return nil, fmt.Errorf("it is neither failed nor withdrawn: %w", ErrConflict)
	}
	if r.Step == nvr.StepWithdrawn && r.Edits.TakenBack != "" {
		return nil, fmt.Errorf("its video was taken back: %w", ErrConflict)
	}
	to, until, done, processing := nvr.StepStage, int64(0), 0, 0
	switch r.FailedStep { //nolint:exhaustive // all others start at step stage
	case nvr.StepMerge, nvr.StepUpload:
		to, until, processing = r.FailedStep, s.nowMs()-1, 1
	case nvr.StepLink:
		to, until, done = r.FailedStep, s.nowMs()-1, 1
	}
	return []any{to, until, done, processing, s.nowMs()}, nil
}

// ofAttempt completes an update of a record that holds as long as the record's attempt and step do. Nil args leave
// the record as it is.
func ofAttempt(r *nvr.Record, update string, args []any, err error) (string, []any, error) {
	if err != nil || args == nil {
		return "", nil, err
	}
	return update + sameAttempt, append(args, r.ID, r.Attempt, r.Step), nil
}

// decide reads a record and writes the statement that choose returns. It repeats both if the record has
// changed in between. An empty statement leaves the record as it is.
func (s Requests) decide(ctx context.Context, what string, id int64, choose func(*nvr.Record) (string, []any, error)) error {
	for {
		r, err := s.record(ctx, id)
		if err != nil {
			return err
		}
		statement, args, err := choose(&r)
		if err != nil {
			return fmt.Errorf("%s record %d: %w", what, id, err)
		}
		if statement == "" {
			return nil
		}
		rows, err := s.exec(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("%s record %d: %w", what, id, err)
		}
		if rows > 0 {
			return nil
		}
	}
}

// Revise replaces the request of a record that was read by the title, room, date, times, requester, event,
// layout and hold of to, and sets the record free, whatever its step is. Its worker becomes stale, its tries stay. It
// returns [fault.ErrStale] if the record has changed since it was read.
func (s Requests) Revise(ctx context.Context, r, to nvr.Record) error {
	args := append(
		[]any{
			null(to.Title),
			to.Room,
			to.Date,
			to.StartTime,
			to.EndTime,
			to.UserEmail,
			null(to.EventID),
			s.nowMs(),
			string(to.Layout),
			bit(to.Held),
		},
		snapshotArgs(&r)...,
	)
	err := s.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, updateRevise, args...)
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return errors.Join(err, fault.ErrStale)
		}
		_, err = tx.ExecContext(ctx, updateEventDate, to.Date, r.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("revise record %d as of attempt %d: %w", r.ID, r.Attempt, err)
	}
	return nil
}

// SetDetails changes title, requester, layout and hold of a record that was read to those of to. It does not
// disturb the work on the record. It returns [fault.ErrStale] if the record has changed since it was read.
func (s Requests) SetDetails(ctx context.Context, r, to nvr.Record) error {
	return s.changeRead(
		ctx, "rename", &r, updateTitle, null(to.Title), to.UserEmail, string(to.Layout), bit(to.Held))
}
