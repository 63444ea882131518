package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// renderer makes one part.
type renderer struct {
	prober   *probe.Prober
	texts    *i18n.Catalog // of the slates
	plan     *plan.Plan
	index    int
	slice    plan.Slice
	segments *probe.Cache
	shown    func(frames int64) // is told how many frames the encoder has been given
}

// newRenderer returns the renderer of slice i. The caller closes its segments.
func newRenderer(prober *probe.Prober, texts *i18n.Catalog, p *plan.Plan, i int) *renderer {
	return &renderer{
		prober:   prober,
		texts:    texts,
		plan:     p,
		index:    i,
		slice:    p.Slices[i],
		segments: probe.NewCache(prober, p.Segments, p.Damages),
	}
}

// Slice renders slice i of a plan: the media bytes go to payload, their tables are returned. A
// [probe.DamagedError] reports that footage of the plan cannot be decoded; then a new plan is needed. shown
// is told how many frames are done; it may be nil. Another FFmpeg than the plan's is refused: its part
// would not be what the plan's digest names.
func Slice(
	ctx context.Context, prober *probe.Prober, texts *i18n.Catalog, p *plan.Plan, i int,
	payload io.Writer, shown func(frames int64),
) (*mp4.Part, error) {
	if have := prober.Tool.Version(); have != p.FFmpeg {
		return nil, fmt.Errorf(
			"render slice %d: the plan is for FFmpeg %s, this is %s",
			i, p.FFmpeg, have,
		)
	}
	r := newRenderer(prober, texts, p, i)
	r.shown = shown
	defer r.segments.Close()
	part, err := r.render(ctx, payload)
	if err != nil {
		return nil, fmt.Errorf("render slice %d: %w", i, err)
	}
	if frames := int64(len(part.Video.Sizes)); frames != r.slice.End-r.slice.First {
		return nil, fmt.Errorf(
			"render slice %d: the encoder made %d frames of %d",
			i, frames, r.slice.End-r.slice.First,
		)
	}
	return part, nil
}

// render runs six goroutines: three pane decoders, the compositor, the mixer and the reader of the encoder's
// output. A pane without pieces ends at once.
func (r *renderer) render(ctx context.Context, payload io.Writer) (*mp4.Part, error) {
	parent := ctx
	group, ctx := errgroup.WithContext(ctx)
	var ends errorSet
	encoder, err := r.prober.Tool.OpenEncoder(ctx, r.plan.Encoding, ffmpeg.EncodeInput{
		FirstFrame: r.plan.Origin + r.slice.First,
		GainDB:     r.plan.Sound.GainDB,
		LimitDBFS:  r.plan.Sound.LimitDBFS,
	})
	if err != nil {
		return nil, err
	}
	panes := r.plan.Panes()
	open := func(pieces []timeline.Piece, box plan.Box) *place {
		pane := r.newPane(r.plan.Within(pieces, r.slice), box)
		group.Go(func() error { return ends.note(pane.run(ctx)) })
		return &place{pane: pane}
	}
	shown := places{
		left:  open(r.plan.Left, panes.Left),
		right: open(r.plan.Right, panes.Right),
		other: open(r.plan.Other, panes.Other),
	}
	group.Go(func() error {
		return ends.note(errors.Join(r.compose(ctx, shown, encoder), encoder.ClosePictures()))
	})
	group.Go(func() error {
		from, until := r.plan.SoundRange(r.index)
		mix := sound.NewMixer(r.prober, r.segments, r.plan.Sound)
		return ends.note(errors.Join(
			mix.Run(ctx, from, until, encoder.WriteSound),
			encoder.CloseSound(),
		))
	})
	var part *mp4.Part
	group.Go(func() error {
		first, count := r.plan.PacketWindow(r.index)
		var readErr error
		store := &stickyWriter{to: payload}
		part, readErr = mp4.ReadPart(encoder.Output(), store, mp4.PartWindow{
			First: int(first),
			Count: int(count),
		})
		if readErr != nil {
			encoder.Stop()
		}
		return ends.note(encoderEnd(encoder.Wait(), readErr, store.err))
	})
	if err := group.Wait(); err != nil {
		return nil, ends.reason(parent)
	}
	return part, nil
}

// stickyWriter remembers why media could not be stored.
type stickyWriter struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (s *stickyWriter) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.err = cmp.Or(s.err, err)
	return n, err
}

// encoderEnd returns why the encoder ended. If its media could not be stored, it was stopped for that reason.
// Otherwise its own error counts, and an error of reading its output is only a consequence.
func encoderEnd(waitErr, readErr, storeErr error) error {
	if storeErr != nil {
		return fmt.Errorf("store the media: %w", storeErr)
	}
	return cmp.Or(waitErr, readErr)
}

// errorSet gathers how those that work on a part ended: the first error is often only what another one
// led to.
type errorSet struct {
	mu   sync.Mutex
	errs []error
}

// note remembers an error and returns it.
func (e *errorSet) note(err error) error {
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.errs = append(e.errs, err)
	}
	return err
}

// errFollows marks an error that another one has led to.
var errFollows = errors.New("the pane has ended")

// reason returns the error that counts. In this order: the cause of ctx, if it has ended; a fault of storage,
// of the machine or of this program; damaged footage, with all damages of all panes; any other error.
func (e *errorSet) reason(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var damages []probe.Damage
	var follows error
	for _, err := range e.errs {
		var damaged *probe.DamagedError
		switch {
		case errors.As(err, &damaged):
			damages = probe.MergeDamages(damages, damaged.Damages)
		case errors.Is(err, errFollows), errors.Is(err, context.Canceled), errors.Is(err, syscall.EPIPE), errors.Is(err, os.ErrClosed):
			follows = err
		default:
			return err
		}
	}
	if len(damages) > 0 {
		return &probe.DamagedError{Damages: damages}
	}
	return follows
}

// compose writes every frame of the slice to the encoder, in order. A picture is copied into the frame only
// when it changes.
func (r *renderer) compose(ctx context.Context, places places, encoder *ffmpeg.Encoder) error {
	size := r.plan.Panes().Whole
	frame := black(size.Width, size.Height)
	scenes := r.plan.Scenes
	var shown []*place
	for k := r.slice.First; k < r.slice.End; k++ {
		for scenes[0].End <= k {
			scenes = scenes[1:]
		}
		if now := places.of(scenes[0]); !slices.Equal(now, shown) {
			shown = now
			copy(frame, black(size.Width, size.Height))
			for _, p := range shown {
				p.fresh = true
			}
		}
		for _, p := range shown {
			if err := p.until(ctx, k); err != nil {
				return err
			}
			p.draw(frame, size)
		}
		if err := encoder.WritePicture(frame); err != nil {
			return err
		}
		if r.shown != nil {
			r.shown(k - r.slice.First + 1)
		}
	}
	return nil
}

// place is where a pane's pictures go in the whole picture.
type place struct {
	pane  *pane
	now   change
	next  *change // read ahead: the first change that is not due yet
	ended bool
	fresh bool // now has not been drawn yet
}

// places are those of all panes.
type places struct{ left, right, other *place }

// of returns the places that show something in a scene.
func (p places) of(s timeline.Scene) []*place {
	switch {
	case s.Layout == timeline.Alone || s.Layout == timeline.Nothing: // the left one fills the picture
		return []*place{p.left}
	case s.Other != "":
		return []*place{p.left, p.right, p.other}
	}
	return []*place{p.left, p.right}
}

// until takes all changes that are due at frame k. It returns an error that wraps errFollows if the pane
// ended without a picture; the error of the pane itself then ends the render.
func (p *place) until(ctx context.Context, k int64) error {
	for {
		if p.next == nil && !p.ended {
			select {
			case c, ok := <-p.pane.changes:
				if ok {
					p.next = &c
				} else {
					p.ended = true
				}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if p.next == nil || p.next.frame > k {
			break
		}
		if p.now.spent {
			p.pane.release(p.now.picture)
		}
		p.now, p.next, p.fresh = *p.next, nil, true
	}
	if p.now.picture == nil {
		return fmt.Errorf("no picture for frame %d: %w", k, errFollows)
	}
	return nil // a pane that failed ends the whole render by its own error
}

// draw copies the picture into the frame, unless the frame holds it already.
func (p *place) draw(frame []byte, size plan.Box) {
	if p.fresh {
		p.fresh = false
		copyPane(frame, p.now.picture, p.pane.box(p.now.whole), size)
	}
}

// copyPane copies a picture into its box of a yuv420p frame. All sides and offsets are even, because chroma
// has half the resolution.
func copyPane(frame, picture []byte, box, size plan.Box) {
	for y := range box.Height {
		copy(frame[(box.Y+y)*size.Width+box.X:], picture[y*box.Width:(y+1)*box.Width])
	}
	chroma, from := frame[size.Width*size.Height:], picture[box.Width*box.Height:]
	for range 2 { // U, then V
		for y := range box.Height / 2 {
			row := from[y*box.Width/2 : (y+1)*box.Width/2]
			copy(chroma[((box.Y/2+y)*size.Width+box.X)/2:], row)
		}
		chroma, from = chroma[size.Width*size.Height/4:], from[box.Width*box.Height/4:]
	}
}
