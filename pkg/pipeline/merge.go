package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/store"
)

// Task is one task of an execution of the job merge.
type Task struct {
	Claim  nvr.Claim // step merge
	Key    string    // of the launch: all tasks of the execution hold the record under it
	Digest string    // of the plan
	Index  int
	Count  int
	Retry  int // how many processes of the execution have worked on the task before
}

// Merge renders one slice; the task that completes the set joins the parts.
//
// Before: the record is on step merge, and the plan is in the work bucket. After: the slice's part is
// there; after the last part, the record is on step upload and the merge is in the work bucket. A kill
// leaves media that nothing names, or a finished part, which the next try finds. Parts that were found to differ
// and are not rendered again yet are missing then. A task that follows a kill notes which segment it reads; see
// task_deaths.go.
func (p *Pipeline) Merge(ctx context.Context, t Task) error {
	body := func(w *worker, ctx context.Context) error { return w.merge(ctx, t) }
	return p.work(ctx, job{claim: t.Claim, holder: t.Key, body: body})
}

func (w *worker) merge(ctx context.Context, t Task) error {
	ctx = observe.WithSlice(ctx, t.Index)
	plan, err := w.readPlan(ctx, t)
	if err != nil {
		return err
	}
	return w.renderAndJoin(ctx, plan, t)
}

// renderAndJoin renders the slice of a task; the task that completes the set joins the parts. Parts that are not
// as they were stored are rendered once more.
func (w *worker) renderAndJoin(ctx context.Context, plan *merge.Plan, t Task) error {
	slices := []int{t.Index}
	for range 2 {
		for _, i := range slices {
			t.Index = i
			if made, err := w.renderOrReplan(ctx, plan, t); err != nil || !made {
				return err
			}
		}
		parts, err := w.parts(ctx, plan)
		if err != nil || parts == nil {
			return err
		}
		if slices, err = w.joinParts(ctx, plan, parts); err != nil || len(slices) == 0 {
			return err
		}
		t.Retry = 0 // it counts deaths at the task's own slice
	}
	return fmt.Errorf("the parts of slices %v differ again from what was stored", slices)
}

// renderOrReplan renders the slice of a task; false if the record went back to stage, because the footage is not
// what the plan saw.
func (w *worker) renderOrReplan(ctx context.Context, plan *merge.Plan, t Task) (made bool, err error) {
	err = w.renderSlice(ctx, plan, t)
	var damaged *merge.DamagedError
	var deadly *deadlySegmentError
	switch {
	case errors.As(err, &deadly):
		return false, w.planWithout(ctx, deadly)
	case errors.As(err, &damaged):
		return false, w.replan(ctx, damaged)
	case errors.Is(err, rangeproxy.ErrChanged), errors.Is(err, bucket.ErrNotFound):
		w.log.WarnContext(
			ctx, "a segment is no longer what the plan saw: making a new plan",
			"err", err,
		)
		return false, w.backToStage(ctx)
	}
	return err == nil, err
}

// readPlan reads the plan that this execution was started for.
func (w *worker) readPlan(ctx context.Context, t Task) (*merge.Plan, error) {
	if w.rec.Digest != t.Digest {
		return nil, fmt.Errorf(
			"the record has another plan (%s) than this task (%s): %w",
			w.rec.Digest, t.Digest, fault.ErrStale,
		)
	}
	plan, err := w.ownPlan(ctx)
	if err != nil {
		return nil, err
	}
	if plan.Digest() != t.Digest || len(plan.Slices) != t.Count {
		return nil, fmt.Errorf(
			"the plan is not the one this execution was started for (%d slices, %d tasks)",
			len(plan.Slices), t.Count,
		)
	}
	plan.Bind(w.openGeneration)
	return plan, nil
}

// ownPlan reads the plan of the record's merge.
func (w *worker) ownPlan(ctx context.Context) (*merge.Plan, error) {
	name, err := bucket.PlanName(w.rec.ID, w.rec.Digest)
	if err != nil {
		return nil, err
	}
	text, _, err := w.p.Work.ReadAll(ctx, name, maxLearned)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	plan, err := merge.ReadPlan(text)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return plan, nil
}

// openGeneration opens a segment as the plan saw it.
func (w *worker) openGeneration(ctx context.Context, path, generation string) (merge.Bytes, error) {
	var number int64
	if _, err := fmt.Sscan(generation, &number); err != nil {
		return nil, fmt.Errorf("read the generation of %s: %w", path, err)
	}
	return w.p.Segments.Open(ctx, path, number)
}

// replan stores the damage that was found and returns the record to stage, which plans around it.
func (w *worker) replan(ctx context.Context, damaged *merge.DamagedError) error {
	w.log.WarnContext(ctx, "making a new plan around damaged footage", "err", damaged)
	name, err := bucket.DamageName(w.rec.ID, rand.Text())
	if err == nil {
		err = w.p.writeJSON(ctx, name, damaged.Damages)
	}
	if err != nil {
		return err
	}
	return w.backToStage(ctx)
}

// backToStage returns the record to stage, which makes a new plan.
func (w *worker) backToStage(ctx context.Context) error {
	return w.advanceAndSend(ctx, nvr.StepStage, store.Change{})
}
