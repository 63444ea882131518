package merge

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/render"
	"github.com/nvr-miem/merger/pkg/mp4"
)

// RenderFunc writes the media of a part to payload and returns their tables.
type RenderFunc func(payload io.Writer) (*mp4.Part, error)

// Parts stores finished parts under the digests of their slices: in a folder, or in a bucket. It is called
// from several goroutines.
type Parts interface {
	// Has reports whether the part of a name, of so many frames, is there and whole.
	Has(ctx context.Context, name string, frames int64) (bool, error)
	// Put stores what render makes. A part is there as a whole or not at all.
	Put(ctx context.Context, name string, render RenderFunc) error
}

// renderTries is how often a slice is rendered before damage or a stall counts as real. A plan that leaves
// out a stretch is final, so one failure is not enough.
const renderTries = 2

// Render renders slices of a plan, by their indices, into parts. Parts that exist already are not rendered
// again. parallel is how many slices are rendered at once. If footage is damaged, Render returns a
// [DamagedError] with all damage that was found; then a new plan is needed.
func (e *Engine) Render(ctx context.Context, p *plan.Plan, parts Parts, indices []int, parallel int) error {
	total := int64(0)
	for _, i := range indices {
		total += p.Slices[i].Frames()
	}
	var done atomic.Int64
	e.progress(Rendering, 0, total)
	more := func(frames int64) { e.progress(Rendering, done.Add(frames), total) }

	var mu sync.Mutex
	var found []probe.Damage
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, parallel))
	for _, i := range indices {
		group.Go(func() error {
			err := e.renderPart(groupCtx, p, i, parts, more)
			var damaged *DamagedError
			if errors.As(err, &damaged) {
				mu.Lock()
				defer mu.Unlock()
				found = probe.MergeDamages(found, damaged.Damages)
				return nil // the other slices go on: one new plan leaves out all damage
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if len(found) > 0 {
		return &DamagedError{Damages: found}
	}
	return nil
}

// ReadAlone decodes what slice i of a plan shows and plays, one segment at a time, and drops it.
func (e *Engine) ReadAlone(ctx context.Context, p *plan.Plan, i int) error {
	return render.ReadAlone(ctx, e.prober(&e.Rendering), e.Texts, p, i)
}

// renderPart renders part i unless it exists. It calls more with the number of frames that were rendered; the
// number is negative after a try that failed.
func (e *Engine) renderPart(ctx context.Context, p *plan.Plan, i int, parts Parts, more func(frames int64)) error {
	length := p.Slices[i].Frames()
	name := p.SliceDigest(i)
	there, err := parts.Has(ctx, name, length)
	if err != nil {
		return err
	}
	if there {
		more(length)
		return nil
	}
	for range renderTries {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		last := int64(0)
		shown := func(frames int64) {
			more(frames - last)
			last = frames
		}
		err = parts.Put(ctx, name, func(payload io.Writer) (*mp4.Part, error) {
			return render.Slice(ctx, e.prober(&e.Rendering), e.Texts, p, i, payload, shown)
		})
		var damaged *DamagedError
		if !errors.As(err, &damaged) && !errors.Is(err, ffmpeg.ErrStalled) {
			return err
		}
		more(-last)
	}
	return err
}
