package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// unreset is true until a person resets the row. Up to step upload a reset is processing = 0, on step link
	// it is done = 0.
	unreset = ` and (coalesce(processing, 0) = 1 or (step = 'link' and coalesce(done, 0) = 1))`

	// claimed is true while the claim is the newest one of the row.
	claimed = ` where id = ? and attempt = ? and turn = ? and step = ?` + unreset

	// held is true while the worker holds the lease of the row.
	held = ` where id = ? and attempt = ? and holder = ? and step = ?` + unreset

	updateEnter = `update records set holder = ?, lease_until = ?,
 starts = case when starts = 0 then 1 else starts end` + claimed +
		` and (holder = '' or holder = ? or lease_until < ?)`

	selectClaimed = `select count(*) from records` + claimed

	updateRenew = `update records set lease_until = ?` + held

	changed = ` digest = coalesce(?, digest), file_id = coalesce(?, file_id), link = coalesce(?, link),
 course = coalesce(?, course), share = coalesce(?, share)`

	updateSave = `update records set` + changed + `, reason = coalesce(?, reason)` + held

	// updateAdvance deletes a failure, which is a reason with a cause, and keeps a remark, which is a reason
	// alone. MySQL assigns from left to right, so the reason is assigned before the cause.
	updateAdvance = `update records set step = ?, turn = turn + 1, holder = '', lease_until = ?, due_at = 0,
 done = coalesce(?, done), processing = ?, progress = coalesce(?, progress),
 starts = coalesce(?, starts),` + changed + `,
 reason = coalesce(?, case when cause is null then reason end), cause = null` + held

	updateContinuation = `update records set turn = turn + 1, holder = '', lease_until = ?, starts = 0` + held

	updateStart = `update records set starts = starts + 1` + held

	updateProgressed = `update records set starts = 0` + held
)

// Leases writes what a worker does to the record that it holds.
type Leases struct{ *database }

// Change holds the columns that a worker writes to its record. A nil column stays as it is.
type Change struct {
	Digest, FileID, Link, Course, Share *string

	Reason *cause.Cause // why it was withdrawn, or a remark on a record that goes on
}

func (s Leases) changeArgs(c *Change) []any {
	var reason any
	if c.Reason != nil {
		reason = s.formatReason(*c.Reason)
	}
	return []any{c.Digest, c.FileID, c.Link, c.Course, c.Share, reason}
}

// Enter starts the work of a claim under the name of a holder and reads the record. The tasks of one
// execution enter under one name, any number of times. It returns [ErrHeld] if another holder's lease has
// not expired, and [fault.ErrStale] if the claim is not the newest one.
func (s Leases) Enter(ctx context.Context, c nvr.Claim, holder string, length time.Duration) (nvr.Record, nvr.Lease, error) {
	hold := nvr.Lease{Claim: c, Holder: holder}
	if holder == "" {
		return nvr.Record{}, hold, errors.New("enter a record: the name of the holder is missing")
	}
	now := s.now()
	rows, err := s.exec(
		ctx,
		updateEnter,
		holder,
		millis(now.Add(length)),
		c.Record,
		c.Attempt,
		c.Continuation,
		c.Step,
		holder,
		millis(now),
	)
	if err != nil {
		return nvr.Record{}, hold, fmt.Errorf("enter record %d: %w", c.Record, err)
	}
	if rows == 0 {
		return nvr.Record{}, hold, s.refusal(ctx, c)
	}
	record, err := s.record(ctx, c.Record)
	if err != nil {
		return nvr.Record{}, hold, err
	}
	if record.Attempt != c.Attempt || record.Holder != holder {
		return nvr.Record{}, hold, fmt.Errorf(
			"enter record %d, attempt %d: %w",
			c.Record, c.Attempt, fault.ErrStale,
		)
	}
	return record, hold, nil
}

// refusal returns why [Leases.Enter] found no row.
func (s Leases) refusal(ctx context.Context, c nvr.Claim) error {
	var count int
	err := s.row(
		ctx,
		func(row scanner) error { return row.Scan(&count) },
		selectClaimed,
		c.Record,
		c.Attempt,
		c.Continuation,
		c.Step,
	)
	switch {
	case err != nil:
		return fmt.Errorf("read the holder of record %d: %w", c.Record, err)
	case count > 0:
		return fmt.Errorf("enter record %d, attempt %d: %w", c.Record, c.Attempt, ErrHeld)
	}
	return fmt.Errorf(
		"enter record %d, attempt %d, continuation %d, step %s: %w",
		c.Record, c.Attempt, c.Continuation, c.Step, fault.ErrStale,
	)
}

// Renew extends the lease of the record to length from now.
func (s Leases) Renew(ctx context.Context, h nvr.Lease, length time.Duration) error {
	return s.changeHeld(ctx, "renew the lease of", &h, updateRenew, millis(s.now().Add(length)))
}

// Save writes a change and keeps the lease.
func (s Leases) Save(ctx context.Context, h nvr.Lease, change Change) error {
	return s.changeHeld(ctx, "save", &h, updateSave, s.changeArgs(&change)...)
}

// Advance moves the record to its next step and releases it. The returned claim is valid for length from now;
// only the caller sends it. Step link means uploaded (done = 1, processing = 0). After done and withdrawn
// nothing follows. The reason and the cause of an earlier failure are deleted.
func (s Leases) Advance(ctx context.Context, h nvr.Lease, to nvr.Step, change Change, length time.Duration) (nvr.Claim, error) {
	until := millis(s.now().Add(length))
	var done, progress, starts any // left as they are
	processing := 0
	switch to {
	case nvr.StepStage, nvr.StepMerge, nvr.StepUpload:
		processing = 1
	case nvr.StepLink:
		done, starts = 1, 0
	case nvr.StepDone:
		done, until, starts = 1, 0, 0
	case nvr.StepWithdrawn:
		done, until = 0, 0
	case nvr.StepFailed:
		return nvr.Claim{}, fmt.Errorf("advance record %d: step failed needs a reason", h.Record)
	}
	switch to { //nolint:exhaustive // the others leave progress alone
	case nvr.StepStage, nvr.StepMerge:
		progress = 0
	case nvr.StepUpload:
		progress, starts = 100, 0
	}
	args := append([]any{to, until, done, processing, progress, starts}, s.changeArgs(&change)...)
	if err := s.changeHeld(ctx, "advance", &h, updateAdvance, args...); err != nil {
		return nvr.Claim{}, err
	}
	return nvr.Claim{
		Record:       h.Record,
		Attempt:      h.Attempt,
		Continuation: h.Continuation + 1,
		Step:         to,
	}, nil
}

// Continue releases the record for the continuation that the caller sends. The work resumes at the same
// step.
func (s Leases) Continue(ctx context.Context, h nvr.Lease, length time.Duration) (nvr.Claim, error) {
	if err := s.changeHeld(ctx, "continue", &h, updateContinuation, millis(s.now().Add(length))); err != nil {
		return nvr.Claim{}, err
	}
	return nvr.Claim{
		Record:       h.Record,
		Attempt:      h.Attempt,
		Continuation: h.Continuation + 1,
		Step:         h.Step,
	}, nil
}

// CountStart counts a worker that begins after another one has died; see [nvr.Record].
func (s Leases) CountStart(ctx context.Context, h nvr.Lease) error {
	return s.changeHeld(ctx, "count the start of", &h, updateStart)
}

// Progressed notes that the worker has stored something that the next one finds. The count of starts
// begins again.
func (s Leases) Progressed(ctx context.Context, h nvr.Lease) error {
	return s.changeHeld(ctx, "note the progress of", &h, updateProgressed)
}

// changeHeld runs a statement that ends in [held]. It returns [fault.ErrStale] if the lease is lost.
func (d *database) changeHeld(ctx context.Context, what string, h *nvr.Lease, statement string, args ...any) error {
	rows, err := d.exec(ctx, statement, append(args, heldArgs(h)...)...)
	if err != nil {
		return fmt.Errorf("%s record %d: %w", what, h.Record, err)
	}
	if rows == 0 {
		return fmt.Errorf("%s record %d, attempt %d: %w", what, h.Record, h.Attempt, fault.ErrStale)
	}
	return nil
}

// heldArgs are the parameters of [held].
func heldArgs(h *nvr.Lease) []any {
	return []any{h.Record, h.Attempt, h.Holder, h.Step}
}
