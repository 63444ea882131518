package render

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// ReadAlone decodes what slice i of a plan shows and plays, and drops it. At most one segment is open at a
// time, so that a process that dies meanwhile dies on that segment.
func ReadAlone(ctx context.Context, prober *probe.Prober, texts *i18n.Catalog, p *plan.Plan, i int) error {
	slice, panes := p.Slices[i], p.Panes()
	alone := func(read func(*renderer) error) error {
		r := newRenderer(prober, texts, p, i)
		defer r.segments.Close()
		return read(r)
	}
	for _, shown := range []struct {
		pieces []timeline.Piece
		box    plan.Box
	}{{p.Left, panes.Left}, {p.Right, panes.Right}, {p.Other, panes.Other}} {
		for _, piece := range p.Within(shown.pieces, slice) {
			if piece.File < 0 {
				continue
			}
			if err := alone(func(r *renderer) error { return r.dropPictures(ctx, piece, shown.box) }); err != nil {
				return err
			}
		}
	}
	from, until := p.SoundRange(i)
	for _, take := range p.Sound.Takes {
		first, end := max(take.First, from), min(take.End, until)
		if first >= end {
			continue
		}
		planned := p.Sound
		planned.Takes = []timeline.Take{take}
		drop := func([]float32) error { return nil }
		err := alone(func(r *renderer) error {
			return sound.NewMixer(prober, r.segments, planned).Run(ctx, first, end, drop)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPictures decodes a piece of a file as its pane does.
func (r *renderer) dropPictures(ctx context.Context, piece timeline.Piece, box plan.Box) error {
	pane := r.newPane([]timeline.Piece{piece}, box)
	var group errgroup.Group
	group.Go(func() error { return pane.run(ctx) })
	for change := range pane.changes {
		pane.release(change.picture)
	}
	return group.Wait()
}
