package pipeline

import (
	"context"
	"errors"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// Fail marks the record of a dead message failed. Before: a message could not be delivered, however
// often. After: the record is failed with a reason, unless it went on meanwhile or a worker holds
// it; then the lease decides. A kill leaves a failed record whose notice is owed.
func (p *Pipeline) Fail(ctx context.Context, claim nvr.Claim, failure string) error {
	reason := cause.KeptFailing(string(claim.Step))
	err := p.failed(ctx, claim, observe.FailedDead, reason, errors.New(failure), func(ctx context.Context) error {
		return p.Store.Queue.FailClaim(ctx, claim, reason, failure)
	})
	if errors.Is(err, fault.ErrStale) || errors.Is(err, store.ErrNotFound) {
		p.Log.InfoContext(
			ctx, "stale: the record has gone on without the dead message",
			"reason", err,
		)
		return nil
	}
	return err
}
