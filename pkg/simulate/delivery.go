package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// push delivers a message to an instance with a free slot. If there is none, it delivers the message again
// as the subscription is configured, and at last to topic fail.
func (w *deployment) push(m message, pushes int) error {
	if offset := w.at.Sub(w.begin); w.s.Region.during(offset) {
		w.after(w.s.Region.To-offset+w.between(0, w.s.Limits.BackoffHi), func() error {
			return w.push(m, pushes)
		})
		return nil
	}
	s := w.services[m.topic]
	if s.busy < s.places() {
		return w.enter(m, s, pushes)
	}
	return w.again(m, pushes+1, w.s.Limits.PushWait)
}

// again plans the next delivery of a message, as Pub/Sub does after a NACK.
func (w *deployment) again(m message, pushes int, waited time.Duration) error {
	l := w.s.Limits
	if pushes >= l.Pushes {
		w.spent.dead++
		return w.p.Fail(w.ctx, m.claim, "no instance took the message")
	}
	backoff := l.BackoffHi
	if pushes < 7 {
		backoff = min(l.BackoffLo<<(pushes-1), l.BackoffHi)
	}
	w.after(waited+w.between(backoff/2, backoff), func() error { return w.push(m, pushes) })
	return nil
}

// outcome is the result of a delivery: it takes some time, then the record advances, or err is recorded.
type outcome struct {
	takes time.Duration
	err   error
	then  func(nvr.Lease) error
}

// enter starts the work of a message. The lease covers the work and one lease more. A real worker renews its
// lease to the same effect, with more writes.
func (w *deployment) enter(m message, s *service, pushes int) error {
	l := w.lectures[m.claim.Record]
	o := w.step(m.claim, l)
	_, hold, err := w.p.Store.Leases.Enter(
		w.ctx,
		m.claim,
		fmt.Sprintf("h%d", w.number),
		w.p.Settings.Lease+o.takes,
	)
	switch {
	case errors.Is(err, fault.ErrStale):
		w.spent.stale++
		return nil
	case errors.Is(err, store.ErrHeld):
		return w.again(m, pushes+1, 0)
	case err != nil:
		return err
	}
	s.busy++
	w.spent.deliveries++
	w.spent.service(s.pool, o.takes, w.costs)
	work := &work{service: s, hold: hold}
	w.begun(work, o.takes, func() error {
		s.busy--
		if o.err != nil {
			return w.p.Settle(w.ctx, hold, o.err)
		}
		return o.then(hold)
	})
	return nil
}

// begun plans the end of a work, which does not happen if the region fails before.
func (w *deployment) begun(x *work, takes time.Duration, end func() error) {
	epoch := w.epoch
	w.works = append(w.works, x)
	w.after(takes, func() error {
		if w.epoch != epoch {
			return nil
		}
		w.forget(x)
		return end()
	})
}

// forget removes a work that has ended. The order of the others changes.
func (w *deployment) forget(x *work) {
	for i, other := range w.works {
		if other == x {
			w.works[i] = w.works[len(w.works)-1]
			w.works = w.works[:len(w.works)-1]
			return
		}
	}
}

// lose ends the region: all work stops, with two thirds of its lease left.
func (w *deployment) lose() error {
	w.epoch++
	for _, x := range w.works {
		if err := w.p.Store.Leases.Renew(w.ctx, x.hold, w.p.Settings.Lease*2/3); err != nil && !errors.Is(err, fault.ErrStale) {
			return err
		}
		if x.job != nil {
			x.job.execution.completed, x.job.execution.failed = w.at, true
		}
	}
	w.works = nil
	for _, s := range w.services {
		s.busy = 0
	}
	w.tasks = tasks{}
	return nil
}

// step returns the outcome of the delivery of a claim.
func (w *deployment) step(c nvr.Claim, l *lecture) outcome {
	switch c.Step { // nothing else is sent
	case nvr.StepStage:
		return w.stage(l)
	case nvr.StepUpload:
		return w.upload(l)
	default:
		return w.link(l)
	}
}
