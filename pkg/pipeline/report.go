package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/report"
)

// report stores what the merge shows and why, beside its plan. Gaps are also logged, where alerts count them.
func (w *worker) report(ctx context.Context, object bucket.Object, sha256 string) error {
	plan, err := w.ownPlan(ctx)
	if err != nil {
		return fmt.Errorf("read the plan for the report: %w", err)
	}
	plan.Title = w.rec.Title
	r := plan.Report(w.p.Texts)
	result := merge.Result{Plan: plan, Bytes: object.Size, SHA256: sha256}
	r.Output = result.Output(w.fileName())
	parts, err := w.parts(ctx, plan)
	if err != nil {
		return err
	}
	r.Cost = costOf(parts)
	if err := r.Validate(); err != nil {
		w.log.WarnContext(ctx, "the report contradicts itself; it is stored as it is", "err", err)
	}
	var page bytes.Buffer
	if err := r.Write(&page); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := w.createReport(ctx, "json", "application/json", page.Bytes()); err != nil {
		return err
	}
	for _, gap := range r.Gaps {
		w.log.InfoContext(
			ctx, "the merge has a hole",
			observe.Gap(w.rec.Room, string(gap.Role), gap.End.Sub(gap.Start.Time)), "source",
			gap.Source, "cause",
			gap.Cause,
		)
	}
	return nil
}

// costOf returns what all parts together took, without the analysis before them.
func costOf(parts []partFile) (sum report.Cost) {
	for _, p := range parts {
		sum.CPU += p.Cost.CPU
		sum.Wall += p.Cost.Wall
		sum.Read += p.Cost.Read
		sum.PeakRSS = max(sum.PeakRSS, p.Cost.PeakRSS)
	}
	return sum
}

func (w *worker) createReport(ctx context.Context, kind, contentType string, text []byte) error {
	name, err := bucket.ReportName(w.rec.ID, w.rec.Digest, kind)
	if err == nil {
		_, err = w.p.Work.CreateBytes(ctx, name, contentType, nil, text)
	}
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("store the report: %w", err)
	}
	return nil
}
