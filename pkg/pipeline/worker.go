package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// worker is one delivery that holds one record.
type worker struct {
	*Pipeline
	hold nvr.Lease
	rec  nvr.Record
	room nvr.Room

	*budget // of the delivery; stage and upload only
}

// ErrHeld means that another worker holds the record at the moment. The message should come again.
var ErrHeld = store.ErrHeld

// run enters a claim, keeps its lease while do runs, and settles what came of it. nil means settled:
// done, given back, failed for good, or stale. An error means: bring the message again.
func (p *Pipeline) run(ctx context.Context, claim nvr.Claim, do func(context.Context, *worker) error) error {
	return p.runAs(ctx, claim, rand.Text(), do)
}

func (p *Pipeline) runAs(ctx context.Context, claim nvr.Claim, holder string, do func(context.Context, *worker) error) error {
	rec, hold, err := p.Store.Leases.Enter(ctx, claim, holder, p.lease(claim.Attempt))
	switch {
	case errors.Is(err, fault.ErrStale), errors.Is(err, store.ErrNotFound):
		p.Log.InfoContext(ctx, "stale: the record has gone on without this message", "reason", err)
		return nil
	case err != nil:
		return fmt.Errorf("enter record %d: %w", claim.Record, err)
	}
	ctx = observe.With(ctx, string(claim.Step), claim, rec.Room)
	p.Log.InfoContext(ctx, "entered")
	working, release := p.renewLease(ctx, hold)
	defer release()
	err = p.recoverPanic(working, &worker{Pipeline: p, hold: hold, rec: rec}, do)
	return p.settle(ctx, context.Cause(working), hold, err)
}

// recoverPanic runs do and turns a panic into an error: one record's trouble is not the process's. It is a mistake of
// ours, though it be tried again: Error Reporting is told, and its stack stands in no row.
func (p *Pipeline) recoverPanic(ctx context.Context, w *worker, do func(context.Context, *worker) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.Log.ErrorContext(ctx, "panic", observe.Stack(r))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if w.room, err = w.findRoom(ctx); err != nil {
		return err
	}
	return do(ctx, w)
}

// findRoom reads the record's room; an unknown room ends the record.
func (w *worker) findRoom(ctx context.Context) (nvr.Room, error) {
	room, err := w.Store.Rooms.Get(ctx, w.rec.Room)
	if errors.Is(err, store.ErrNotFound) {
		return nvr.Room{}, &fault.PermanentError{Cause: cause.UnknownRoom(w.rec.Room), Err: err}
	}
	return room, err
}

// longLease is what is long enough for a worker on a busy machine to renew its lease in time.
const longLease = 15 * time.Second

// lease returns how long a worker holds a record without renewing its lease. One that is shorter than
// longLease doubles with each attempt: what is taken for dead, again and again, is only slow, and
// taking it over each time would keep it from ever being done.
func (p *Pipeline) lease(attempt int64) time.Duration {
	lease := p.Settings.Lease
	for ; attempt > 1 && lease < longLease; attempt-- {
		lease = min(2*lease, longLease)
	}
	return lease
}

// renewLease renews the lease until release is called. A lease that was lost ends the context with
// [fault.ErrStale] as its cause; so does one that could not be renewed until it ran out.
func (p *Pipeline) renewLease(ctx context.Context, hold nvr.Lease) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	lease := p.lease(hold.Attempt)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(lease / 3)
		defer every.Stop()
		until := p.Now().Add(lease)
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			now := p.Now()
			err := p.Store.Leases.Renew(ctx, hold, lease)
			switch {
			case err == nil:
				until = now.Add(lease)
			case errors.Is(err, fault.ErrStale), now.After(until):
				cancel(fmt.Errorf("the lease is lost: %w", fault.ErrStale))
				return
			default:
				p.Log.WarnContext(ctx, "the lease could not be renewed; trying again", "err", err)
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// onwardFor bounds what a worker does after the record has moved on.
const onwardFor = 30 * time.Second

// detached is the context of what a worker does for the next step, once it has moved the record on. It
// holds the record no longer, and the next renewal, which finds that out, must not end it.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), onwardFor)
}

// sendOn sends the message of a record that the worker has moved on.
func (w *worker) sendOn(ctx context.Context, next nvr.Claim) error {
	ctx, stop := detached(ctx)
	defer stop()
	return w.send(ctx, next)
}

// settleFor bounds the last write of a worker, which happens also when its own time is up.
const settleFor = 10 * time.Second

// Settle is [Pipeline.Stage] and its like without their work, for work that only takes time: package
// simulate's. The worker that holds a record records its outcome.
func (p *Pipeline) Settle(ctx context.Context, hold nvr.Lease, err error) error {
	return p.settle(ctx, nil, hold, err)
}

// settle writes what came of the work: the one place where errors become states. See package fault.
func (p *Pipeline) settle(ctx context.Context, ended error, hold nvr.Lease, err error) error {
	if err == nil {
		return nil
	}
	log := p.Log
	if errors.Is(err, fault.ErrStale) || errors.Is(ended, fault.ErrStale) {
		log.InfoContext(ctx, "stale: a newer attempt or a person has taken over", "err", err)
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer stop()
	var later *fault.Deferral
	var permanent *fault.PermanentError
	switch {
	case errors.As(err, &later):
		log.InfoContext(ctx, "not yet", "until", later.Until, "why", later.Cause.String())
		err = p.Store.Leases.Postpone(ctx, hold, later.Until, later.Cause)
	case errors.As(err, &permanent):
		err = p.failed(ctx, hold.Claim, kindOf(err), permanent.Cause, err, func(ctx context.Context) error {
			undone := hold.Step
			if errors.Is(err, errVideoGone) {
				undone = nvr.StepUpload
			}
			return p.Store.Leases.FailFrom(ctx, hold, undone, permanent.Cause, err.Error())
		})
	default:
		err = p.giveBack(ctx, hold, err)
	}
	return ignoreStale(err)
}

// errFootage marks a permanent failure that lies in the footage: only the recorder could repair it.
var errFootage = errors.New("no usable footage")

// errVideoGone marks a final failure that lies in a person's hands: the upload has come undone.
var errVideoGone = errors.New("the video is no longer on Drive")

func kindOf(err error) observe.Failure {
	if errors.Is(err, errFootage) {
		return observe.FailedFootage
	}
	return observe.FailedRefused
}

// giveBack releases a record after a curable failure, due again after a growing pause. The last try's
// failure is the record's.
func (p *Pipeline) giveBack(ctx context.Context, hold nvr.Lease, failure error) error {
	last := false
	mark := func(ctx context.Context) (err error) {
		last, err = p.Store.Leases.Release(ctx, hold, store.Setback{
			Pause: p.pause,
			Why:   cause.WillRetry(string(hold.Step)),
			Last:  cause.KeptFailing(string(hold.Step)),
			Cause: failure.Error(),
		})
		return err
	}
	if err := mark(ctx); err != nil {
		return err
	}
	if !last {
		p.Log.WarnContext(
			ctx, "it did not work; it will be tried again",
			observe.Retry("step", string(hold.Step), 0), "err",
			failure,
		)
		return nil
	}
	return p.failed(ctx, hold.Claim, observe.FailedExhausted, cause.KeptFailing(string(hold.Step)), failure, func(context.Context) error {
		return nil
	})
}

// pause is how long a record waits after its nth curable failure.
func (p *Pipeline) pause(tries int64) time.Duration {
	pauses := p.Settings.RetryPauses
	return pauses[min(max(tries, 1), int64(len(pauses)))-1]
}

// failed marks a record failed and tells its requester. The mark comes first: if the process dies
// before the notice, claim finds that it is owed.
func (p *Pipeline) failed(ctx context.Context, c nvr.Claim, kind observe.Failure, reason cause.Cause, failure error, mark func(context.Context) error) error {
	if err := mark(ctx); err != nil {
		return err
	}
	attrs := []any{observe.Failed(kind, failure), "reason", p.Texts.For("en").Cause(reason)}
	if kind != observe.FailedFootage {
		attrs = append(attrs, observe.Reported())
	}
	p.Log.ErrorContext(ctx, "the record has failed", attrs...)
	rec, err := p.Store.Records.Get(ctx, c.Record)
	if err != nil {
		return err
	}
	if err := p.notifyFailed(ctx, rec); err != nil {
		p.Log.WarnContext(
			ctx, "the notice of the failure could not be sent; claim will try again",
			"err", err,
		)
	}
	return nil
}
