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
	cause     string
	tiles     tiles
	// background and left are of maybeOverlay: the ground's colour, and what is on it.
	background colour
	left       *residue
	// without is the verdict on maybeOverlay if nothing on it can be read.
	without Verdict
	// busy is the share of blocks with detail, per mille.
	busy int
}

// classify judges one picture by itself. Its tiles are left to whoever keeps it.
func (c *Cards) classify(p picture, m mosaic) observation {
	s := observation{certainty: maybeWords, busy: busy(p)}
	s.cause = fmt.Sprintf("slide or moving picture: detail in %.1f%% of it", float64(s.busy)/10)
	s = c.weigh(s, p, m)
	if s.certainty == isCanvas {
		return s
	}
	strict := p.framed(10)
	if strict != whole {
		s = c.inside(s, p, strict)
	}
	// A clock may lie on the bars.
	if loose := p.framed(150); s.certainty != isCanvas && loose != whole && loose != strict {
		s = c.inside(s, p, loose)
	}
	return s
}

// weigh tries the models on the whole picture; s is what holds if none fits.
func (c *Cards) weigh(s observation, p picture, m mosaic) observation {
	ground, left := plain(p, m, s.busy)
	if ground != nil && (left.count <= specks || left.scattered()) {
		s.certainty, s.cause = isCanvas, fmt.Sprintf("%s (all but %.1f%%)", ground.name, left.share())
		return s
	}
	if cause := isNoise(p, m); cause != "" {
		s.certainty, s.cause = isCanvas, cause
		return s
	}
	if cause, firm := c.patterned(p, m); cause != "" {
		s.certainty, s.cause = isCanvas, cause
		if !firm {
			s.certainty, s.without, s.left = maybeOverlay, Canvas, everything()
		}
		return s
	}
	if ground != nil {
		s.certainty, s.without = maybeOverlay, Presentation
		s.background, s.left = ground.model[left.middle()], left
		s.cause = fmt.Sprintf("%s and something on %.1f%% of it", ground.name, left.share())
	}
	return s
}

// patterned tries everything that is a card however much it has on it.
func (c *Cards) patterned(p picture, m mosaic) (cause string, firm bool) {
	if cause, firm := matchColorBars(p); cause != "" {
		return cause, firm
	}
	if cause, firm := matchColorBars(p.turned()); cause != "" {
		return "turned " + cause, firm
	}
	for _, cause := range []string{c.match(m), matchCircleCard(p), matchCrosshatch(p)} {
		if cause != "" {
			return cause, true
		}
	}
	return "", false
}

// inside tries the models on the part of the picture within black bars. What lies on the bars
// remains to be explained.
func (c *Cards) inside(s observation, p picture, r image.Rectangle) observation {
	cut := p.cut(r)
	inner := c.weigh(observation{certainty: isContent, busy: busy(cut)}, cut, cut.mosaic())
	if inner.certainty == isContent {
		return s
	}
	left := &residue{}
	for y := range rows {
		for x := range cols {
			mid := image.Pt(x*cell+cell/2, y*cell+cell/2)
			if !mid.In(r) {
				if brightest(p, x, y) > dark+30 && !nearEdge(mid, r) {
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
	if inner.certainty == isCanvas && left.count <= specks {
		s.certainty, s.cause = isCanvas, inner.cause+" in black bars"
		return s
	}
	if s.certainty == maybeOverlay {
		return s // explained as well without bars: a black ground
	}
	s.without = inner.without
	if inner.certainty == isCanvas {
		s.without = Presentation
	}
	s.certainty, s.cause, s.left, s.background = maybeOverlay, inner.cause+" in black bars, and more", left, inner.background
	return s
}

func nearEdge(at image.Point, r image.Rectangle) bool { return at.In(r.Inset(-cell)) }

func brightest(p picture, bx, by int) int {
	most := 0
	for y := by * cell; y < (by+1)*cell; y++ {
		for x := bx * cell; x < (bx+1)*cell; x++ {
			most = max(most, p.at(x, y).top())
		}
	}
	return most
}

func everything() *residue {
	r := &residue{}
	for i := range blocks {
		r.mark(i%cols, i/cols)
	}
	return r
}

// middle is a block of the ground beside the residue.
func (r *residue) middle() int {
	for i := range r.mask {
		if !r.mask[i] {
			return i
		}
	}
	return 0
}

// busy counts the blocks that hold an edge, per mille of the picture.
func busy(p picture) int { return uneven(p, 33) }

// uneven counts the blocks whose pixels differ by so many levels at least, per mille of the picture.
func uneven(p picture, levels int) int {
	n := 0
	for by := range rows {
		for bx := range cols {
			lowest, highest := 255, 0
			for y := by * cell; y < (by+1)*cell; y++ {
				for x := bx * cell; x < (bx+1)*cell; x++ {
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
