package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// outcomeTime bounds the last write of a worker. The worker writes even when its own time is over.
const outcomeTime = 10 * time.Second

var (
	// errFootage marks a permanent failure of the footage, which only the recorder could repair.
	errFootage = errors.New("no usable footage")

	// errVideoGone marks a permanent failure that a person caused: the uploaded video was removed.
	errVideoGone = errors.New("the video is no longer on Drive")
)

// Settle records the outcome of a worker. Package simulate calls it for work that only takes time.
func (p *Pipeline) Settle(ctx context.Context, hold nvr.Lease, err error) error {
	return p.settle(ctx, nil, hold, err)
}

// settle records the outcome of a worker in the record's row. It is the one place where errors become
// states; see package fault. ended is why the context of the worker ended, if it did.
func (p *Pipeline) settle(ctx context.Context, ended error, hold nvr.Lease, failure error) error {
	if failure == nil {
		return nil
	}
	kind := fault.KindOf(failure)
	if errors.Is(ended, fault.ErrStale) {
		kind = fault.Stale
	}
	if kind == fault.Stale {
		p.Log.InfoContext(ctx, "stale: a newer attempt or a person has taken over", "err", failure)
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), outcomeTime)
	defer stop()
	reason := fault.CauseOf(failure)
	var err error
	switch kind {
	case fault.Deferred:
		until := fault.DueOf(failure)
		p.Log.InfoContext(ctx, "not yet", "until", until, "why", reason.String())
		err = p.Store.Leases.Postpone(ctx, hold, until, reason)
	case fault.Permanent:
		err = p.failed(ctx, hold.Claim, failureKind(failure), reason, failure, func(ctx context.Context) error {
			return p.Store.Leases.FailFrom(ctx, hold, undoneStep(hold, failure), reason, failure.Error())
		})
	default:
		err = p.giveBack(ctx, hold, failure)
	}
	return ignoreStale(err)
}

// failureKind returns how alerts count a permanent failure.
func failureKind(err error) observe.Failure {
	if errors.Is(err, errFootage) {
		return observe.FailedFootage
	}
	return observe.FailedRefused
}

// undoneStep returns the step at which a person's retry begins.
func undoneStep(hold nvr.Lease, failure error) nvr.Step {
	if errors.Is(failure, errVideoGone) {
		return nvr.StepUpload
	}
	return hold.Step
}

// giveBack releases a record after a retryable failure. The record is due again after a pause that
// grows with each try. After the last try the record fails.
func (p *Pipeline) giveBack(ctx context.Context, hold nvr.Lease, failure error) error {
	step := string(hold.Step)
	last, err := p.Store.Leases.Release(ctx, hold, store.Setback{
		Pause: p.pause,
		Why:   cause.WillRetry(step),
		Last:  cause.KeptFailing(step),
		Cause: failure.Error(),
	})
	if err != nil {
		return err
	}
	if !last {
		p.Log.WarnContext(
			ctx, "it did not work; it will be tried again",
			observe.Retry("step", step, 0),
			"err", failure,
		)
		return nil
	}
	marked := func(context.Context) error { return nil } // by Release
	return p.failed(ctx, hold.Claim, observe.FailedExhausted, cause.KeptFailing(step), failure, marked)
}

// pause returns how long a record waits after a number of retryable failures.
func (p *Pipeline) pause(tries int64) time.Duration {
	pauses := p.Settings.RetryPauses
	last := int64(len(pauses))
	return pauses[min(max(tries, 1), last)-1]
}

// failed marks a record failed and notifies its requester. The mark comes first: if the process dies
// before the notice, claim finds that the notice is owed.
func (p *Pipeline) failed(
	ctx context.Context,
	c nvr.Claim,
	kind observe.Failure,
	reason cause.Cause,
	failure error,
	mark func(context.Context) error,
) error {
	if err := mark(ctx); err != nil {
		return err
	}
	attrs := []any{observe.Failed(kind, failure), "reason", p.Texts.For("en").Cause(reason)}
	if kind != observe.FailedFootage {
		attrs = append(attrs, observe.Reported())
	}
	p.Log.ErrorContext(ctx, "the record has failed", attrs...)
	if p.Settings.DeferNotices {
		return nil // claim finds that the notice is owed
	}
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

// ignoreStale drops the error of a row that another worker has moved on meanwhile.
func ignoreStale(err error) error {
	if errors.Is(err, fault.ErrStale) {
		return nil
	}
	return err
}
