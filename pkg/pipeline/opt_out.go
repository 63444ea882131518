package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// errOptedOut means that an event asks for no recording during the whole record.
var errOptedOut = errors.New("an event asks for no recording")

// optedOut reports whether a room may not be recorded at all from start to end.
func (p *Pipeline) optedOut(ctx context.Context, room *nvr.Room, start, end time.Time) (bool, error) {
	parts, err := p.Store.OptOuts.Within(ctx, room, start, end)
	return nvr.Cover(parts, start, end), err
}

// withdrawOptedOut withdraws a record that no worker holds. One that ended meanwhile stays as it is.
func (p *Pipeline) withdrawOptedOut(ctx context.Context, rec nvr.Record) error {
	p.Log.InfoContext(ctx, "withdrawn: an event asks for no recording")
	err := p.Store.Requests.Withdraw(ctx, rec.ID, cause.OptedOut(rec.Room))
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// withheld returns what of the worker's record must not be shown, in order. An error is [errOptedOut] if that is
// all of it.
func (w *worker) withheld(ctx context.Context) ([]nvr.Interval, error) {
	start, end, err := w.rec.Window(w.room.Zone)
	if err != nil {
		return nil, fmt.Errorf("read the times of record %d: %w", w.rec.ID, err)
	}
	parts, err := w.p.Store.OptOuts.Within(ctx, &w.room, start, end)
	if err == nil && nvr.Cover(parts, start, end) {
		err = errOptedOut
	}
	return parts, err
}

// endOptedOut ends the record as withdrawn, because an event asks for no recording.
func (w *worker) endOptedOut(ctx context.Context) error {
	w.log.InfoContext(ctx, "withdrawn: an event asks for no recording")
	reason := cause.OptedOut(w.rec.Room)
	return w.end(ctx, nvr.StepWithdrawn, store.Change{Reason: &reason})
}
