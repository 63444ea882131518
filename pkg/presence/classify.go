package presence

import (
	"image"

	"github.com/nvr-miem/merger/pkg/cause"
)

// certainty is the result of classifying the pixels of one picture.
type certainty int

const (
	// isCanvas means that the picture is an idle screen.
	isCanvas certainty = iota
	// isContent means that the picture shows content.
	isContent
	// maybeOverlay means a background without content and a small residue. Text or
	// motion decides.
	maybeOverlay
	// maybeWords means content that may still be a splash saying that there is no
	// signal.
	maybeWords
)

// observation is the classification of one picture.
type observation struct {
	certainty   certainty
	description cause.Cause
	tiles       tiles
	// background is the colour of the background. It is set for maybeOverlay.
	background colour
	// left is the residue on the background. It is set for maybeOverlay.
	left *residue
	// unreadVerdict is the verdict of maybeOverlay if no text can be read.
	unreadVerdict Verdict
	// detail is the share of blocks with an edge, per mille.
	detail int
	// figure is set if isCanvas follows from a figure: a pattern, a card, scattered specks. Text may speak
	// against it.
	figure bool
	// card is the given card that was recognised, or nil.
	card *card
}

// classify classifies one picture by its pixels alone. The caller sets the tiles of
// the result.
func (c *Cards) classify(p picture, m mosaic) observation {
	s := observation{certainty: maybeWords, detail: edgeDensity(p)}
	s.description = cause.Detail(float64(s.detail) / 10)
	s = c.matchModels(s, p, m)
	if s.certainty == isCanvas {
		return s
	}
	strict := p.contentRect(10)
	if strict != pictureBounds {
		s = c.matchInsideBars(s, p, strict)
	}
	// A clock may lie on the bars.
	if loose := p.contentRect(150); s.certainty != isCanvas &&
		loose != pictureBounds &&
		loose != strict {
		s = c.matchInsideBars(s, p, loose)
	}
	return s
}

// matchModels tries all models on the whole picture. It returns s if none fits.
func (c *Cards) matchModels(s observation, p picture, m mosaic) observation {
	ground, left := fitBackground(p, m, s.detail)
	if ground != nil &&
		(left.count <= maxSpecks || left.isScattered()) {
		s.certainty = isCanvas
		s.figure = left.count > maxSpecks
		s.description = cause.BackgroundOnly(ground.name, left.percent())
		return s
	}
	if noise := isNoise(p, m); !noise.IsZero() {
		s.certainty = isCanvas
		s.description = noise
		return s
	}
	if found, card, firm := c.matchCards(p, m); !found.IsZero() {
		s.certainty = isCanvas
		s.description = found
		s.figure = firm
		s.card = card
		if !firm {
			s.certainty = maybeOverlay
			s.unreadVerdict = Canvas
			s.left = wholePicture()
		}
		return s
	}
	if ground != nil {
		s.certainty = maybeOverlay
		s.unreadVerdict = Presentation
		s.background = ground.model[left.freeBlock()]
		s.left = left
		s.description = cause.SomethingOnBackground(ground.name, left.percent())
	}
	return s
}

// matchCards tries the cards and test patterns, which may carry some text. It
// returns the card if it was given, and reports whether the match is firm.
func (c *Cards) matchCards(p picture, m mosaic) (found cause.Cause, given *card, firm bool) {
	if bars, firm := matchColorBars(p); !bars.IsZero() {
		return bars, nil, firm
	}
	if bars, firm := matchColorBars(p.transposed()); !bars.IsZero() {
		return cause.Turned(bars), nil, firm
	}
	if found, given := c.match(m); !found.IsZero() {
		return found, given, true
	}
	for _, pattern := range []cause.Cause{matchCircleCard(p), matchCrosshatch(p)} {
		if !pattern.IsZero() {
			return pattern, nil, true
		}
	}
	return cause.Cause{}, nil, false
}

// matchInsideBars tries the models on the part of the picture inside black bars.
// Anything on the bars joins the residue.
func (c *Cards) matchInsideBars(s observation, p picture, r image.Rectangle) observation {
	cut := p.crop(r)
	inner := c.matchModels(
		observation{certainty: isContent, detail: edgeDensity(cut)},
		cut,
		cut.mosaic(),
	)
	if inner.certainty == isContent {
		return s
	}
	left := &residue{}
	for y := range rows {
		for x := range cols {
			mid := image.Pt(x*blockSide+blockSide/2, y*blockSide+blockSide/2)
			if !mid.In(r) {
				if brightest(p, x, y) > blackLevel+30 && !nearEdge(mid, r) {
					left.mark(x, y)
				}
				continue
			}
			ix := (mid.X - r.Min.X) * cols / r.Dx()
			iy := (mid.Y - r.Min.Y) * rows / r.Dy()
			if inner.certainty == maybeOverlay && inner.left.mask[iy*cols+ix] {
				left.mark(x, y)
			}
		}
	}
	if inner.certainty == isCanvas && left.count <= maxSpecks {
		s.certainty = isCanvas
		s.figure, s.card = inner.figure, inner.card
		s.description = cause.InBlackBars(inner.description)
		return s
	}
	if s.certainty == maybeOverlay {
		return s // explained as well without bars: a black ground
	}
	s.unreadVerdict = inner.unreadVerdict
	if inner.certainty == isCanvas {
		s.unreadVerdict = Presentation
	}
	s.certainty = maybeOverlay
	s.description = cause.InBlackBarsAndMore(inner.description)
	s.left = left
	s.background = inner.background
	return s
}

// nearEdge reports whether a pixel is within one block of the edge of r.
func nearEdge(at image.Point, r image.Rectangle) bool {
	return at.In(r.Inset(-blockSide))
}

// brightest returns the largest channel value in a block.
func brightest(p picture, bx, by int) int {
	most := 0
	for y := by * blockSide; y < (by+1)*blockSide; y++ {
		for x := bx * blockSide; x < (bx+1)*blockSide; x++ {
			most = max(most, p.at(x, y).maxChannel())
		}
	}
	return most
}

// wholePicture returns a residue that covers all blocks.
func wholePicture() *residue {
	r := &residue{}
	for i := range blocks {
		r.mark(i%cols, i/cols)
	}
	return r
}

// freeBlock returns the index of a block outside the residue, or 0 if there is
// none.
func (r *residue) freeBlock() int {
	for i := range r.mask {
		if !r.mask[i] {
			return i
		}
	}
	return 0
}

// edgeDensity returns the share of blocks that hold an edge, per mille.
func edgeDensity(p picture) int {
	return blocksWithContrast(p, 33)
}

// blocksWithContrast returns the share of blocks whose luma range is at least
// levels, per mille.
func blocksWithContrast(p picture, levels int) int {
	n := 0
	for by := range rows {
		for bx := range cols {
			lowest := 255
			highest := 0
			for y := by * blockSide; y < (by+1)*blockSide; y++ {
				for x := bx * blockSide; x < (bx+1)*blockSide; x++ {
					l := p.at(x, y).luma()
					lowest = min(lowest, l)
					highest = max(highest, l)
				}
			}
			if highest-lowest >= levels {
				n++
			}
		}
	}
	return 1000 * n / blocks
}
