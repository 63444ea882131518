package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// The two halves of claim's work, by which its runs are noted once they have got to their end.
const (
	phaseSchedule = "look" // through what is new: Claim
	phaseFill     = "fill" // the places: Claim and Recover
)

// Standby does what claim has not got to the end of for a while, and only that half: whatever stopped it stops
// no lecture. Before and after are those of [Pipeline.Claim].
func (p *Pipeline) Standby(ctx context.Context) error {
	ctx = observe.With(ctx, "claim", nvr.Claim{}, "")
	looks, err := p.ranWithin(ctx, phaseSchedule, p.Settings.StandbyAfter)
	if err != nil {
		return err
	}
	fills, err := p.ranWithin(ctx, phaseFill, p.Settings.StandbyAfter/3)
	switch {
	case err != nil:
		return err
	case !fills:
		return p.claim(ctx, looks)
	case !looks:
		return p.schedule(ctx)
	}
	return nil
}

// ranWithin reports whether a half of claim's work was done within a while.
func (p *Pipeline) ranWithin(ctx context.Context, half string, within time.Duration) (bool, error) {
	last, err := p.Store.Runs.Last(ctx, half)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if p.Now().Sub(last) < within {
		return true, nil
	}
	p.Log.WarnContext(ctx, "claim is silent: standing in for it", "half", half, "since", last)
	return false, nil
}
