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
	if cause := crosshatch(light); cause != "" {
		return cause
	}
	for i := range light {
		light[i] = 255 - light[i]
	}
	if cause := crosshatch(light); cause != "" {
		return cause
	}
	if !alternates(light) {
		return ""
	}
	return checkered(light)
}

func (p picture) lumas() []int {
	out := make([]int, wide*high)
	for i := range out {
		out[i] = (54*int(p[3*i]) + 183*int(p[3*i+1]) + 19*int(p[3*i+2])) >> 8
	}
	return out
}

// crosshatch recognises light lines on a darker ground, evenly spaced both ways. A column that is a
// line is light nearly everywhere, so its 15th percentile stands out; likewise a row.
func crosshatch(light []int) string {
	inRow := make([]int, high)
	for y := range high {
		inRow[y] = percentile(light[y*wide:(y+1)*wide], 15)
	}
	across := linesOf(inRow)
	if !regular(across) {
		return ""
	}
	inCol, column := make([]int, wide), make([]int, high)
	for x := range wide {
		for y := range high {
			column[y] = light[y*wide+x]
		}
		inCol[x] = percentile(column, 15)
	}
	down := linesOf(inCol)
	if !regular(down) {
		return ""
	}
	wrong := 0
	for y := range high {
		for x := range wide {
			// Either a line of one of the two ways or the ground.
			if abs(light[y*wide+x]-max(inCol[x], inRow[y])) > 30 {
				wrong++
			}
		}
	}
	if wrong*100 > 5*wide*high {
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

// linesOf finds the middles of runs that stand out from the median.
func linesOf(profile []int) []int {
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

// regular says whether there are at least five lines evenly spaced from edge to edge.
func regular(lines []int) bool {
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

// alternates is a cheap look before checkered: most pixels are nearly the lightest or the darkest.
func alternates(light []int) bool {
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

// checkered recognises a picture that is the product of a pattern down and a pattern across.
func checkered(light []int) string {
	mean := 0
	for _, v := range light {
		mean += v
	}
	mean /= len(light)
	down, across := make([]float64, wide), make([]float64, high)
	for x := range wide {
		down[x] = float64(light[(high/7)*wide+x] - mean)
	}
	var energy, fit float64
	for range 4 { // power iteration: the best product of the two patterns
		project(light, mean, down, across)
		fit = projectDown(light, mean, across, down)
	}
	for _, v := range light {
		energy += float64((v - mean) * (v - mean))
	}
	if energy < 900*wide*high || fit*fit < 0.8*energy {
		return ""
	}
	a, b := turns(down), turns(across)
	if !regular(a) || !regular(b) {
		return ""
	}
	return fmt.Sprintf("checkerboard of %d by %d, nothing else", len(a)+1, len(b)+1)
}

// project makes across the picture seen along down, of length one.
func project(light []int, mean int, down, across []float64) {
	for y := range high {
		across[y] = 0
		for x := range wide {
			across[y] += float64(light[y*wide+x]-mean) * down[x]
		}
	}
	normalise(across)
}

func projectDown(light []int, mean int, across, down []float64) float64 {
	for x := range wide {
		down[x] = 0
		for y := range high {
			down[x] += float64(light[y*wide+x]-mean) * across[y]
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

// turns is where a pattern changes its sign.
func turns(v []float64) []int {
	var at []int
	for i := 1; i < len(v); i++ {
		if (v[i] > 0) != (v[i-1] > 0) {
			at = append(at, i)
		}
	}
	return at
}
