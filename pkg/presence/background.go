package presence

import (
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
)

// background models a picture without content: one colour for each block.
type background struct {
	// name describes the model.
	name  cause.Cause
	model mosaic
	// slack is the additional tolerance of each block, in levels. It is nil for
	// flat models and positive where a gradient is steep.
	slack []int
}

// residue is the set of blocks that a background does not explain.
type residue struct {
	mask  [blocks]bool
	count int
	// box is the bounding box of the marked blocks, in blocks.
	box image.Rectangle
}

// mark adds the block at column x and row y.
func (r *residue) mark(x, y int) {
	if i := y*cols + x; !r.mask[i] {
		r.mask[i] = true
		r.count++
		r.box = r.box.Union(image.Rect(x, y, x+1, y+1))
	}
}

// percent returns the share of marked blocks in per cent of the picture.
func (r *residue) percent() float64 {
	return 100 * float64(r.count) / blocks
}

// isScattered reports whether the residue consists of a few isolated blocks. Such
// blocks are noise that a coarse encoder kept. Text and drawings are never that
// small.
func (r *residue) isScattered() bool {
	if r.count > maxGrains {
		return false
	}
	for i, marked := range r.mask {
		if !marked {
			continue
		}
		x := i % cols
		y := i / cols
		for ny := max(y-1, 0); ny <= min(y+1, rows-1); ny++ {
			for nx := max(x-1, 0); nx <= min(x+1, cols-1); nx++ {
				if n := ny*cols + nx; n != i && r.mask[n] {
					return false
				}
			}
		}
	}
	return true
}

const (
	// blockSlack is the largest difference, in levels, between the mean of a block
	// and its background. It covers coding errors and banding.
	blockSlack = 10
	// maxSpecks is the number of blocks that may differ without being content, for
	// example dust or a dead pixel.
	maxSpecks = 2
	// maxGrains is the number of isolated blocks that may differ without being
	// content.
	maxGrains = blocks / 200
	// overlayFraction bounds the residue of an overlay: at most one block in
	// overlayFraction.
	overlayFraction = 4
)

// fitBackground returns the background that explains the picture best, and the
// blocks that it leaves unexplained. It returns nil if no model explains three
// quarters of the picture. detail is the edge density per mille.
func fitBackground(p picture, m mosaic, busy int) (*background, *residue) {
	if busy > 2*1000/overlayFraction {
		return nil, nil // edges everywhere: no ground explains them
	}
	flat := flatBackground(m)
	best := flat
	left := residueOf(p, m, flat)
	// A gradient has no edges; what lies on it has.
	if left.count <= blocks/50 || busy > 1000/overlayFraction {
		return ifSparse(best, left)
	}
	for _, g := range []*background{linearGradient(m), radialGradient(m), fitGradient(m)} {
		if g == nil {
			continue
		}
		// A gradient has more freedom, so it must explain clearly more.
		if r := residueOf(p, m, g); r.count*4 < left.count*3 {
			best = g
			left = r
		}
	}
	return ifSparse(best, left)
}

// ifSparse returns the model and its residue, or nil if the residue is too large
// for an overlay.
func ifSparse(g *background, left *residue) (*background, *residue) {
	if left.count > blocks/overlayFraction {
		return nil, nil
	}
	return g, left
}

// flatBackground returns a model in the most frequent colour of the picture. The
// colours are counted in cells of 12 levels, then refined by three rounds of
// averaging.
func flatBackground(m mosaic) *background {
	votes := map[[3]int]int{}
	var top [3]int
	for _, c := range m {
		key := [3]int{c[0] / 12, c[1] / 12, c[2] / 12}
		if votes[key]++; votes[key] > votes[top] {
			top = key
		}
	}
	mid := colour{top[0]*12 + 6, top[1]*12 + 6, top[2]*12 + 6}
	for range 3 {
		var sum colour
		n := 0
		for _, c := range m {
			if c.maxDiff(mid) <= 14 {
				sum[0], sum[1], sum[2] = sum[0]+c[0], sum[1]+c[1], sum[2]+c[2]
				n++
			}
		}
		if n == 0 {
			break
		}
		mid = colour{sum[0] / n, sum[1] / n, sum[2] / n}
	}
	g := &background{name: plainColour(mid), model: make(mosaic, blocks)}
	for i := range g.model {
		g.model[i] = mid
	}
	return g
}

// residueOf returns the blocks that a background does not explain. A block is
// marked if its mean, or at least two of its pixels, differ by more than the noise
// of the picture.
func residueOf(p picture, m mosaic, g *background) *residue {
	r := &residue{}
	pixel := max(24, 5*noiseLevel(p, g))
	for y := range rows {
		for x := range cols {
			i := y*cols + x
			extra := 0
			if g.slack != nil {
				extra = g.slack[i]
			}
			if m[i].maxDiff(g.model[i]) > blockSlack+extra ||
				countOutliers(p, x, y, g.model[i], pixel+extra) >= 2 {
				r.mark(x, y)
			}
		}
	}
	return r
}

// countOutliers returns how many pixels of a block differ from a colour by more
// than limit levels.
func countOutliers(p picture, bx, by int, c colour, limit int) int {
	n := 0
	for y := by * blockSide; y < (by+1)*blockSide; y++ {
		for x := bx * blockSide; x < (bx+1)*blockSide; x++ {
			if p.at(x, y).maxDiff(c) > limit {
				n++
			}
		}
	}
	return n
}

// noiseLevel estimates the standard deviation of the pixels from the background, in
// levels. It uses the median of the differences, which overlays barely change.
func noiseLevel(p picture, g *background) int {
	var counts [256]int
	total := 0
	for y := 1; y < height; y += 3 {
		for x := 1; x < width; x += 3 {
			counts[p.at(x, y).maxDiff(g.model[y/blockSide*cols+x/blockSide])]++
			total++
		}
	}
	seen := 0
	for diff, n := range counts {
		if seen += n; seen*2 >= total {
			return diff * 3 / 2
		}
	}
	return 0
}

// linearGradient models a picture that varies along one direction only, by any
// profile. The structure tensor of the gentle slopes gives the direction. Steep
// slopes are content or noise and are ignored.
func linearGradient(m mosaic) *background {
	var xx, xy, yy float64
	for y := 1; y < rows-1; y++ {
		for x := 1; x < cols-1; x++ {
			for ch := range 3 {
				dx := float64(m[y*cols+x+1][ch] - m[y*cols+x-1][ch])
				dy := float64(m[(y+1)*cols+x][ch] - m[(y-1)*cols+x][ch])
				if math.Abs(dx) < 28 && math.Abs(dy) < 28 {
					xx += dx * dx
					xy += dx * dy
					yy += dy * dy
				}
			}
		}
	}
	angle := math.Atan2(2*xy, xx-yy) / 2
	sin, cos := math.Sincos(angle)
	return gradientAlong(
		m,
		cause.PlainGradient(),
		func(x, y int) float64 {
			return float64(x)*cos + float64(y)*sin
		},
	)
}

// radialGradient models a picture that varies only with the distance from its
// centre.
func radialGradient(m mosaic) *background {
	return gradientAlong(m, cause.PlainRadialGradient(), func(x, y int) float64 {
		return math.Hypot(float64(2*x-cols+1)/2, float64(2*y-rows+1)/2)
	})
}

// gradientAlong models a picture as a function of one coordinate. Each value of the
// coordinate has the median colour of its blocks. It returns nil if the function
// has jumps, because a shaded background has none.
func gradientAlong(m mosaic, name cause.Cause, coordinate func(x, y int) float64) *background {
	lowest := math.Inf(1)
	highest := math.Inf(-1)
	at := make([]float64, blocks)
	for i := range at {
		at[i] = coordinate(i%cols, i/cols)
		lowest = min(lowest, at[i])
		highest = max(highest, at[i])
	}
	bins := make([][]int, int(highest-lowest)+1)
	for i := range at {
		b := int(at[i] - lowest)
		bins[b] = append(bins[b], i)
	}
	profile := medians(m, bins)
	g := &background{
		name:  name,
		model: make(mosaic, blocks),
		slack: make([]int, blocks),
	}
	for b, members := range bins {
		before := profile[max(b-1, 0)]
		after := profile[min(b+1, len(bins)-1)]
		steep := min(profile[b].maxDiff(before), profile[b].maxDiff(after))
		if b > 0 &&
			b+1 < len(bins) &&
			curvature(before, profile[b], after) > 12 {
			return nil
		}
		for _, i := range members {
			g.model[i], g.slack[i] = profile[b], steep
		}
	}
	return g
}

// curvature returns how far colour b lies from the midpoint of a and c, in levels.
func curvature(a, b, c colour) int {
	return b.maxDiff(colour{(a[0] + c[0]) / 2, (a[1] + c[1]) / 2, (a[2] + c[2]) / 2})
}

// medians returns the median colour of each bin. A bin with few members also uses
// those of its neighbours.
func medians(m mosaic, bins [][]int) []colour {
	out := make([]colour, len(bins))
	for b := range bins {
		var members []int
		for reach := 0; len(members) < 9 && reach < 8; reach++ {
			members = members[:0]
			for n := max(b-reach, 0); n <= min(b+reach, len(bins)-1); n++ {
				members = append(members, bins[n]...)
			}
		}
		values := make([]int, len(members))
		for ch := range 3 {
			for n, i := range members {
				values[n] = m[i][ch]
			}
			slices.Sort(values)
			if len(values) > 0 {
				out[b][ch] = values[len(values)/2]
			}
		}
	}
	return out
}

// plainColour returns the name of a background in one colour.
func plainColour(c colour) cause.Cause {
	value := fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
	return cause.PlainColour(colourName(c), value)
}

// colourName returns the English word for a colour.
func colourName(c colour) string {
	hi := max(c[0], c[1], c[2])
	lo := min(c[0], c[1], c[2])
	isGrey := hi-lo < 24+hi/10
	switch {
	case hi < 40:
		return "black"
	case isGrey && lo > 215:
		return "white"
	case isGrey:
		return "grey"
	default:
		return hueName(c, hi, lo)
	}
}

// hueName returns the name of a saturated colour, given its largest and smallest
// channel.
func hueName(c colour, hi, lo int) string {
	mid := (hi + lo) / 2
	names := [8]string{"grey", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}
	i := 0
	for ch := range 3 {
		if c[ch] > mid {
			i |= 1 << ch
		}
	}
	return names[i]
}
