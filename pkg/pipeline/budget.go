package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errBudget means that the time of a delivery is used up.
var errBudget = errors.New("the time of this delivery is used up")

// budget is the time of one delivery; after it, a further message continues the step. It ends the work only
// after progress was saved, so that every delivery gets further, however short the time.
type budget struct {
	end context.CancelCauseFunc

	mu            sync.Mutex
	spent, gained bool
}

// allow returns a context that ends with errBudget: after soft if progress was saved, after hard in any case.
func allow(ctx context.Context, soft, hard time.Duration) (context.Context, *budget, func()) {
	ctx, stop := context.WithTimeoutCause(ctx, hard, errBudget)
	ctx, end := context.WithCancelCause(ctx)
	b := &budget{end: end}
	timer := time.AfterFunc(soft, func() { b.mark(&b.spent) })
	return ctx, b, func() {
		timer.Stop()
		end(nil)
		stop()
	}
}

// progress notes that progress was saved. It ends the delivery if its soft time is over.
func (b *budget) progress() {
	b.mark(&b.gained)
}

func (b *budget) mark(what *bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*what = true
	if b.spent && b.gained {
		b.end(errBudget)
	}
}
