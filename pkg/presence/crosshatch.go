package presence

import (
	"fmt"
	"math"
	"slices"
)

// matchCrosshatch recognises checkerboards and crosshatches over the whole picture, and nothing else on it.
// It returns "" for anything else.
func matchCrosshatch(p picture) string {
	light := p.lumas()
	if cause := matchLines(light); cause != "" {
		return cause
	}
	for i := range light {
		light[i] = 255 - light[i]
	}
	if cause := matchLines(light); cause != "" {
		return cause
	}
	if !isTwoTone(light) {
		return ""
	}
	return matchCheckerboard(light)
}

func (p picture) lumas() []int {
	out := make([]int, width*height)
	for i := range out {
		out[i] = (54*int(p[3*i]) + 183*int(p[3*i+1]) + 19*int(p[3*i+2])) >> 8
	}
	return out
}

// matchLines recognises light lines on a darker ground, evenly spaced both ways. A column that is a
// line is light nearly everywhere, so its 15th percentile stands out; likewise a row.
func matchLines(light []int) string {
	inRow := make([]int, height)
	for y := range height {
		inRow[y] = percentile(light[y*width:(y+1)*width], 15)
	}
	across := brightLines(inRow)
	if !isEvenlySpaced(across) {
		return ""
	}
	inCol, column := make([]int, width), make([]int, height)
	for x := range width {
		for y := range height {
			column[y] = light[y*width+x]
		}
		inCol[x] = percentile(column, 15)
	}
	down := brightLines(inCol)
	if !isEvenlySpaced(down) {
		return ""
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
		return ""
	}
	return fmt.Sprintf("crosshatch of %d by %d lines, nothing else", len(down), len(across))
}

// percentile is the value below which p per cent of values from 0 to 255 lie.
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

// brightLines finds the middles of runs that stand out from the median.
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

// isEvenlySpaced says whether there are at least five lines evenly spaced from edge to edge.
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

// isTwoTone is a cheap look before checkered: most pixels are nearly the lightest or the darkest.
func isTwoTone(light []int) bool {
	lowest, highest := percentile(light, 5), percentile(light, 95)
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

// matchCheckerboard recognises a picture that is the product of a pattern down and a pattern across.
func matchCheckerboard(light []int) string {
	mean := 0
	for _, v := range light {
		mean += v
	}
	mean /= len(light)
	down, across := make([]float64, width), make([]float64, height)
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
		return ""
	}
	a, b := signChanges(down), signChanges(across)
	if !isEvenlySpaced(a) || !isEvenlySpaced(b) {
		return ""
	}
	return fmt.Sprintf("checkerboard of %d by %d, nothing else", len(a)+1, len(b)+1)
}

// project makes across the picture seen along down, of length one.
func project(light []int, mean int, down, across []float64) {
	for y := range height {
		across[y] = 0
		for x := range width {
			across[y] += float64(light[y*width+x]-mean) * down[x]
		}
	}
	normalise(across)
}

func projectDown(light []int, mean int, across, down []float64) float64 {
	for x := range width {
		down[x] = 0
		for y := range height {
			down[x] += float64(light[y*width+x]-mean) * across[y]
		}
	}
	return normalise(down)
}

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

// signChanges is where a pattern changes its sign.
func signChanges(v []float64) []int {
	var at []int
	for i := 1; i < len(v); i++ {
		if (v[i] > 0) != (v[i-1] > 0) {
			at = append(at, i)
		}
	}
	return at
}
