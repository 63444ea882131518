package presence

import "math"

// surfaceTerms is how many terms a surface has: 1, x, y, x², xy, y².
const surfaceTerms = 6

// fitGradient is a picture whose channels each are a surface of the second order: gradients between the
// corners. It is fitted to the blocks that are near it, so that what lies on it does not bend it.
func fitGradient(m mosaic) *background {
	g := &background{name: "plain shading", model: make(mosaic, blocks)}
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

func basis(i int) [surfaceTerms]float64 {
	x, y := float64(i%cols)/cols-0.5, float64(i/cols)/rows-0.5
	return [surfaceTerms]float64{1, x, y, x * x, x * y, y * y}
}

func surfaceValue(surface [surfaceTerms]float64, i int) float64 {
	sum := 0.0
	for k, b := range basis(i) {
		sum += surface[k] * b
	}
	return sum
}

// fit is the least-squares surface through the blocks within limit of the model before it.
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

// solve is Gauss's elimination with pivots.
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
