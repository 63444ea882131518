package presence

import (
	"fmt"
	"image"
)

// certainty says what the pixels of one picture alone tell.
type certainty int

const (
	isCanvas certainty = iota
	isContent
	// maybeOverlay: a ground without content and a little on it. Words or motion decide.
	maybeOverlay
	// maybeWords: content, but it may be a splash that says there is no signal.
	maybeWords
)

// observation is what is seen in one picture.
type observation struct {
	certainty certainty
	description     string
	tiles     tiles
	// background and left are of maybeOverlay: the ground's colour, and what is on it.
	background colour
	left       *residue
	// without is the verdict on maybeOverlay if nothing on it can be read.
	unreadVerdict Verdict
	// busy is the share of blocks with detail, per mille.
	detail int
}

// classify judges one picture by itself. Its tiles are left to whoever keeps it.
func (c *Cards) classify(p picture, m mosaic) observation {
	s := observation{certainty: maybeWords, detail: edgeDensity(p)}
	s.description = fmt.Sprintf("slide or moving picture: detail in %.1f%% of it", float64(s.detail)/10)
	s = c.matchModels(s, p, m)
	if s.certainty == isCanvas {
		return s
	}
	strict := p.contentRect(10)
	if strict != pictureBounds {
		s = c.matchInsideBars(s, p, strict)
	}
	// A clock may lie on the bars.
	if loose := p.contentRect(150); s.certainty != isCanvas && loose != pictureBounds && loose != strict {
		s = c.matchInsideBars(s, p, loose)
	}
	return s
}

// matchModels tries the models on the whole picture; s is what holds if none fits.
func (c *Cards) matchModels(s observation, p picture, m mosaic) observation {
	ground, left := fitBackground(p, m, s.detail)
	if ground != nil && (left.count <= maxSpecks || left.isScattered()) {
		s.certainty, s.description = isCanvas, fmt.Sprintf("%s (all but %.1f%%)", ground.name, left.percent())
		return s
	}
	if cause := isNoise(p, m); cause != "" {
		s.certainty, s.description = isCanvas, cause
		return s
	}
	if cause, firm := c.matchCards(p, m); cause != "" {
		s.certainty, s.description = isCanvas, cause
		if !firm {
			s.certainty, s.unreadVerdict, s.left = maybeOverlay, Canvas, wholePicture()
		}
		return s
	}
	if ground != nil {
		s.certainty, s.unreadVerdict = maybeOverlay, Presentation
		s.background, s.left = ground.model[left.freeBlock()], left
		s.description = fmt.Sprintf("%s and something on %.1f%% of it", ground.name, left.percent())
	}
	return s
}

// matchCards tries everything that is a card however much it has on it.
func (c *Cards) matchCards(p picture, m mosaic) (cause string, firm bool) {
	if cause, firm := matchColorBars(p); cause != "" {
		return cause, firm
	}
	if cause, firm := matchColorBars(p.transposed()); cause != "" {
		return "turned " + cause, firm
	}
	for _, cause := range []string{c.match(m), matchCircleCard(p), matchCrosshatch(p)} {
		if cause != "" {
			return cause, true
		}
	}
	return "", false
}

// matchInsideBars tries the models on the part of the picture within black bars. What lies on the bars
// remains to be explained.
func (c *Cards) matchInsideBars(s observation, p picture, r image.Rectangle) observation {
	cut := p.crop(r)
	inner := c.matchModels(observation{certainty: isContent, detail: edgeDensity(cut)}, cut, cut.mosaic())
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
			ix, iy := (mid.X-r.Min.X)*cols/r.Dx(), (mid.Y-r.Min.Y)*rows/r.Dy()
			if inner.certainty == maybeOverlay && inner.left.mask[iy*cols+ix] {
				left.mark(x, y)
			}
		}
	}
	if inner.certainty == isCanvas && left.count <= maxSpecks {
		s.certainty, s.description = isCanvas, inner.description+" in black bars"
		return s
	}
	if s.certainty == maybeOverlay {
		return s // explained as well without bars: a black ground
	}
	s.unreadVerdict = inner.unreadVerdict
	if inner.certainty == isCanvas {
		s.unreadVerdict = Presentation
	}
	s.certainty, s.description, s.left, s.background = maybeOverlay, inner.description+" in black bars, and more", left, inner.background
	return s
}

func nearEdge(at image.Point, r image.Rectangle) bool { return at.In(r.Inset(-blockSide)) }

func brightest(p picture, bx, by int) int {
	most := 0
	for y := by * blockSide; y < (by+1)*blockSide; y++ {
		for x := bx * blockSide; x < (bx+1)*blockSide; x++ {
			most = max(most, p.at(x, y).maxChannel())
		}
	}
	return most
}

func wholePicture() *residue {
	r := &residue{}
	for i := range blocks {
		r.mark(i%cols, i/cols)
	}
	return r
}

// freeBlock is a block of the ground beside the residue.
func (r *residue) freeBlock() int {
	for i := range r.mask {
		if !r.mask[i] {
			return i
		}
	}
	return 0
}

// edgeDensity counts the blocks that hold an edge, per mille of the picture.
func edgeDensity(p picture) int { return blocksWithContrast(p, 33) }

// blocksWithContrast counts the blocks whose pixels differ by so many levels at least, per mille of the picture.
func blocksWithContrast(p picture, levels int) int {
	n := 0
	for by := range rows {
		for bx := range cols {
			lowest, highest := 255, 0
			for y := by * blockSide; y < (by+1)*blockSide; y++ {
				for x := bx * blockSide; x < (bx+1)*blockSide; x++ {
					l := p.at(x, y).luma()
					lowest, highest = min(lowest, l), max(highest, l)
				}
			}
			if highest-lowest >= levels {
				n++
			}
		}
	}
	return 1000 * n / blocks
}
