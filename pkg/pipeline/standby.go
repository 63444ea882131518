package pipeline

import (
	"context"
	"errors"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// claimRun is the name under which [Pipeline.Claim] notes that it got to its end.
const claimRun = "claim"

// StandBy does what [Pipeline.Claim] does once that has not got to its end for a while: whatever stopped it
// stops nobody's lecture. Before and after are the same, and the two do each other no harm.
func (p *Pipeline) StandBy(ctx context.Context) error {
	ctx = observe.With(ctx, "claim", nvr.Claim{}, "")
	last, err := p.Store.LastRun(ctx, claimRun)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if p.Now().Sub(last) < p.Settings.Silence {
		return nil
	}
	p.Log.WarnContext(ctx, "claim is silent: standing in for it", "since", last)
	return p.claim(ctx, false)
}
