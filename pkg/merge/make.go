package merge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/report"
)

// Result is a finished merge.
type Result struct {
	Plan     *Plan
	Bytes    int64
	SHA256   string
	Loudness *sound.Measured // of the finished sound; nil if it is silent
}

// ErrNoFootage means that the record has no usable footage at all. The plan that comes with it says why.
var ErrNoFootage = errors.New("no usable footage for the record")

// maxPlans bounds how often damage found while rendering makes a new plan. Each rendering reads a piece to
// its end, so one pass finds all its damage. More plans than this mean that damage is not reproducible.
const maxPlans = 100

// Make plans, renders and joins a merge into the file out, with the work folder work. parallel is how
// many slices are rendered at once. Parts that exist already are used again. With [ErrNoFootage] the
// result holds the plan.
func (e *Engine) Make(ctx context.Context, req Request, clips []Clip, work *WorkDir, out string, parallel int) (*Result, error) {
	damages, err := work.damages()
	if err != nil {
		return nil, err
	}
	for range maxPlans {
		plan, err := e.Plan(ctx, req, clips, damages)
		debug.FreeOSMemory() // planning hours of footage takes much; decoders and the encoder need it now
		if err != nil {
			return nil, err
		}
		if plan.Empty() {
			return &Result{Plan: plan}, ErrNoFootage
		}
		if err := work.savePlan(plan, e.Texts); err != nil {
			return nil, err
		}
		err = e.Render(ctx, plan, work, allSlices(plan), parallel)
		var damaged *DamagedError
		if err == nil {
			return e.finish(ctx, plan, work, out)
		}
		if !errors.As(err, &damaged) {
			return nil, err
		}
		damages = probe.MergeDamages(damages, damaged.Damages)
		if err := work.saveDamages(damages); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("after %d plans the footage still shows new damage", maxPlans)
}

// allSlices lists the indices of a plan's slices.
func allSlices(plan *Plan) []int {
	indices := make([]int, len(plan.Slices))
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// finish joins the parts and measures the loudness of the finished file.
func (e *Engine) finish(ctx context.Context, plan *Plan, work *WorkDir, out string) (*Result, error) {
	result := &Result{Plan: plan}
	var err error
	if result.Bytes, result.SHA256, err = e.Join(ctx, plan, work, out); err != nil {
		return nil, err
	}
	if result.Loudness, err = sound.MeasureFile(ctx, e.Tool, e.Proxy, out, plan.Encoding.Channels); err != nil {
		return nil, err
	}
	plan.Warn(plan.Sound.Missed(result.Loudness))
	return result, nil
}

// Output describes the finished file.
func (r *Result) Output(path string) report.Output {
	e := r.Plan.Encoding
	return report.Output{
		Path:     path,
		Bytes:    r.Bytes,
		Frames:   r.Plan.Frames,
		Width:    e.Width,
		Height:   e.Height,
		FPS:      e.Rate,
		Duration: report.Number(float64(r.Plan.Frames*ffmpeg.SampleRate/int64(e.Rate)) / ffmpeg.SampleRate),
		SHA256:   r.SHA256,
	}
}
