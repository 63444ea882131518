package presence

import (
	"math"

	"github.com/nvr-miem/merger/pkg/cause"
)

// surfaceTerms is the number of terms of a surface of the second order: 1, x, y,
// x², xy, y².
const surfaceTerms = 6

// fitGradient models each channel as a surface of the second order. It repeats a
// least-squares fit five times with a shrinking tolerance, so that content does not
// bend the surface. It returns nil if fewer than half of the blocks take part.
func fitGradient(m mosaic) *background {
	g := &background{name: cause.PlainShading(), model: make(mosaic, blocks)}
	for ch := range 3 {
		limit := 255
		var surface [surfaceTerms]float64
		for range 5 {
			var ok bool
			surface, ok = fit(m, g.model, ch, limit)
			if !ok {
				return nil
			}
			for i := range m {
				g.model[i][ch] = clamp(int(math.Round(surfaceValue(surface, i))), 255)
			}
			limit = max(blockSlack, limit/3)
		}
	}
	return g
}

// basis returns the values of the surface terms at block i. Coordinates range from
// -0.5 to 0.5.
func basis(i int) [surfaceTerms]float64 {
	x := float64(i%cols)/cols - 0.5
	y := float64(i/cols)/rows - 0.5
	return [surfaceTerms]float64{1, x, y, x * x, x * y, y * y}
}

// surfaceValue evaluates a surface at block i.
func surfaceValue(surface [surfaceTerms]float64, i int) float64 {
	sum := 0.0
	for k, b := range basis(i) {
		sum += surface[k] * b
	}
	return sum
}

// fit returns the least-squares surface through the blocks within limit levels of
// the previous model. A limit of 255 takes all blocks.
func fit(m, before mosaic, ch, limit int) (surface [surfaceTerms]float64, ok bool) {
	var a [surfaceTerms][surfaceTerms + 1]float64
	n := 0
	for i := range m {
		if limit < 255 && abs(m[i][ch]-before[i][ch]) > limit {
			continue
		}
		n++
		b := basis(i)
		for r := range surfaceTerms {
			for c := range surfaceTerms {
				a[r][c] += b[r] * b[c]
			}
			a[r][surfaceTerms] += b[r] * float64(m[i][ch])
		}
	}
	if n < blocks/2 {
		return surface, false
	}
	return solve(a)
}

// solve solves a system of linear equations by Gaussian elimination with pivoting.
// It reports false if the system is singular.
func solve(a [surfaceTerms][surfaceTerms + 1]float64) (x [surfaceTerms]float64, ok bool) {
	for c := range surfaceTerms {
		pivot := c
		for r := c + 1; r < surfaceTerms; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		a[c], a[pivot] = a[pivot], a[c]
		if math.Abs(a[c][c]) < 1e-9 {
			return x, false
		}
		for r := range surfaceTerms {
			if r == c {
				continue
			}
			factor := a[r][c] / a[c][c]
			for k := c; k <= surfaceTerms; k++ {
				a[r][k] -= factor * a[c][k]
			}
		}
	}
	for c := range surfaceTerms {
		x[c] = a[c][surfaceTerms] / a[c][c]
	}
	return x, true
}
