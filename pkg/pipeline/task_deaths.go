package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/merge"
)

// This file holds what happens to a record whose merge tasks die. Cloud Run starts such a task again, and a
// failed execution is followed by another one. A task that may follow a dead one first decodes the segments
// of its slice one at a time, and notes which one it is reading. After maxDeaths deaths at the same slice the
// record is planned once without that segment; then it fails.

// deadlySegmentError reports a segment on which the tasks of a slice died.
type deadlySegmentError struct {
	segment string // see segmentID
	deaths  int
}

// Error implements error.
func (e *deadlySegmentError) Error() string {
	return fmt.Sprintf("%d tasks in a row died while they read segment %s", e.deaths, e.segment)
}

// renderSlice makes the part of a task unless it is there. It returns a [deadlySegmentError] if the tasks
// before this one died on a segment.
func (w *worker) renderSlice(ctx context.Context, plan *merge.Plan, t Task) error {
	if t.Retry == 0 && w.rec.Tries == 0 && !w.suspect() {
		return w.renderPart(ctx, plan, t.Index)
	}
	slice := plan.SliceDigest(t.Index)
	parts := &bucketParts{w: w, index: t.Index}
	there, err := parts.Has(ctx, slice, plan.Slices[t.Index].Frames())
	if err != nil || there {
		return err
	}
	if err := w.countDeaths(ctx, slice, t); err != nil {
		return err
	}
	w.readAlone(ctx, plan, t.Index)
	err = w.renderPart(ctx, plan, t.Index)
	if ctx.Err() != nil {
		return err // it counts as dead, because the next task may end in the same way
	}
	if failed := w.recordEffect(ctx, effectDeaths, slice, ""); failed != nil {
		w.log.WarnContext(ctx, "the end of a task could not be noted", "err", failed)
	}
	return err
}

// countDeaths counts the task before this one as dead if it noted no end.
func (w *worker) countDeaths(ctx context.Context, slice string, t Task) error {
	counted, err := w.effect(ctx, effectDeaths, slice)
	if err != nil {
		return err
	}
	deaths := min(t.Retry, 1) // a first task counts nothing
	if counted != "" {
		if deaths, err = strconv.Atoi(counted); err != nil {
			return fmt.Errorf("read the deaths of slice %d: %w", t.Index, err)
		}
		deaths++
	}
	opened, err := w.effect(ctx, effectOpened, slice)
	if err != nil {
		return err
	}
	if deaths >= maxDeaths && opened != "" {
		return &deadlySegmentError{segment: opened, deaths: deaths}
	}
	if err := w.recordEffect(ctx, effectDeaths, slice, strconv.Itoa(deaths)); err != nil {
		return err
	}
	return w.recordEffect(ctx, effectOpened, slice, "")
}

// readAlone decodes the segments of a slice one at a time, so that a death points at one of them. An error is
// only logged, because rendering meets it again.
func (w *worker) readAlone(ctx context.Context, plan *merge.Plan, index int) {
	w.log.WarnContext(ctx, "reading each segment alone: a task before this one may have died")
	slice := plan.SliceDigest(index)
	plan.Bind(func(ctx context.Context, path, generation string) (merge.Bytes, error) {
		open := func(ctx context.Context) (merge.Bytes, error) {
			return w.openGeneration(ctx, path, generation)
		}
		return w.openMarked(slice, path+"#"+generation, open)(ctx)
	})
	if err := w.p.engine(ctx, func() {}).ReadAlone(ctx, plan, index); err != nil {
		w.log.WarnContext(ctx, "a segment could not be read alone", "err", err)
	}
	plan.Bind(w.openGeneration)
}

// planWithout returns the record to stage, which plans it without a segment. A record that is already planned
// without another segment fails.
func (w *worker) planWithout(ctx context.Context, deadly *deadlySegmentError) error {
	path, _, _ := strings.Cut(deadly.segment, "#")
	skipped, err := w.effect(ctx, effectSkipped, "")
	if err != nil {
		return err
	}
	if skipped != "" && skipped != deadly.segment {
		return &fault.PermanentError{
			Cause: cause.WorkersDiedOn(string(w.hold.Step), path),
			Err:   deadly,
		}
	}
	if err := w.recordEffect(ctx, effectSkipped, "", deadly.segment); err != nil {
		return err
	}
	w.log.ErrorContext(
		ctx, "tasks died in a row on one segment: trying without it",
		"file", path,
		"deaths", deadly.deaths,
	)
	return w.backToStage(ctx)
}
