package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errBudget says that the time of a delivery is used up.
var errBudget = errors.New("the time of this delivery is used up")

// budget is the time that one delivery may work before a further message goes on. It ends the work
// only after something was gained that the next turn finds: however short the time, every turn gets
// on.
type budget struct {
	end context.CancelCauseFunc

	mu            sync.Mutex
	spent, gained bool
}

// allow gives a delivery its time: soft, when something is gained; hard, whatever is under way.
func allow(ctx context.Context, soft, hard time.Duration) (context.Context, *budget, func()) {
	ctx, stop := context.WithTimeoutCause(ctx, hard, errBudget)
	ctx, end := context.WithCancelCause(ctx)
	a := &budget{end: end}
	timer := time.AfterFunc(soft, func() { a.mark(&a.spent) })
	return ctx, a, func() {
		timer.Stop()
		end(nil)
		stop()
	}
}

// progress notes that something is kept now.
func (a *budget) progress() {
	a.mark(&a.gained)
}

func (a *budget) mark(what *bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*what = true
	if a.spent && a.gained {
		a.end(errBudget)
	}
}
