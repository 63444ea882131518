package plan

import (
	"errors"
	"slices"

	"github.com/nvr-miem/merger/pkg/timeline"
)

// errWithheld means that a plan shows or plays what it withholds.
var errWithheld = errors.New("it shows or plays what must be withheld")

// WithheldFrames returns the frames of a record that must not be shown, in order.
func (r Request) WithheldFrames() []Slice {
	window := r.Window()
	var frames []Slice
	for _, i := range r.Withheld {
		first := max(window.Nearest(i.Start.Sub(r.Start)), 0)
		end := min(window.Nearest(i.End.Sub(r.Start)), window.Frames)
		if first < end {
			frames = append(frames, Slice{First: first, End: end})
		}
	}
	return frames
}

// WithheldBlocks returns the withheld frames in tenths of a second, rounded outwards.
func (p *Plan) WithheldBlocks() []timeline.Listen {
	second := int64(p.Encoding.Rate)
	var blocks []timeline.Listen
	for _, w := range p.Withheld {
		blocks = append(blocks, timeline.Listen{
			First: w.First * timeline.BlocksPerSecond / second,
			End:   (w.End*timeline.BlocksPerSecond + second - 1) / second,
		})
	}
	return blocks
}

// Withholds reports whether the plan withholds what a request does, and no more.
func (p *Plan) Withholds(req Request) bool {
	return slices.Equal(p.Withheld, req.WithheldFrames())
}

// IsWithheld reports whether no frame of a stretch may be shown.
func (p *Plan) IsWithheld(first, end int64) bool {
	return slices.ContainsFunc(p.Withheld, func(w Slice) bool {
		return w.First <= first && end <= w.End
	})
}

// checkWithheld checks that nothing withheld is shown or heard.
func (p *Plan) checkWithheld() error {
	for _, w := range p.Withheld {
		for _, piece := range p.Pieces() {
			if piece.File >= 0 && piece.First < w.End && piece.End > w.First {
				return errWithheld
			}
		}
		for _, take := range p.Sound.Takes {
			if take.First < p.Sample(w.End) && take.End > p.Sample(w.First) {
				return errWithheld
			}
		}
	}
	return nil
}
