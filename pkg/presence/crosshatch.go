package presence

import (
	"math"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
)

// matchCrosshatch recognises checkerboards and crosshatches that fill the picture.
// It returns no cause for anything else.
func matchCrosshatch(p picture) cause.Cause {
	light := p.lumas()
	if lines := matchLines(light); !lines.IsZero() {
		return lines
	}
	for i := range light {
		light[i] = 255 - light[i]
	}
	if lines := matchLines(light); !lines.IsZero() {
		return lines
	}
	if !isTwoTone(light) {
		return cause.Cause{}
	}
	return matchCheckerboard(light)
}

// lumas returns the luma of each pixel, 0 to 255.
func (p picture) lumas() []int {
	out := make([]int, width*height)
	for i := range out {
		out[i] = (54*int(p[3*i]) + 183*int(p[3*i+1]) + 19*int(p[3*i+2])) >> 8
	}
	return out
}

// matchLines recognises evenly spaced light lines in both directions. A line is
// light almost everywhere, so the 15th percentile of its row or column stands out.
func matchLines(light []int) cause.Cause {
	inRow := make([]int, height)
	for y := range height {
		inRow[y] = percentile(light[y*width:(y+1)*width], 15)
	}
	across := brightLines(inRow)
	if !isEvenlySpaced(across) {
		return cause.Cause{}
	}
	inCol := make([]int, width)
	column := make([]int, height)
	for x := range width {
		for y := range height {
			column[y] = light[y*width+x]
		}
		inCol[x] = percentile(column, 15)
	}
	down := brightLines(inCol)
	if !isEvenlySpaced(down) {
		return cause.Cause{}
	}
	wrong := 0
	for y := range height {
		for x := range width {
			// Either a line of one of the two ways or the ground.
			if abs(light[y*width+x]-max(inCol[x], inRow[y])) > 30 {
				wrong++
			}
		}
	}
	if wrong*100 > 5*width*height {
		return cause.Cause{}
	}
	return cause.Crosshatch(len(down), len(across))
}

// percentile returns the value below which p per cent of the values lie. Values
// range from 0 to 255.
func percentile(values []int, p int) int {
	var counts [256]int
	for _, v := range values {
		counts[v]++
	}
	below := len(values) * p / 100
	for v, n := range counts {
		if below -= n; below < 0 {
			return v
		}
	}
	return 255
}

// brightLines returns the middles of the runs that stand out from the median of a
// profile.
func brightLines(profile []int) []int {
	base := percentile(profile, 50)
	limit := base + max(16, (slices.Max(profile)-base)/3)
	var lines []int
	from := -1
	for i := range len(profile) + 1 {
		above := i < len(profile) && profile[i] > limit
		if above && from < 0 {
			from = i
		}
		if !above && from >= 0 {
			lines = append(lines, (from+i)/2)
			from = -1
		}
	}
	return lines
}

// isEvenlySpaced reports whether there are at least five lines at equal distances.
func isEvenlySpaced(lines []int) bool {
	if len(lines) < 5 {
		return false
	}
	step := (lines[len(lines)-1] - lines[0]) / (len(lines) - 1)
	for i := 1; i < len(lines); i++ {
		if abs(lines[i]-lines[i-1]-step) > max(2, step/5) {
			return false
		}
	}
	return true
}

// isTwoTone reports whether three quarters of the pixels are close to the lightest
// or the darkest level. It is cheap and precedes matchCheckerboard.
func isTwoTone(light []int) bool {
	lowest := percentile(light, 5)
	highest := percentile(light, 95)
	if highest-lowest < 48 {
		return false
	}
	n := 0
	for _, v := range light {
		if v-lowest < (highest-lowest)/4 || highest-v < (highest-lowest)/4 {
			n++
		}
	}
	return n*100 >= 75*len(light)
}

// matchCheckerboard recognises a picture that is the product of a pattern down and
// a pattern across. A power iteration finds the best product.
func matchCheckerboard(light []int) cause.Cause {
	mean := 0
	for _, v := range light {
		mean += v
	}
	mean /= len(light)
	down := make([]float64, width)
	across := make([]float64, height)
	for x := range width {
		down[x] = float64(light[(height/7)*width+x] - mean)
	}
	var energy, fit float64
	for range 4 { // power iteration: the best product of the two patterns
		project(light, mean, down, across)
		fit = projectDown(light, mean, across, down)
	}
	for _, v := range light {
		energy += float64((v - mean) * (v - mean))
	}
	if energy < 900*width*height || fit*fit < 0.8*energy {
		return cause.Cause{}
	}
	a := signChanges(down)
	b := signChanges(across)
	if !isEvenlySpaced(a) || !isEvenlySpaced(b) {
		return cause.Cause{}
	}
	return cause.Checkerboard(len(a)+1, len(b)+1)
}

// project sets across to the picture projected on down, and scales it to length
// one.
func project(light []int, mean int, down, across []float64) {
	for y := range height {
		across[y] = 0
		for x := range width {
			across[y] += float64(light[y*width+x]-mean) * down[x]
		}
	}
	normalise(across)
}

// projectDown sets down to the picture projected on across. It returns its length
// before scaling.
func projectDown(light []int, mean int, across, down []float64) float64 {
	for x := range width {
		down[x] = 0
		for y := range height {
			down[x] += float64(light[y*width+x]-mean) * across[y]
		}
	}
	return normalise(down)
}

// normalise scales a vector to length one and returns its former length.
func normalise(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	length := math.Sqrt(sum)
	for i := range v {
		if length > 0 {
			v[i] /= length
		}
	}
	return length
}

// signChanges returns the positions where a pattern changes its sign.
func signChanges(v []float64) []int {
	var at []int
	for i := 1; i < len(v); i++ {
		if (v[i] > 0) != (v[i-1] > 0) {
			at = append(at, i)
		}
	}
	return at
}
