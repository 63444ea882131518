package pipeline

import (
	"context"
	"errors"
	"time"
)

// holdTime is how long a held video stays with its requester alone after it was delivered.
const holdTime = 48 * time.Hour

// holdBack notes when a held record is released by itself. A record that is not held needs no note.
func (w *worker) holdBack(ctx context.Context) error {
	if !w.rec.Held {
		return nil
	}
	at := w.p.Now().Add(holdTime)
	w.log.InfoContext(ctx, "held: neither attached nor announced", "until", at)
	return w.p.Store.Leases.ReleaseAt(ctx, w.hold, at)
}

// releaseHeld releases the held records whose time is over: they go back to link. A kill leaves the rest for the
// next claim.
func (p *Pipeline) releaseHeld(ctx context.Context) error {
	ids, err := p.Store.Queue.Releases(ctx, batchSize)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		p.Log.InfoContext(ctx, "released: its time on hold is over", "record", id)
		errs = append(errs, p.Store.Requests.Release(ctx, id))
	}
	return errors.Join(errs...)
}
