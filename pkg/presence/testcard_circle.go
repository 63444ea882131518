package presence

import (
	"math"

	"github.com/nvr-miem/merger/pkg/cause"
)

// squeezes are the horizontal scales of a circle in the picture, which was
// stretched to 16:9. They stand for sources of 16:9, 4:3, 5:4, and 16:9 squeezed
// into 4:3.
var squeezes = [...]float64{1, 4.0 / 3, 64.0 / 45, 3.0 / 4, 10.0 / 9}

const (
	// spokes is the number of directions in which the edge of a circle is looked
	// for.
	spokes = 120
	// smallestRadius and largestRadius bound the radius of the circle, in pixels. A
	// figure on a page is smaller, or pushed off the centre by the title.
	smallestRadius, largestRadius = 60, 96
)

// matchCircleCard recognises test cards like PM5544. They have one large circle
// about the centre, with stripes in it or a grid around it, and may carry any text.
// It returns no cause for anything else.
func matchCircleCard(p picture) cause.Cause {
	for _, squeeze := range squeezes {
		if _, seen, _ := bestCircle(p, squeeze, 5); seen*100 < 55*spokes {
			continue // a cheap look with few spokes
		}
		radius, seen, more := bestCircle(p, squeeze, 1)
		if seen*100 < 70*spokes || more*100 < 25*spokes {
			continue
		}
		inside := stripesInside(p, radius, squeeze)
		outside := linesOutside(p, radius, squeeze)
		if inside >= 5 || outside {
			return cause.CircleCard(200*radius/height, 100*seen/spokes, inside)
		}
	}
	return cause.Cause{}
}

// bestCircle returns the radius at which most spokes cross an edge, and their
// number. more is how many spokes that is above the usual radius, because fine
// texture has edges everywhere. Only every step-th spoke is used.
func bestCircle(p picture, squeeze float64, step int) (radius, seen, more int) {
	var all []int
	for r := smallestRadius; r <= largestRadius; r++ {
		n := 0
		possible := 0
		for s := 0; s < spokes; s += step {
			sin, cos := math.Sincos(2 * math.Pi * float64(s) / spokes)
			inX, inY, ok1 := pointOnSpoke(sin, cos, float64(r)-2, squeeze)
			outX, outY, ok2 := pointOnSpoke(sin, cos, float64(r)+2, squeeze)
			if !ok1 || !ok2 {
				continue // the circle may leave the picture above and below
			}
			possible++
			midX, midY, _ := pointOnSpoke(sin, cos, float64(r), squeeze)
			in := p.at(inX, inY)
			mid := p.at(midX, midY)
			out := p.at(outX, outY)
			// An edge of a disc, or a line.
			if in.maxDiff(out) > 32 ||
				in.maxDiff(mid) > 32 && out.maxDiff(mid) > 32 {
				n++
			}
		}
		if possible*step*10 < spokes*6 {
			continue
		}
		n = n * spokes / possible
		all = append(all, n)
		if n > seen {
			radius = r
			seen = n
		}
	}
	return radius, seen, seen - percentile(all, 50)
}

// pointOnSpoke returns the pixel at distance r on a spoke and reports whether it
// lies in the picture.
func pointOnSpoke(sin, cos, r, squeeze float64) (x, y int, ok bool) {
	x = int(math.Round(width/2 + r*cos*squeeze))
	y = int(math.Round(height/2 + r*sin))
	return x, y, x >= 0 && x < width && y >= 0 && y < height
}

// stripesInside returns the largest number of flat, even runs in any row of the
// circle.
func stripesInside(p picture, radius int, squeeze float64) int {
	most := 0
	for y := height/2 - radius*3/4; y <= height/2+radius*3/4; y += 4 {
		dy := float64(y - height/2)
		half := int(math.Sqrt(float64(radius*radius)-dy*dy)*squeeze) - 3
		from := max(width/2-half, 0)
		to := min(width/2+half, width)
		profile := make([]colour, 0, width)
		for x := from; x < to; x++ {
			profile = append(profile, p.at(x, y))
		}
		b := band{runs: findRuns(profile)}
		if len(b.runs) > most &&
			b.isEven() &&
			p.sameRows(y, from, to) {
			most = len(b.runs)
		}
	}
	return most
}

// sameRows reports whether a part of a row equals that three rows below. Stripes
// do, letters do not.
func (p picture) sameRows(y, from, to int) bool {
	n := 0
	for x := from; x < to; x++ {
		if p.at(x, y).maxDiff(p.at(x, min(y+3, height-1))) > 30 {
			n++
		}
	}
	return n*100 <= 12*(to-from)
}

// linesOutside reports whether the corners left and right of the circle show a
// grid.
func linesOutside(p picture, radius int, squeeze float64) bool {
	light := p.lumas()
	side := int(width/2-float64(radius)*squeeze) - 4
	if side < 24 {
		return false
	}
	across := make([]int, height)
	for y := range height {
		row := append(
			append([]int{}, light[y*width+4:y*width+side]...),
			light[(y+1)*width-side:(y+1)*width-4]...,
		)
		across[y] = percentile(row, 50)
	}
	dark := make([]int, height)
	for i, v := range across {
		dark[i] = 255 - v
	}
	return isEvenlySpaced(brightLines(across)) || isEvenlySpaced(brightLines(dark))
}
