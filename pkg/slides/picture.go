package slides

// The size of a picture that is compared, in pixels.
const (
	Width  = 320
	Height = 180
)

const (
	// cell is the side of the square parts by which pictures are compared, in pixels.
	cell    = 4
	columns = Width / cell            // cells in a row
	cells   = columns * Height / cell // cells of a picture

	// leastDifference is the mean difference of luma from which a cell shows something else. The noise of
	// encoders stays below it.
	leastDifference = 9
	// leastContrast is the range of luma from which a cell holds ink: letters, lines, detail.
	leastContrast = 24
)

// Picture is the luma of a picture, row by row. It is not changed once it is made.
type Picture []byte

// FromRGB returns the picture of RGB24 pixels of [Width] by [Height].
func FromRGB(rgb []byte) Picture {
	p := make(Picture, Width*Height)
	for i := range p {
		r, g, b := int(rgb[3*i]), int(rgb[3*i+1]), int(rgb[3*i+2])
		p[i] = byte((77*r + 150*g + 29*b) >> 8)
	}
	return p
}

// corner returns the index of a cell's first pixel.
func corner(c int) int {
	return c/columns*cell*Width + c%columns*cell
}

// differs reports whether two pictures differ in a cell.
func (p Picture) differs(q Picture, c int) bool {
	at := corner(c)
	return difference(p, q, at, at) > leastDifference*cell*cell
}

// difference returns the sum of the differences of luma in a cell of p and a cell-sized part of q, given by
// the indices of their first pixels.
func difference(p, q Picture, at, other int) int {
	sum := 0
	for range cell {
		a, b := p[at:at+cell:at+cell], q[other:other+cell:other+cell]
		for x := range a {
			d := int(a[x]) - int(b[x])
			sum += max(d, -d)
		}
		at += Width
		other += Width
	}
	return sum
}

// Same reports whether no cell of two pictures differs.
func (p Picture) Same(q Picture) bool {
	return &p[0] == &q[0] || p.changes(q).count() == 0
}

// mask is a set of cells.
type mask [cells]bool

// count returns the number of cells in the mask.
func (m *mask) count() int {
	n := 0
	for _, set := range m {
		if set {
			n++
		}
	}
	return n
}

// changes returns the cells in which two pictures differ.
func (p Picture) changes(q Picture) *mask {
	m := &mask{}
	if &p[0] == &q[0] {
		return m
	}
	for c := range m {
		m[c] = p.differs(q, c)
	}
	return m
}

// ink returns the cells that hold detail.
func (p Picture) ink() *mask {
	m := &mask{}
	for c := range m {
		low, high := byte(255), byte(0)
		at := corner(c)
		for range cell {
			for _, v := range p[at : at+cell] {
				low, high = min(low, v), max(high, v)
			}
			at += Width
		}
		m[c] = high-low >= leastContrast && high > low
	}
	return m
}

const (
	// leastFound is the difference below which a moved page counts as found, in tenths of its detail.
	leastFound = 5

	// surround is the number of pixels around a cell that count when patterns are compared.
	surround = 4
	// leastCorrelation is the square of the correlation from which two parts show the same pattern.
	leastCorrelation = 0.85
)

// samePattern reports whether the surroundings of a cell show the same shapes, brighter or dimmer.
func (p Picture) samePattern(q Picture, c int) bool {
	left, top := c%columns*cell, c/columns*cell
	var n, sp, sq, spp, sqq, spq int
	for y := max(0, top-surround); y < min(Height, top+cell+surround); y++ {
		for x := max(0, left-surround); x < min(Width, left+cell+surround); x++ {
			a, b := int(p[y*Width+x]), int(q[y*Width+x])
			n++
			sp, sq = sp+a, sq+b
			spp, sqq, spq = spp+a*a, sqq+b*b, spq+a*b
		}
	}
	vp, vq, cov := n*spp-sp*sp, n*sqq-sq*sq, n*spq-sp*sq
	if cov <= 0 || vq < 9*n*n { // what is nearly flat has no pattern
		return false
	}
	return float64(cov)*float64(cov) > leastCorrelation*float64(vp)*float64(vq)
}

// farthest is how far a page may be moved up or down to be found again, in pixels.
const farthest = Height / 3

// smooth returns the picture blurred up and down, so that it can be compared after a move by part of a pixel.
func (p Picture) smooth() Picture {
	out := make(Picture, len(p))
	for i := range p {
		above, below := max(i-Width, i%Width), min(i+Width, len(p)-Width+i%Width)
		out[i] = byte((int(p[above]) + 2*int(p[i]) + int(p[below])) / 4)
	}
	return out
}

// deviation returns the sum of the differences of a cell's luma from its mean.
func (p Picture) deviation(c int) int {
	sum, deviation := 0, 0
	at := corner(c)
	for i := range cell * cell {
		sum += int(p[at+i/cell*Width+i%cell])
	}
	for i := range cell * cell {
		d := int(p[at+i/cell*Width+i%cell]) - sum/cell/cell
		deviation += max(d, -d)
	}
	return deviation
}

// moved reports whether what p shows in some cells stands further up or down in q, and by how many pixels.
func (p Picture) moved(q Picture, m *mask) (by int, ok bool) {
	p, q = p.smooth(), q.smooth()
	var list, weights []int
	total := 0
	for c := range m {
		if m[c] {
			list, weights = append(list, c), append(weights, p.deviation(c))
			total += weights[len(weights)-1]
		}
	}
	least := total
	for dy := -farthest; dy <= farthest; dy++ {
		sum := 0
		for i, c := range list {
			top := c/columns*cell + dy
			if top < 0 || top+cell > Height {
				sum += weights[i]
				continue
			}
			at := corner(c)
			sum += min(weights[i], difference(p, q, at, at+dy*Width))
		}
		if sum < least {
			by, least = dy, sum
		}
	}
	return by, 10*least < leastFound*total
}
