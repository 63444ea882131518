package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// Task runs one task of the job merge from the environment of the process. tools opens the tools for
// rendering, usually [Tools]. The log goes to out. Its last line is the returned error, which means that a
// retry may help. See [pipeline.Pipeline.Merge].
func Task(ctx context.Context, out io.Writer, now func() time.Time, tools Part) (err error) {
	log := observe.Logger(out, observe.Options{Service: "merge"})
	defer func() {
		if err != nil {
			log.ErrorContext(ctx, "task failed", "err", err)
		}
	}()
	c, err := config.Read(ctx)
	if err != nil {
		return err
	}
	level := observe.ParseLevel(c.LogLevel)
	log = observe.Logger(out, observe.Options{Level: level, Service: "merge", Version: c.Revision})
	claim := nvr.Claim{
		Record:       c.Record,
		Attempt:      c.Attempt,
		Continuation: c.Turn,
		Step:         nvr.StepMerge,
	}
	ctx = observe.Extract(ctx, map[string]string{"traceparent": c.Trace})
	ctx = observe.With(ctx, "merge", claim, "")
	ctx = observe.WithSlice(ctx, c.TaskIndex)
	p, err := New(ctx, c, log, now, Store, Buckets, Topics, Notices, tools)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	tracing, err := Tracing(ctx, c, "merge")
	if err != nil {
		return err
	}
	ctx, span := observe.Start(ctx, "merge")
	defer func() {
		observe.End(span, err)
		if failed := tracing.Close(context.WithoutCancel(ctx)); failed != nil {
			log.WarnContext(ctx, "sending the traces failed", "err", failed)
		}
	}()
	return p.Merge(ctx, pipeline.Task{
		Claim:  claim,
		Key:    c.Key,
		Digest: c.Digest,
		Index:  c.TaskIndex,
		Count:  c.TaskCount,
		Retry:  c.TaskAttempt,
	})
}
