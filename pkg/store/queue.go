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
	selectFree = `select ` + recordColumns + ` from records where free_at <= ? order by free_at, id limit ?`

	// selectFair orders the due rows by their number within their room, counting the rows of the room that are
	// in work, then by age. A room with many requests therefore does not delay the others. A row older than the
	// backlog age comes after the other rows of its room, and as if its room had two more records before it.
	selectFair = `select ` + recordColumns + ` from records join (
 select id as due_id, case when free_at < ? then 1 else 0 end as old,
 row_number() over (partition by room_name order by case when free_at < ? then 1 else 0 end, free_at, id) as nth
 from records where free_at > 0 and free_at <= ?) due on due_id = id left join (
 select room_name as busy_room, count(*) as busy from records
 where held_until > 0 and step in ('stage', 'merge') and due_at = 0 group by room_name) at_work on busy_room = room_name
 order by nth + coalesce(busy, 0) + 2 * old, free_at, id limit ?`

	selectHeld = `select ` + recordColumns + ` from records where held_until < ?
 order by case due_at when 0 then 0 else 1 end, held_until, id limit ?`

	selectRunning = `select count(*) from records where held_until > 0 and step in ('stage', 'merge') and due_at = 0`

	// snapshot is true while all columns that decide about the row are as they were read.
	snapshot = ` where id = ? and attempt = ? and turn = ? and step = ? and holder = ? and lease_until = ? and due_at = ?
 and coalesce(done, 0) = ? and coalesce(processing, 0) = ?
 and coalesce(date, '') = ? and coalesce(start_time, '') = ? and coalesce(end_time, '') = ?`

	// A row that was scheduled before is requested again. MySQL assigns from left to right.
	updateDue = `update records set asked_at = case when asked_at > 0 and dated = '' then asked_at else ? end,
 due_at = ?, dated = ?` + snapshot

	updateTake = `update records set attempt = attempt + 1, turn = 0, holder = '', lease_until = ?, due_at = 0,
 step = ?, failed_step = '', tries = ?, done = coalesce(?, done), processing = ?, progress = ?, reason = ?, cause = ?,
 starts = case when ? = 1 then 0 when starts = 1 then 2 else starts end` + snapshot

	updateLease = `update records set lease_until = ?` + snapshot

	updateFailRead = `update records set step = 'failed', failed_step = ?, holder = '',
 lease_until = 0, due_at = 1, done = 0, processing = 0, reason = ?, cause = ?` + snapshot
)

// Queue finds the records that wait for a worker and claims them.
type Queue struct{ *database }

// DueUnscheduledFirst lists the free records that are due, at most limit. Records that are not scheduled
// (zero DueAt) come first. Schedule each with [Queue.SetDue], also into the past, and list again. The rest is
// in the order of the due times, oldest first.
func (s Queue) DueUnscheduledFirst(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectFree, s.nowMs(), limit)
	if err != nil {
		return nil, fmt.Errorf("list the free records: %w", err)
	}
	return records, nil
}

// DueFairly lists the free records that are due and scheduled, at most limit, in the order in which to claim
// them. Every room has its first record before any room has its second. Records that were due before old come
// later.
func (s Queue) DueFairly(ctx context.Context, old time.Time, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectFair, old.UnixMilli(), old.UnixMilli(), s.nowMs(), limit)
	if err != nil {
		return nil, fmt.Errorf("list the records to claim next: %w", err)
	}
	return records, nil
}

// Expired lists the records whose lease has expired, or whose pause after a failure is over, at most limit.
// Records without a pause come first, because a paused record may have to wait for a slot. The longest
// expired come first.
func (s Queue) Expired(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectHeld, s.nowMs(), limit)
	if err != nil {
		return nil, fmt.Errorf("list the records with expired leases: %w", err)
	}
	return records, nil
}

// CountRunning counts the records on the steps stage and merge, whatever their lease: a worker with an expired
// lease may still be running, or is about to be replaced. Paused records are not counted.
func (s Queue) CountRunning(ctx context.Context) (count int, err error) {
	err = s.row(ctx, func(row scanner) error { return row.Scan(&count) }, selectRunning)
	if err != nil {
		return 0, fmt.Errorf("count the running records: %w", err)
	}
	return count, nil
}

// Claimable reports whether a record that was read may be claimed when it is due. It has no holder and has not
// ended, or a person reset it.
func Claimable(r *nvr.Record) bool {
	return !r.Done && !r.Processing && (r.Step.Working() || r.Step == nvr.StepDone)
}

// SetDue schedules a free record for at. The time of the request is set too, unless it is already known. It
// returns [fault.ErrStale] if the record has changed since it was read.
func (s Queue) SetDue(ctx context.Context, r nvr.Record, at time.Time) error {
	return s.changeRead(ctx, "schedule", &r, updateDue, s.nowMs(), millis(at), dated(&r))
}

// Claim claims a record that was read. A record whose lease has expired continues at step. A free record
// always starts at step stage; if a person reset it, its tries are reset, too. The former worker becomes stale.
// It returns [fault.ErrStale] if the record has changed since it was read.
func (s Queue) Claim(ctx context.Context, r nvr.Record, step nvr.Step, lease time.Duration) (nvr.Claim, error) {
	return s.take(ctx, r, taking{step: step, lease: lease, tries: r.Tries})
}

// ClaimAgain is [Queue.Claim] for a record that is tried in another way after its workers have died. The
// count of starts begins again.
func (s Queue) ClaimAgain(ctx context.Context, r nvr.Record, step nvr.Step, lease time.Duration) (nvr.Claim, error) {
	return s.take(ctx, r, taking{step: step, lease: lease, tries: r.Tries, afresh: true})
}

// ClaimFailed is [Queue.Claim] after a worker that failed. It counts as a try. After [MaxTries] tries call
// [Queue.Fail] instead.
func (s Queue) ClaimFailed(ctx context.Context, r nvr.Record, step nvr.Step, lease time.Duration, why cause.Cause, detail string) (nvr.Claim, error) {
	return s.take(ctx, r, taking{
		step:   step,
		lease:  lease,
		tries:  r.Tries + 1,
		why:    why,
		detail: detail,
		afresh: true,
	})
}

// taking describes how a record is claimed.
type taking struct {
	step   nvr.Step
	lease  time.Duration
	tries  int64
	why    cause.Cause
	detail string
	afresh bool // the count of starts begins again
}

func (s Queue) take(ctx context.Context, r nvr.Record, t taking) (nvr.Claim, error) {
	args := s.takeArgs(&r, &t)
	if err := s.changeRead(ctx, "claim", &r, updateTake, args...); err != nil {
		return nvr.Claim{}, err
	}
	return nvr.Claim{Record: r.ID, Attempt: r.Attempt + 1, Step: t.step}, nil
}

// takeArgs returns the parameters of [updateTake] before the snapshot. It sets the step of a free record
// to stage.
func (s Queue) takeArgs(r *nvr.Record, t *taking) []any {
	var done any // left as it is
	progress, why, afresh := r.Progress, t.why, t.afresh
	if Claimable(r) {
		t.tries, t.step, afresh = triesOf(r), nvr.StepStage, true
		done, progress = 0, 0
	} else if why.IsZero() && r.Cause == "" && r.DueAt.IsZero() {
		why = r.Reason // a remark, neither a failure nor a wait, stays
	}
	if t.step == nvr.StepStage {
		progress = 0
	}
	return []any{
		millis(s.now().Add(t.lease)),
		t.step,
		t.tries,
		done,
		bit(t.step != nvr.StepLink),
		progress,
		s.formatReason(why),
		null(t.detail),
		bit(afresh),
	}
}

// triesOf returns the tries of a free record. A record that a person reset has none: it is on another step,
// had failed, or had a lease.
func triesOf(r *nvr.Record) int64 {
	if r.Step != nvr.StepStage || r.FailedStep != "" || !r.LeaseUntil.IsZero() {
		return 0
	}
	return r.Tries
}

// ExtendLease extends the lease of a record that was read, because its execution is still running. It returns
// [fault.ErrStale] if the record has changed since it was read.
func (s Queue) ExtendLease(ctx context.Context, r nvr.Record, lease time.Duration) error {
	return s.changeRead(ctx, "extend the lease of", &r, updateLease, millis(s.now().Add(lease)))
}

// Fail ends a record that was read, for a reason that no retry helps. It returns [fault.ErrStale] if the record
// has changed since it was read.
func (s Queue) Fail(ctx context.Context, r nvr.Record, why cause.Cause, detail string) error {
	at := r.Step
	if Claimable(&r) {
		at = nvr.StepStage
	}
	return s.changeRead(ctx, "fail", &r, updateFailRead, at, s.formatReason(why), null(detail))
}

// changeRead runs a statement that ends in [snapshot].
func (d *database) changeRead(ctx context.Context, what string, r *nvr.Record, statement string, args ...any) error {
	rows, err := d.exec(ctx, statement, append(args, snapshotArgs(r)...)...)
	if err != nil {
		return fmt.Errorf("%s record %d: %w", what, r.ID, err)
	}
	if rows == 0 {
		return fmt.Errorf(
			"%s record %d as of attempt %d: %w",
			what, r.ID, r.Attempt, fault.ErrStale,
		)
	}
	return nil
}

// snapshotArgs returns the parameters of [snapshot].
func snapshotArgs(r *nvr.Record) []any {
	return []any{r.ID, r.Attempt, r.Continuation, r.Step, r.Holder, millis(r.LeaseUntil), millis(r.DueAt),
		bit(r.Done), bit(r.Processing), r.Date, r.StartTime, r.EndTime}
}
