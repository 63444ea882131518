package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// This file holds what happens to a record whose workers die, for example because a file makes the
// process use too much memory. A worker is suspect if the worker before it died without progress.
// It runs alone in its process and reads one segment at a time, so that a further death points at
// the record and at the segment. After maxDeaths deaths the record is tried once without that
// segment; then it fails. For the tasks of the job merge see task_deaths.go.

// maxDeaths is how many workers of a record may die in a row without progress.
const maxDeaths = store.MaxTries

// Effects that remember which segment the workers of a record died on.
const (
	effectOpened  = "opened"  // value: the segment that a suspect worker is reading; see segmentID
	effectSkipped = "skipped" // value: the segment that the record is made without
	effectDeaths  = "deaths"  // subject: the digest of a slice; value: how many of its tasks died in a row
)

// segmentID returns the value of [effectOpened] and [effectSkipped]: a path and a generation.
func segmentID(object bucket.Object) string {
	return fmt.Sprintf("%s#%d", object.Name, object.Generation)
}

// runGate lets the workers of a process run together, and a suspect worker alone.
type runGate struct {
	once sync.Once
	sem  *semaphore.Weighted
}

// everyone is the weight of a worker that runs alone.
const everyone = 1 << 20

// wait waits until a worker may run, in the order of arrival. The caller calls done.
func (g *runGate) wait(ctx context.Context, alone bool) (done func(), err error) {
	g.once.Do(func() { g.sem = semaphore.NewWeighted(everyone) })
	weight := int64(1)
	if alone {
		weight = everyone
	}
	if err := g.sem.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("wait for a worker that runs alone: %w", err)
	}
	return func() { g.sem.Release(weight) }, nil
}

// suspect reports whether the worker before this one died without progress.
func (w *worker) suspect() bool { return w.rec.Starts > 1 }

// waitToRun waits until the worker may run. It counts the start of a suspect worker only then: a worker
// that waits is not to blame for the death of the process.
func (w *worker) waitToRun(ctx context.Context) (done func(), err error) {
	done, err = w.p.gate.wait(ctx, w.suspect())
	if err != nil || !w.suspect() {
		return done, err
	}
	if err := w.p.Store.Leases.CountStart(ctx, w.hold); err != nil {
		done()
		return nil, err
	}
	w.log.WarnContext(ctx, "running alone: the worker before this one died", "starts", w.rec.Starts)
	return done, nil
}

// progressed notes that the worker has stored something that the next worker finds. The delivery may
// end when its time is over.
func (w *worker) progressed(ctx context.Context) {
	w.noteProgress(ctx)
	w.budget.progress()
}

// noteProgress notes that a suspect worker has got further than the one before it.
func (w *worker) noteProgress(ctx context.Context) {
	if !w.suspect() {
		return
	}
	w.uncount.Do(func() {
		if err := w.p.Store.Leases.Progressed(ctx, w.hold); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "the progress could not be noted", "err", err)
		}
	})
}

// prepareReading reads which segment the record is made without. A suspect worker forgets which
// segment an earlier worker was reading.
func (w *worker) prepareReading(ctx context.Context) (err error) {
	if w.skipped, err = w.effect(ctx, effectSkipped, ""); err != nil {
		return err
	}
	if w.suspect() {
		return w.recordEffect(ctx, effectOpened, "", "")
	}
	return nil
}

// openMarked returns an open function that notes the segment while it is open. The subject tells the tasks
// of an execution apart.
func (w *worker) openMarked(subject, id string, open openFunc) openFunc {
	return func(ctx context.Context) (merge.Bytes, error) {
		if err := w.recordEffect(ctx, effectOpened, subject, id); err != nil {
			return nil, err
		}
		bytes, err := open(ctx)
		if err != nil {
			return nil, err
		}
		unmark := func() error { return w.recordEffect(ctx, effectOpened, subject, "") }
		return &markedBytes{Bytes: bytes, unmark: unmark}, nil
	}
}

// openFunc opens a segment for the engine.
type openFunc = func(context.Context) (merge.Bytes, error)

// markedBytes are an open segment that is noted as open.
type markedBytes struct {
	merge.Bytes
	unmark func() error
}

// Close implements [merge.Bytes].
func (m *markedBytes) Close() error {
	return errors.Join(m.Bytes.Close(), m.unmark())
}

// afterDeaths decides about a record whose workers died maxDeaths times in a row without progress. It
// is claimed once more without the segment that they were reading. Otherwise it fails.
func (p *Pipeline) afterDeaths(ctx context.Context, rec nvr.Record) error {
	opened, err := p.effectOf(ctx, rec.ID, effectOpened, "")
	if err != nil {
		return err
	}
	skipped, err := p.effectOf(ctx, rec.ID, effectSkipped, "")
	if err != nil {
		return err
	}
	path, _, _ := strings.Cut(opened, "#")
	onSegment := rec.Step == nvr.StepStage && opened != ""
	if onSegment && (skipped == "" || skipped == opened) { // equal: a claim was killed before its end
		return p.claimWithout(ctx, rec, opened, path)
	}
	reason := cause.WorkersDied(string(rec.Step))
	if onSegment {
		reason = cause.WorkersDiedOn(string(rec.Step), path)
	}
	failure := fmt.Errorf("%d workers in a row died without progress (segment %q)", maxDeaths, path)
	mark := func(ctx context.Context) error {
		return p.Store.Queue.Fail(ctx, rec, reason, failure.Error())
	}
	return ignoreStale(p.failed(ctx, rec.Claim(), observe.FailedExhausted, reason, failure, mark))
}

// claimWithout claims a record that is to be made without a segment.
func (p *Pipeline) claimWithout(ctx context.Context, rec nvr.Record, id, path string) error {
	if _, err := p.Store.Effects.Set(ctx, rec.ID, effectSkipped, "", id); err != nil {
		return err
	}
	claim, err := p.Store.Queue.ClaimAgain(ctx, rec, rec.Step, p.lease(rec.Attempt+1))
	if err != nil {
		return ignoreStale(err)
	}
	ctx = observe.With(ctx, "claim", claim, rec.Room)
	return p.publishFirst(ctx, claim, func(ctx context.Context) {
		p.Log.ErrorContext(
			ctx, "workers died in a row on one segment: trying without it",
			observe.Takeover(rec.Step),
			"file", path,
			"starts", rec.Starts,
		)
	})
}
