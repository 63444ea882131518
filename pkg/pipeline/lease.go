package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

const (
	// longLease is enough for a worker on a busy machine to renew its lease in time. Shorter leases occur
	// only under a time scale.
	longLease = 15 * time.Second

	// detachedTime bounds what a worker does after the record has moved on.
	detachedTime = 30 * time.Second

	// maxContinuations bounds how often a step continues in a further message. Each continuation has
	// stored something, so a record that reaches it would never end.
	maxContinuations = 200
)

// lease returns how long a worker may hold a record without renewing its lease. A lease shorter than
// longLease doubles with each attempt: a worker that is taken over again and again may only be slow,
// and would otherwise never finish.
func (p *Pipeline) lease(attempt int64) time.Duration {
	length := p.Settings.Lease
	for ; attempt > 1 && length < longLease; attempt-- {
		length = min(2*length, longLease)
	}
	return length
}

// renewLease renews the lease until release is called. The returned context ends with
// [fault.ErrStale] as its cause when the lease is lost, or expires because it could not be renewed.
func (p *Pipeline) renewLease(ctx context.Context, hold nvr.Lease) (working context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.keepRenewing(ctx, hold); err != nil {
			cancel(err)
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// keepRenewing renews the lease three times in its length until ctx ends. It returns [fault.ErrStale]
// if the lease is lost.
func (p *Pipeline) keepRenewing(ctx context.Context, hold nvr.Lease) error {
	length := p.lease(hold.Attempt)
	ticker := time.NewTicker(length / 3)
	defer ticker.Stop()
	until := p.Now().Add(length)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := p.Now()
		err := p.Store.Leases.Renew(ctx, hold, length)
		switch {
		case err == nil:
			until = now.Add(length)
		case errors.Is(err, fault.ErrStale), now.After(until):
			return fmt.Errorf("the lease is lost: %w", fault.ErrStale)
		default:
			p.Log.WarnContext(ctx, "the lease could not be renewed; trying again", "err", err)
		}
	}
}

// detached returns the context for what a worker does after it has moved the record on. The worker no
// longer holds the record, and the renewal that finds that out must not stop it.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), detachedTime)
}

// save writes a change to the record and keeps the lease.
func (w *worker) save(ctx context.Context, change store.Change) error {
	return w.p.Store.Leases.Save(ctx, w.hold, change)
}

// advance moves the record to its next step and releases it. The caller sends the returned claim.
func (w *worker) advance(ctx context.Context, to nvr.Step, change store.Change) (nvr.Claim, error) {
	return w.p.Store.Leases.Advance(ctx, w.hold, to, change, w.p.lease(w.rec.Attempt))
}

// advanceAndSend moves the record to its next step and sends the step's message. A kill between the
// two leaves a lease that expires; claim then sends the message again.
func (w *worker) advanceAndSend(ctx context.Context, to nvr.Step, change store.Change) error {
	next, err := w.advance(ctx, to, change)
	if err != nil {
		return err
	}
	return w.sendNext(ctx, next)
}

// end moves the record to a step that nothing follows.
func (w *worker) end(ctx context.Context, last nvr.Step, change store.Change) error {
	_, err := w.p.Store.Leases.Advance(ctx, w.hold, last, change, 0)
	return err
}

// continueLater releases the record and sends the message that continues the step.
func (w *worker) continueLater(ctx context.Context) error {
	if w.rec.Continuation >= maxContinuations {
		return fmt.Errorf("not done after %d messages", maxContinuations)
	}
	next, err := w.p.Store.Leases.Continue(ctx, w.hold, w.p.lease(w.rec.Attempt))
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "going on in a further message", "next_turn", next.Continuation)
	return w.sendNext(ctx, next)
}

// sendNext sends the message of a record that the worker has moved on.
func (w *worker) sendNext(ctx context.Context, next nvr.Claim) error {
	ctx, stop := detached(ctx)
	defer stop()
	return w.p.send(ctx, next)
}
