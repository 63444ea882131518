package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/store"
)

// Stage finds a record's segments, makes the plan, and starts the job.
//
// Before: the record is claimed, on step stage. After: it is on step merge, the plan is in the work bucket
// under its digest, and one execution runs with one task for each slice. A kill leaves copied chunks,
// analysed segments or the plan, which the next worker finds; or step merge without an execution, whose lease
// expires.
func (p *Pipeline) Stage(ctx context.Context, claim nvr.Claim) error {
	return p.work(ctx, job{claim: claim, continues: true, body: (*worker).stage})
}

func (w *worker) stage(ctx context.Context) error {
	start, end, err := w.rec.Window(w.room.Zone)
	if err == nil && !end.After(start) {
		err = errors.New("the end is not after the start")
	}
	if err != nil {
		return &fault.PermanentError{
			Cause: cause.BadTimes(w.rec.Date, w.rec.StartTime, w.rec.EndTime),
			Err:   err,
		}
	}
	req := w.request(start, end)
	req.Withheld, err = w.withheld(ctx)
	if errors.Is(err, errOptedOut) {
		return w.endOptedOut(ctx)
	}
	if err != nil {
		return err
	}
	if len(req.Sources) == 0 {
		return &fault.PermanentError{Cause: cause.NoCameras(w.rec.Room)}
	}
	if err := w.prepareReading(ctx); err != nil {
		return err
	}
	if err := w.keepGain(ctx, &req); err != nil {
		return err
	}
	f, err := w.find(ctx, req)
	if err != nil {
		return err
	}
	if err := w.wait(f, end); err != nil {
		return err
	}
	plan, err := w.makePlan(ctx, req, f)
	if err != nil {
		return err
	}
	return w.launch(ctx, plan)
}

// keepGain gives a revision the gain of the video that was delivered, so that their parts are the same.
// Without that plan the sound is measured again.
func (w *worker) keepGain(ctx context.Context, req *merge.Request) error {
	if w.rec.Revision <= 1 || w.rec.Digest == "" {
		return nil
	}
	plan, err := w.ownPlan(ctx)
	if errors.Is(err, bucket.ErrNotFound) || errors.Is(err, merge.ErrNotPlan) {
		return nil
	}
	if err != nil {
		return err
	}
	req.Loudness.Kept = plan.Sound.Gain()
	return nil
}

// wait gives the record back while a missing segment may still come.
func (w *worker) wait(f found, end time.Time) error {
	deadline := lastSegmentEnd(end, w.room).Add(w.p.Settings.FootageWait)
	now := w.p.Now()
	if len(f.missing) == 0 || !now.Before(deadline) {
		return nil
	}
	again := now.Add(w.p.Settings.FootagePoll)
	if again.After(deadline) {
		again = deadline
	}
	return &fault.Deferral{
		Until: again,
		Cause: cause.WaitingForFootage(len(f.missing), deadline.In(w.room.Zone)),
	}
}

// makePlan makes the plan and stores it under its digest.
func (w *worker) makePlan(ctx context.Context, req merge.Request, f found) (*merge.Plan, error) {
	damages, err := w.damages(ctx)
	if err != nil {
		return nil, err
	}
	engine := w.p.engine(ctx, func() { w.progressed(ctx) })
	engine.Serial = w.suspect()
	plan, err := engine.Plan(ctx, req, f.clips, damages)
	if errors.Is(err, rangeproxy.ErrChanged) || errors.Is(err, bucket.ErrNotFound) {
		return nil, fmt.Errorf(
			"a segment changed while it was looked at; its recorder may still be writing: %w",
			err,
		)
	}
	if err != nil {
		return nil, err
	}
	if err := w.saveAnalysis(ctx, plan); err != nil {
		return nil, err
	}
	if plan.Empty() {
		return nil, &fault.PermanentError{Cause: noFootage(w.rec, plan), Err: errFootage}
	}
	text, err := plan.JSON(w.p.Texts)
	if err != nil {
		return nil, err
	}
	name, err := bucket.PlanName(w.rec.ID, plan.Digest())
	if err == nil {
		_, err = w.p.Work.CreateBytes(ctx, name, "application/json", nil, text)
	}
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return nil, fmt.Errorf("store the plan: %w", err)
	}
	w.log.InfoContext(
		ctx, "planned",
		"digest", plan.Digest(),
		"slices", len(plan.Slices),
		"frames", plan.Frames,
		"shown", covered(plan),
		"segments", len(plan.Segments),
		"missing", len(f.missing),
	)
	return plan, nil
}

// noFootage returns why a plan shows nothing: there are no files, or those that there are have faults.
func noFootage(r nvr.Record, plan *merge.Plan) cause.Cause {
	const shown = 3 // files; more do not help the reader
	var files []cause.Cause
	for _, seg := range plan.Segments {
		if len(seg.Faults) > 0 && len(files) < shown {
			files = append(files, cause.FileFault(seg.Path, seg.Faults[0]))
		}
	}
	if len(files) == 0 {
		return cause.NoFootage(r.Room, r.Date, r.StartTime, r.EndTime)
	}
	return cause.NoUsableFootage(r.Room, r.Date, r.StartTime, r.EndTime, files...)
}

// launch moves the record to merge and starts the job. Only the worker that moves the record starts the job.
func (w *worker) launch(ctx context.Context, plan *merge.Plan) error {
	digest, since := plan.Digest(), w.p.Now()
	next, err := w.advance(ctx, nvr.StepMerge, store.Change{Digest: &digest})
	if err != nil {
		return err
	}
	ctx, stop := detached(ctx)
	defer stop()
	execution, err := w.p.Jobs.Start(ctx, w.p.Settings.MergeJob, dispatch.Launch{
		Key:   LaunchKey(next),
		Tasks: len(plan.Slices),
		Since: since,
		Env: map[string]string{
			"RECORD":      strconv.FormatInt(next.Record, 10),
			"ATTEMPT":     strconv.FormatInt(next.Attempt, 10),
			"TURN":        strconv.FormatInt(next.Continuation, 10),
			"DIGEST":      digest,
			"TRACEPARENT": observe.Inject(ctx)["traceparent"],
		},
	})
	if err != nil {
		// This worker no longer holds the record. Its lease expires, and claim starts the step again.
		w.log.ErrorContext(
			ctx, "the job could not be started; claim will begin again when the lease runs out",
			observe.Retry("step", "merge", w.p.lease(w.rec.Attempt)), "err",
			err,
		)
		return nil
	}
	w.log.InfoContext(ctx, "the job is started", "execution", execution, "tasks", len(plan.Slices))
	return nil
}

// readJSON reads a JSON object of the work bucket.
func (p *Pipeline) readJSON(ctx context.Context, name string, value any) error {
	text, _, err := p.Work.ReadAll(ctx, name, maxLearned)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// createJSON creates a JSON object in the work bucket. It returns [bucket.ErrExists] if the object exists.
func (p *Pipeline) createJSON(ctx context.Context, name string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		_, err = p.Work.CreateBytes(ctx, name, "application/json", nil, text)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// writeJSON is like createJSON, but leaves an existing object unchanged.
func (p *Pipeline) writeJSON(ctx context.Context, name string, value any) error {
	if err := p.createJSON(ctx, name, value); !errors.Is(err, bucket.ErrExists) {
		return err
	}
	return nil
}
