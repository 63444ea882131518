package merge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// Result is a finished merge.
type Result struct {
	Plan     *Plan
	Bytes    int64
	SHA256   string
	Loudness *Measured // of the finished sound; nil if it is silent
}

// ErrNoFootage says that the record has no usable footage at all. The plan that comes with it says why.
var ErrNoFootage = errors.New("no usable footage for the record")

// maxPlans bounds how often damage found while rendering makes a new plan. Each new plan has found
// more damage than the one before, and a piece of film is read to its end before it gives up.
const maxPlans = 100

// Make plans, renders and joins a merge into the file out, in the folder of work. parallel is how
// many slices are rendered at once. Parts that are there already are used again. With
// [ErrNoFootage] the result holds the plan.
func (e *Engine) Make(ctx context.Context, req Request, clips []Clip, work *WorkDir, out string, parallel int) (*Result, error) {
	damages, err := work.damages()
	if err != nil {
		return nil, err
	}
	for range maxPlans {
		plan, err := e.Plan(ctx, req, clips, damages)
		debug.FreeOSMemory() // what hours of footage took to plan, before the decoders and the encoder take theirs
		if err != nil {
			return nil, err
		}
		if plan.Empty() {
			return &Result{Plan: plan}, ErrNoFootage
		}
		if err := work.savePlan(plan); err != nil {
			return nil, err
		}
		found, err := e.renderAll(ctx, plan, work, parallel)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return e.finish(ctx, plan, work, out)
		}
		damages = merged(damages, found)
		if err := work.saveDamages(damages); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("after %d plans the footage still shows new damage", maxPlans)
}

// renderAll renders the slices whose parts are not there yet, and returns the damage that it found.
func (e *Engine) renderAll(ctx context.Context, plan *Plan, work *WorkDir, parallel int) ([]Damage, error) {
	parent := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, parallel))
	var mu sync.Mutex
	var found []Damage
	var done atomic.Int64
	e.progress(Rendering, 0, plan.Frames)
	for i := range plan.Slices {
		group.Go(func() error {
			err := e.renderPart(ctx, plan, i, work, func(frames int64) {
				e.progress(Rendering, done.Add(frames), plan.Frames)
			})
			var damaged *DamagedError
			if errors.As(err, &damaged) {
				mu.Lock()
				defer mu.Unlock()
				found = merged(found, damaged.Damages)
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return found, context.Cause(parent)
}

// damageTries is how often damage must be seen before it is believed: a plan without a stretch of the
// lecture is not undone. Whatever else goes wrong ends the merge, and the next run goes on.
const damageTries = 2

// renderPart makes part i unless it is there. more is told of frames as they are done, or undone.
func (e *Engine) renderPart(ctx context.Context, plan *Plan, i int, work *WorkDir, more func(frames int64)) error {
	length := plan.Slices[i].End - plan.Slices[i].First
	name := plan.SliceDigest(i)
	if work.whole(name, length) {
		more(length)
		return nil
	}
	var err error
	for range damageTries {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		last := int64(0)
		err = work.makePart(name, func(payload *payloadFile) (*mp4.Part, error) {
			return e.Render(ctx, plan, i, payload, func(frames int64) {
				more(frames - last)
				last = frames
			})
		})
		var damaged *DamagedError
		if !errors.As(err, &damaged) {
			return err
		}
		more(-last)
	}
	return err
}

// finish joins the parts and measures what came out.
func (e *Engine) finish(ctx context.Context, plan *Plan, work *WorkDir, out string) (*Result, error) {
	result := &Result{Plan: plan}
	var err error
	if result.Bytes, result.SHA256, err = e.join(ctx, plan, work, out); err != nil {
		return nil, err
	}
	if result.Loudness, err = e.outcome(ctx, plan, out); err != nil {
		return nil, err
	}
	return result, nil
}
