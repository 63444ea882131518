package presence

import (
	"fmt"
	"image"
	"math"
	"slices"
)

// background is what a picture would be without content: a colour for each block, and how much a pixel
// may differ from it.
type background struct {
	name  string // "plain blue", "plain gradient"
	model mosaic
	slack []int // per block, more than the usual tolerance, where the model is steep
}

// residue is what a ground leaves unexplained.
type residue struct {
	mask  [blocks]bool
	count int
	box   image.Rectangle // in blocks
}

func (r *residue) mark(x, y int) {
	if i := y*cols + x; !r.mask[i] {
		r.mask[i] = true
		r.count++
		r.box = r.box.Union(image.Rect(x, y, x+1, y+1))
	}
}

// percent is the residue in per cent of the picture.
func (r *residue) percent() float64 { return 100 * float64(r.count) / blocks }

// isScattered says whether the residue is a few blocks far from one another: grains of noise that a
// coarse encoder kept. Nothing written or drawn is so small.
func (r *residue) isScattered() bool {
	if r.count > maxGrains {
		return false
	}
	for i, marked := range r.mask {
		if !marked {
			continue
		}
		x, y := i%cols, i/cols
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
	// blockSlack is how far the mean of a block may be from its ground: coding errors and banding.
	blockSlack = 10
	// maxSpecks is how many blocks may differ unnoticed: dirt, a dead pixel.
	maxSpecks = 2
	// maxGrains is how many single blocks may differ, each away from the others.
	maxGrains = blocks / 200
	// overlayFraction is the share of blocks (1 in …) up to which a residue can be an overlay.
	overlayFraction = 4
)

// fitBackground explains a picture by a ground without content, and says what is left. Nil if no such ground
// explains three quarters of it.
func fitBackground(p picture, m mosaic, busy int) (*background, *residue) {
	if busy > 2*1000/overlayFraction {
		return nil, nil // edges everywhere: no ground explains them
	}
	flat := flatBackground(m)
	best, left := flat, residueOf(p, m, flat)
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
			best, left = g, r
		}
	}
	return ifSparse(best, left)
}

func ifSparse(g *background, left *residue) (*background, *residue) {
	if left.count > blocks/overlayFraction {
		return nil, nil
	}
	return g, left
}

// flatBackground is the most frequent colour.
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
	g := &background{name: "plain " + colourName(mid), model: make(mosaic, blocks)}
	for i := range g.model {
		g.model[i] = mid
	}
	return g
}

// residueOf marks the blocks whose mean, or at least two of whose pixels, differ from the ground
// by more than the picture's own noise can.
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
			if m[i].maxDiff(g.model[i]) > blockSlack+extra || countOutliers(p, x, y, g.model[i], pixel+extra) >= 2 {
				r.mark(x, y)
			}
		}
	}
	return r
}

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

// noiseLevel is the median difference of pixels from the ground, as a standard deviation.
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

// linearGradient is a picture that varies along one direction only: linear gradients of any profile. The
// direction is that of the gentle slopes; steep ones are content or noise.
func linearGradient(m mosaic) *background {
	var xx, xy, yy float64
	for y := 1; y < rows-1; y++ {
		for x := 1; x < cols-1; x++ {
			for ch := range 3 {
				dx := float64(m[y*cols+x+1][ch] - m[y*cols+x-1][ch])
				dy := float64(m[(y+1)*cols+x][ch] - m[(y-1)*cols+x][ch])
				if math.Abs(dx) < 28 && math.Abs(dy) < 28 {
					xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
				}
			}
		}
	}
	angle := math.Atan2(2*xy, xx-yy) / 2
	sin, cos := math.Sincos(angle)
	return gradientAlong(m, "plain gradient", func(x, y int) float64 { return float64(x)*cos + float64(y)*sin })
}

// radialGradient is a picture that varies with the distance from its centre only.
func radialGradient(m mosaic) *background {
	return gradientAlong(m, "plain radial gradient", func(x, y int) float64 {
		return math.Hypot(float64(2*x-cols+1)/2, float64(2*y-rows+1)/2)
	})
}

// gradientAlong models a picture as a function of one coordinate: the median colour at each of its values.
// Nil if the function has jumps: that is drawn, not shaded.
func gradientAlong(m mosaic, name string, coordinate func(x, y int) float64) *background {
	lowest, highest := math.Inf(1), math.Inf(-1)
	at := make([]float64, blocks)
	for i := range at {
		at[i] = coordinate(i%cols, i/cols)
		lowest, highest = min(lowest, at[i]), max(highest, at[i])
	}
	bins := make([][]int, int(highest-lowest)+1)
	for i := range at {
		b := int(at[i] - lowest)
		bins[b] = append(bins[b], i)
	}
	profile := medians(m, bins)
	g := &background{name: name, model: make(mosaic, blocks), slack: make([]int, blocks)}
	for b, members := range bins {
		before, after := profile[max(b-1, 0)], profile[min(b+1, len(bins)-1)]
		steep := min(profile[b].maxDiff(before), profile[b].maxDiff(after))
		if b > 0 && b+1 < len(bins) && curvature(before, profile[b], after) > 12 {
			return nil
		}
		for _, i := range members {
			g.model[i], g.slack[i] = profile[b], steep
		}
	}
	return g
}

// curvature is how far the middle of three colours is from lying between the others.
func curvature(a, b, c colour) int {
	return b.maxDiff(colour{(a[0] + c[0]) / 2, (a[1] + c[1]) / 2, (a[2] + c[2]) / 2})
}

// medians is the median colour of each bin; a bin of few members takes its neighbours' too.
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

// colourName is a word for a colour and its value.
func colourName(c colour) string {
	hi, lo := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	var word string
	switch {
	case hi < 40:
		word = "black"
	case hi-lo < 24+hi/10 && lo > 215:
		word = "white"
	case hi-lo < 24+hi/10:
		word = "grey"
	default:
		word = hueName(c, hi, lo)
	}
	return fmt.Sprintf("%s (#%02x%02x%02x)", word, c[0], c[1], c[2])
}

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
