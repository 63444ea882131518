package presence

import (
	"fmt"
	"math"
)

// Shapes that a circle can have in the picture, which was stretched to 16:9: from 16:9, 4:3 and 5:4
// sources, and 16:9 squeezed into 4:3.
var squeezes = [...]float64{1, 4.0 / 3, 64.0 / 45, 3.0 / 4, 10.0 / 9}

const (
	spokes = 120
	// A figure on a page is smaller, or pushed off the centre by the title.
	smallestRadius, largestRadius = 60, 96
)

// matchCircleCard recognises test cards of the kind of PM5544: one large circle about the very centre, and in
// it or around it what a test card has, stripes or a grid. Whatever text is on it, it stays a card.
func matchCircleCard(p picture) string {
	for _, squeeze := range squeezes {
		if _, seen, _ := bestCircle(p, squeeze, 5); seen*100 < 55*spokes {
			continue // a cheap look with few spokes
		}
		radius, seen, more := bestCircle(p, squeeze, 1)
		if seen*100 < 70*spokes || more*100 < 25*spokes {
			continue
		}
		inside, outside := stripesInside(p, radius, squeeze), linesOutside(p, radius, squeeze)
		if inside >= 5 || outside {
			return fmt.Sprintf("test card with a circle of %d%% of the height (%d%% of it seen), %d stripes in it",
				200*radius/height, 100*seen/spokes, inside)
		}
	}
	return ""
}

// bestCircle is the radius at which most spokes cross an edge, and how many more do there than at
// the usual radius: in fine texture they cross one everywhere.
// Only every step-th spoke is used.
func bestCircle(p picture, squeeze float64, step int) (radius, seen, more int) {
	var all []int
	for r := smallestRadius; r <= largestRadius; r++ {
		n, possible := 0, 0
		for s := 0; s < spokes; s += step {
			sin, cos := math.Sincos(2 * math.Pi * float64(s) / spokes)
			inX, inY, ok1 := pointOnSpoke(sin, cos, float64(r)-2, squeeze)
			outX, outY, ok2 := pointOnSpoke(sin, cos, float64(r)+2, squeeze)
			if !ok1 || !ok2 {
				continue // the circle may leave the picture above and below
			}
			possible++
			midX, midY, _ := pointOnSpoke(sin, cos, float64(r), squeeze)
			in, mid, out := p.at(inX, inY), p.at(midX, midY), p.at(outX, outY)
			// An edge of a disc, or a line.
			if in.maxDiff(out) > 32 || in.maxDiff(mid) > 32 && out.maxDiff(mid) > 32 {
				n++
			}
		}
		if possible*step*10 < spokes*6 {
			continue
		}
		n = n * spokes / possible
		all = append(all, n)
		if n > seen {
			radius, seen = r, n
		}
	}
	return radius, seen, seen - percentile(all, 50)
}

func pointOnSpoke(sin, cos, r, squeeze float64) (x, y int, ok bool) {
	x, y = int(math.Round(width/2+r*cos*squeeze)), int(math.Round(height/2+r*sin))
	return x, y, x >= 0 && x < width && y >= 0 && y < height
}

// stripesInside is the largest number of flat runs, of about equal width, in any row of the circle.
func stripesInside(p picture, radius int, squeeze float64) int {
	most := 0
	for y := height/2 - radius*3/4; y <= height/2+radius*3/4; y += 4 {
		dy := float64(y - height/2)
		half := int(math.Sqrt(float64(radius*radius)-dy*dy)*squeeze) - 3
		from, to := max(width/2-half, 0), min(width/2+half, width)
		profile := make([]colour, 0, width)
		for x := from; x < to; x++ {
			profile = append(profile, p.at(x, y))
		}
		b := band{runs: findRuns(profile)}
		if len(b.runs) > most && b.isEven() && p.sameRows(y, from, to) {
			most = len(b.runs)
		}
	}
	return most
}

// sameRows says whether a piece of a row is like that three rows on: stripes are, letters are not.
func (p picture) sameRows(y, from, to int) bool {
	n := 0
	for x := from; x < to; x++ {
		if p.at(x, y).maxDiff(p.at(x, min(y+3, height-1))) > 30 {
			n++
		}
	}
	return n*100 <= 12*(to-from)
}

// linesOutside says whether the corners, left and right of the circle, carry a grid.
func linesOutside(p picture, radius int, squeeze float64) bool {
	light := p.lumas()
	side := int(width/2-float64(radius)*squeeze) - 4
	if side < 24 {
		return false
	}
	across := make([]int, height)
	for y := range height {
		row := append(append([]int{}, light[y*width+4:y*width+side]...), light[(y+1)*width-side:(y+1)*width-4]...)
		across[y] = percentile(row, 50)
	}
	dark := make([]int, height)
	for i, v := range across {
		dark[i] = 255 - v
	}
	return isEvenlySpaced(brightLines(across)) || isEvenlySpaced(brightLines(dark))
}
