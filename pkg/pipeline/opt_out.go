package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
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
	err := p.Store.Requests.WithdrawRead(ctx, rec, cause.OptedOut(rec.Room))
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// withheld returns what of the worker's record must not be shown, in order. It returns [errOptedOut] if that
// is all of it.
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

// planMatchesOptOuts reports whether a plan withholds exactly what must be withheld now. Otherwise it moves
// the record on: back to stage for another plan, or to its end.
func (w *worker) planMatchesOptOuts(ctx context.Context, plan *merge.Plan) (bool, error) {
	withheld, err := w.withheld(ctx)
	if errors.Is(err, errOptedOut) {
		return false, w.endOptedOut(ctx)
	}
	if err != nil || withholds(plan, withheld) {
		return err == nil, err
	}
	w.log.InfoContext(ctx, "an event asks for no recording, or no longer: making a new plan")
	return false, w.backToStage(ctx)
}

// withholds reports whether a plan withholds these intervals and nothing else.
func withholds(plan *merge.Plan, withheld []nvr.Interval) bool {
	return plan.Withholds(merge.Request{
		Start:    plan.Start,
		End:      plan.End,
		Rate:     plan.Encoding.Rate,
		Withheld: withheld,
	})
}

// errShown means that the merge holds something that must be withheld now.
var errShown = errors.New("the video shows what must be withheld")

// withheldByMerge is [worker.withheld] for a record that is merged. It returns [errShown] if the merge does not
// withhold exactly that, or if its plan is gone.
func (w *worker) withheldByMerge(ctx context.Context) ([]nvr.Interval, error) {
	withheld, err := w.withheld(ctx)
	if err != nil || len(withheld) == 0 {
		return nil, err
	}
	plan, err := w.ownPlan(ctx)
	if errors.Is(err, bucket.ErrNotFound) || err == nil && !withholds(plan, withheld) {
		return nil, errShown
	}
	return withheld, err
}

// mayShare reports whether the merge that is being uploaded holds nothing that must be withheld now. Otherwise the
// file on Drive is thrown away, and the record is planned again, or ends. A kill in between leaves a file in the
// trash, in whose place the next upload makes another one.
func (w *worker) mayShare(ctx context.Context) (bool, error) {
	withheld, err := w.withheldByMerge(ctx)
	ended := errors.Is(err, errOptedOut)
	switch {
	case err == nil && len(withheld) == 0:
		return true, nil
	case err == nil:
		return true, w.noteWithheld(ctx, withheld)
	case !ended && !errors.Is(err, errShown):
		return false, err
	}
	if err := w.throwAway(ctx); err != nil {
		return false, err
	}
	if ended {
		return false, w.endOptedOut(ctx)
	}
	w.log.InfoContext(ctx, "an event asks for no recording: making a new plan")
	return false, w.backToStage(ctx)
}

// throwAway moves the record's file on Drive and its report to the trash.
func (w *worker) throwAway(ctx context.Context) error {
	if w.rec.FileID == "" {
		return nil
	}
	if err := w.p.Workspace.Trash(ctx, w.rec.FileID); err != nil && !errors.Is(err, workspace.ErrNotFound) {
		return fmt.Errorf("trash the video of a withdrawn record: %w", err)
	}
	if err := w.dropPage(ctx); err != nil {
		return fmt.Errorf("trash the report of a withdrawn record: %w", err)
	}
	return nil
}

// findOptOuts stores the opt-outs of the record's time that the room's calendar shows now and the last sweep did
// not see yet. A calendar that cannot be read does not delay the video; an alert on the sweep reports it.
func (w *worker) findOptOuts(ctx context.Context) error {
	start, end, err := w.rec.Window(w.room.Zone)
	if err != nil || w.room.Calendar == "" {
		return err
	}
	for event, err := range w.p.Workspace.Events(ctx, w.room.Calendar, start, end) {
		if err != nil {
			w.log.WarnContext(ctx, "the calendar could not be read again before the share", "err", err)
			return ctx.Err()
		}
		out, ok := optOutOf(&event, &w.room, w.p.Settings.Domains)
		if !ok {
			continue
		}
		stored, err := w.p.Store.OptOuts.Within(ctx, &w.room, out.Start, out.End)
		if err == nil && !nvr.Cover(stored, out.Start, out.End) {
			err = w.p.Store.OptOuts.Save(ctx, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
