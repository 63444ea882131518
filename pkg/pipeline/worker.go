package pipeline

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// worker is one delivery of a claim. It holds one record while the body of a step runs.
type worker struct {
	p    *Pipeline
	log  *slog.Logger
	hold nvr.Lease
	rec  nvr.Record // as it was when the worker entered
	room nvr.Room

	// budget bounds the delivery. It is nil for a step that one delivery always completes.
	budget *budget

	skipped string    // the segment that the record is made without; see segmentID
	uncount sync.Once // the first progress of a suspect worker
}

// ErrHeld means that another worker holds the record at the moment. Pub/Sub should redeliver the message.
var ErrHeld = store.ErrHeld

// job is the work of a step on one claim.
type job struct {
	claim  nvr.Claim
	holder string // shared by the tasks of an execution; empty: a random one
	body   func(*worker, context.Context) error

	// continues reports whether the body saves its progress, so that a further message can continue
	// it when the time of the delivery is over.
	continues bool
}

// work enters the claim of a job, renews its lease while the body runs, and records the outcome. It
// returns nil if the outcome is recorded: done, released, failed, or stale. After an error the same
// message should be delivered again.
func (p *Pipeline) work(ctx context.Context, j job) error {
	claim, holder := j.claim, cmp.Or(j.holder, rand.Text())
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
	w := &worker{
		p:    p,
		log:  p.Log,
		hold: hold,
		rec:  rec,
	}
	err = w.do(working, j)
	return p.settle(ctx, context.Cause(working), hold, err)
}

// do runs the body of a job within the budget of one delivery. It converts a panic into an error, so
// that one record cannot crash the process. Error Reporting receives the stack; the row does not.
func (w *worker) do(ctx context.Context, j job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.log.ErrorContext(ctx, "panic", observe.Stack(r))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if w.room, err = w.findRoom(ctx); err != nil {
		return err
	}
	if j.holder == "" { // a task of an execution has its process for itself
		done, err := w.waitToRun(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	if !j.continues {
		return j.body(w, ctx)
	}
	settings := w.p.Settings
	budgeted, budget, stop := allow(ctx, settings.PushBudget, settings.PushTimeout)
	defer stop()
	w.budget = budget
	err = j.body(w, budgeted)
	spent := errors.Is(context.Cause(budgeted), errBudget) && ctx.Err() == nil
	if err != nil && spent {
		return w.continueLater(ctx)
	}
	return err
}

// findRoom reads the record's room. An unknown room fails the record.
func (w *worker) findRoom(ctx context.Context) (nvr.Room, error) {
	room, err := w.p.Store.Rooms.Get(ctx, w.rec.Room)
	if errors.Is(err, store.ErrNotFound) {
		return nvr.Room{}, &fault.PermanentError{Cause: cause.UnknownRoom(w.rec.Room), Err: err}
	}
	return room, err
}
