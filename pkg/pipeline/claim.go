package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// backlogAge is the age after which a due record yields to newer ones. A record that has waited this long is
// late in any case, and would make today's lectures late, too (docs/simulation.md, claim).
const backlogAge = 12 * time.Hour

// batchSize is how many rows claim lists at a time.
const batchSize = 500

// Claim takes over records whose lease has expired, schedules new records, then claims free records that are
// due, fairly among the lecture rooms, until MAX_MERGES are at work.
//
// Before: a row waits, or its lease has expired. After: the row names a new attempt, and its message is sent.
// A kill between the two leaves a lease that expires.
func (p *Pipeline) Claim(ctx context.Context) error {
	return p.runClaim(ctx, false, phaseSchedule, phaseFill)
}

// Recover is the part of [Pipeline.Claim] that runs more often: expired leases, records that were given back,
// and slots that have become free since, which it fills with records that a claim has scheduled. A merge slot
// that waited for the next claim would stay empty most of the time (docs/simulation.md).
func (p *Pipeline) Recover(ctx context.Context) error {
	return p.runClaim(ctx, true, phaseFill)
}

// runClaim claims, and notes which phases of the work are done: see [Pipeline.Standby].
func (p *Pipeline) runClaim(ctx context.Context, skipNew bool, halves ...string) error {
	ctx = observe.With(ctx, "claim", nvr.Claim{}, "")
	if err := p.claim(ctx, skipNew); err != nil {
		return err
	}
	return p.Store.Runs.Mark(ctx, halves...)
}

// claim runs one at a time in a process, so that each run sees the slots that the previous one took. The database
// keeps the limit among processes. With skipNew it leaves new rows alone.
func (p *Pipeline) claim(ctx context.Context, skipNew bool) error {
	p.claiming.Lock()
	defer p.claiming.Unlock()
	running, err := p.Store.Queue.CountRunning(ctx)
	if err != nil {
		return fmt.Errorf("count the running merges: %w", err)
	}
	mergeSlots := p.Settings.MaxMerges - running
	err = p.recoverExpired(ctx, &mergeSlots)
	if !skipNew {
		err = errors.Join(err, p.schedule(ctx))
	}
	return errors.Join(err, p.releaseHeld(ctx), p.tellOptOuts(ctx), p.claimDue(ctx, mergeSlots, skipNew))
}

// claimDue claims free records that are due and scheduled, at most as many as there are free slots.
func (p *Pipeline) claimDue(ctx context.Context, mergeSlots int, skipNew bool) error {
	taken := 0
	if mergeSlots > 0 {
		next, err := p.Store.Queue.DueFairly(ctx, p.Now().Add(-backlogAge), mergeSlots)
		if err != nil {
			return err
		}
		if taken, err = p.claimBatch(ctx, next); err != nil {
			return err
		}
	}
	p.Log.InfoContext(ctx, "claimed", "taken", taken, "places", mergeSlots, "again", skipNew)
	return p.logQueue(ctx)
}

// claimBatch claims records and sends their messages. Records that another claim took first are skipped. If a
// message cannot be sent, its lease expires and claim sends it again.
func (p *Pipeline) claimBatch(ctx context.Context, records []nvr.Record) (int, error) {
	claims, err := p.Store.Queue.ClaimAll(ctx, p.Settings.MaxMerges, records, p.lease)
	if err != nil {
		return 0, err
	}
	rooms := map[int64]string{}
	for _, rec := range records {
		rooms[rec.ID] = rec.Room
	}
	var errs []error
	for _, claim := range claims {
		errs = append(errs, p.publishFirst(observe.With(ctx, "claim", claim, rooms[claim.Record]), claim, func(ctx context.Context) {
			p.Log.InfoContext(ctx, "taken")
		}))
	}
	return len(claims), errors.Join(errs...)
}

// publishFirst sends the first message of an attempt, within the trace of its record. say logs why.
func (p *Pipeline) publishFirst(ctx context.Context, claim nvr.Claim, say func(context.Context)) error {
	ctx, span := observe.Root(ctx, "claim")
	say(ctx)
	err := p.send(ctx, claim)
	observe.End(span, err)
	return err
}

// schedule gives every new or changed row the time at which it is due. A row with invalid times or an unknown
// room fails.
func (p *Pipeline) schedule(ctx context.Context) error {
	for {
		free, err := p.Store.Queue.DueUnscheduledFirst(ctx, batchSize)
		if err != nil {
			return fmt.Errorf("list the free records: %w", err)
		}
		dated := 0
		for _, rec := range free {
			if !rec.DueAt.IsZero() {
				continue
			}
			dated++
			if err := p.scheduleOne(observe.With(ctx, "claim", rec.Claim(), rec.Room), rec); err != nil {
				return err
			}
		}
		if dated == 0 {
			return nil
		}
	}
}

func (p *Pipeline) scheduleOne(ctx context.Context, rec nvr.Record) error {
	due, err := p.due(ctx, rec)
	if errors.Is(err, errOptedOut) {
		return ignoreStale(p.withdrawOptedOut(ctx, rec))
	}
	if fault.KindOf(err) == fault.Permanent {
		reason := fault.CauseOf(err)
		return ignoreStale(p.failed(ctx, rec.Claim(), observe.FailedRefused, reason, err, func(ctx context.Context) error {
			return p.Store.Queue.Fail(ctx, rec, reason, err.Error())
		}))
	}
	if err != nil {
		return err
	}
	return ignoreStale(p.Store.Queue.SetDue(ctx, rec, due))
}

// due returns when the last segment of a record ends. It returns [errOptedOut] for a record that lies wholly
// in opted-out time, and a [fault.PermanentError] for invalid times or an unknown room.
func (p *Pipeline) due(ctx context.Context, rec nvr.Record) (time.Time, error) {
	room, err := p.Store.Rooms.Get(ctx, rec.Room)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, &fault.PermanentError{Cause: cause.UnknownRoom(rec.Room), Err: err}
	}
	if err != nil {
		return time.Time{}, err
	}
	start, end, err := rec.Window(room.Zone)
	if err == nil && !end.After(start) {
		err = errors.New("the end is not after the start")
	}
	if err != nil {
		return time.Time{}, &fault.PermanentError{
			Cause: cause.BadTimes(rec.Date, rec.StartTime, rec.EndTime),
			Err:   err,
		}
	}
	covered, err := p.optedOut(ctx, &room, start, end)
	if err != nil {
		return time.Time{}, err
	}
	if covered {
		return time.Time{}, errOptedOut
	}
	return lastSegmentEnd(end, room), nil
}

// lastSegmentEnd returns when the segment that holds the last frame before end ends.
func lastSegmentEnd(end time.Time, room nvr.Room) time.Time {
	slot := segmentSlot(end.Add(-time.Nanosecond), room)
	return slot.Add(room.SegmentLength)
}

// segmentSlot returns the start of the segment that holds an instant. Segments begin at multiples of their
// length, by the room's wall clock.
func segmentSlot(at time.Time, room nvr.Room) time.Time {
	at = at.In(room.Zone)
	sinceMidnight := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute +
		time.Duration(at.Second())*time.Second + time.Duration(at.Nanosecond())
	return at.Add(-(sinceMidnight % room.SegmentLength))
}

// recoverExpired starts a new attempt at the same step for every expired lease, and sends the notices that
// are owed. A merge that continues after a pause needs a free slot, as a new one does.
func (p *Pipeline) recoverExpired(ctx context.Context, mergeSlots *int) error {
	var errs []error
	for more := true; more; {
		expired, err := p.Store.Queue.Expired(ctx, batchSize)
		if err != nil {
			return fmt.Errorf("list the expired leases: %w", err)
		}
		sent, listed := 0, &executionIndex{p: p, since: oldestLaunch(expired)}
		for _, rec := range expired {
			if needsSlot(&rec) {
				if *mergeSlots <= 0 {
					continue
				}
				*mergeSlots--
			}
			if err := p.reclaim(observe.With(ctx, "claim", rec.Claim(), rec.Room), rec, listed); err != nil {
				errs = append(errs, fmt.Errorf("take over record %d: %w", rec.ID, err))
				continue
			}
			sent++
		}
		more = len(expired) == batchSize && sent > 0 && len(errs) == 0
	}
	owed, err := p.Store.Notices.Owed(ctx, batchSize)
	if err != nil {
		errs = append(errs, fmt.Errorf("list the notices that are owed: %w", err))
	}
	for _, rec := range owed {
		if err := p.notifyFailed(ctx, rec); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (p *Pipeline) reclaim(ctx context.Context, rec nvr.Record, listed *executionIndex) error {
	step := rec.Step
	if step == nvr.StepMerge {
		step = nvr.StepStage
		execution, err := listed.execution(ctx, rec)
		switch {
		case err != nil:
			return err
		case execution != nil && !execution.Ended():
			return ignoreStale(p.Store.Queue.ExtendLease(ctx, rec, p.lease(rec.Attempt)))
		case execution != nil && !execution.OK():
			return p.jobFailed(ctx, rec, execution)
		}
	}
	if rec.DueAt.IsZero() && rec.Starts > maxDeaths {
		return p.afterDeaths(ctx, rec)
	}
	claim, err := p.claimExpired(ctx, rec, step)
	if err != nil {
		return ignoreStale(err)
	}
	return p.publishFirst(observe.With(ctx, "claim", claim, rec.Room), claim, func(ctx context.Context) {
		if rec.DueAt.IsZero() {
			p.Log.WarnContext(ctx, "taken over: its lease had run out", observe.Takeover(rec.Step))
			return
		}
		p.Log.InfoContext(ctx, "going on: its pause is over")
	})
}

// needsSlot reports whether a record that is claimed again begins to run: its pause is over.
func needsSlot(rec *nvr.Record) bool {
	return !rec.DueAt.IsZero() && (rec.Step == nvr.StepStage || rec.Step == nvr.StepMerge)
}

func (p *Pipeline) claimExpired(ctx context.Context, rec nvr.Record, step nvr.Step) (nvr.Claim, error) {
	lease := p.lease(rec.Attempt + 1)
	if needsSlot(&rec) {
		return p.Store.Queue.ClaimPaused(ctx, p.Settings.MaxMerges, rec, step, lease)
	}
	return p.Store.Queue.Claim(ctx, rec, step, lease)
}

// LaunchKey names the one launch of the job that a record on step merge waits for.
func LaunchKey(c nvr.Claim) string {
	return fmt.Sprintf("record-%d-attempt-%d-turn-%d", c.Record, c.Attempt, c.Continuation)
}

// longestExecution is more than the time from the launch of an execution to the last renewal of its lease: four
// tries of a task, of two hours each, after a wait for slots.
const longestExecution = 12 * time.Hour

// oldestLaunch returns an instant before the launch of every execution that holds one of the records. It is zero
// if a record on step merge does not say until when it is held.
func oldestLaunch(held []nvr.Record) time.Time {
	var oldest time.Time
	for i := range held {
		r := &held[i]
		if r.Step != nvr.StepMerge {
			continue
		}
		if r.LeaseUntil.IsZero() {
			return time.Time{}
		}
		if launch := r.LeaseUntil.Add(-longestExecution); oldest.IsZero() || launch.Before(oldest) {
			oldest = launch
		}
	}
	return oldest
}

// executionIndex holds the executions of the job, listed once for all records of one claim.
type executionIndex struct {
	p     *Pipeline
	since time.Time                       // older ones are not looked at; zero: all are
	byKey map[string][]dispatch.Execution // newest first; nil until they are listed
}

// executions returns the executions with a launch key. The first call lists all of them: a job remembers
// those of the last seven days, which can be more than 20,000.
func (l *executionIndex) executions(ctx context.Context, key string) ([]dispatch.Execution, error) {
	if l.byKey == nil {
		all, err := l.p.Jobs.List(ctx, l.p.Settings.MergeJob, l.since)
		if err != nil {
			return nil, err
		}
		l.byKey = map[string][]dispatch.Execution{}
		for _, execution := range all {
			launch := execution.Env[dispatch.KeyEnv]
			l.byKey[launch] = append(l.byKey[launch], execution)
		}
	}
	return l.byKey[key], nil
}

// execution returns the execution that was started for the record: a running one before one that has ended.
// It returns nil if none was started.
func (l *executionIndex) execution(ctx context.Context, rec nvr.Record) (*dispatch.Execution, error) {
	found, err := l.executions(ctx, LaunchKey(rec.Claim()))
	if err != nil {
		return nil, fmt.Errorf("look for the execution of record %d: %w", rec.ID, err)
	}
	for i := range found {
		if !found[i].Ended() {
			return &found[i], nil
		}
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // absent is an answer
	}
	whole, err := l.p.Jobs.Execution(ctx, found[0].Name)
	if err != nil {
		return nil, fmt.Errorf("ask what became of %s: %w", found[0].Name, err)
	}
	return &whole, nil
}

// jobFailed counts the failure of a job as a retryable failure of the record, and starts a new attempt.
func (p *Pipeline) jobFailed(ctx context.Context, rec nvr.Record, execution *dispatch.Execution) error {
	reason, failure := execution.Reason(), errors.New(execution.Detail())
	if rec.Tries+1 >= store.MaxTries {
		return ignoreStale(p.failed(ctx, rec.Claim(), observe.FailedExhausted, reason, failure, func(ctx context.Context) error {
			return p.Store.Queue.Fail(ctx, rec, reason, failure.Error())
		}))
	}
	claim, err := p.Store.Queue.ClaimFailed(
		ctx,
		rec,
		nvr.StepStage,
		p.lease(rec.Attempt+1),
		reason,
		failure.Error(),
	)
	if err != nil {
		return ignoreStale(err)
	}
	return p.publishFirst(observe.With(ctx, "claim", claim, rec.Room), claim, func(ctx context.Context) {
		p.Log.WarnContext(
			ctx, "the job has failed: beginning again",
			observe.Retry("step", "merge", p.lease(claim.Attempt)), "err",
			failure,
		)
	})
}
