package sound

import (
	"math"
	"time"
)

// million is the number of parts in which a clock's error is given.
const million = 1_000_000

// trueTime converts a time of a file whose clock is fast by ppm parts in a million to true time, both since the
// same instant.
func trueTime(d time.Duration, ppm int64) time.Duration {
	return d - time.Duration(int64(d)/(million+ppm)*ppm+int64(d)%(million+ppm)*ppm/(million+ppm))
}

// fileTime is the inverse of trueTime.
func fileTime(d time.Duration, ppm int64) time.Duration {
	return d + time.Duration(int64(d)/million*ppm+int64(d)%million*ppm/million)
}

// inFile converts a count of true samples to one of the file, whose clock is fast by ppm parts in a million: the whole
// samples, and the rest in parts of a million.
func inFile(n, ppm int64) (whole, rest int64) {
	at := n * (million + ppm)
	whole, rest = at/million, at%million
	if rest < 0 {
		whole, rest = whole-1, rest+million
	}
	return whole, rest
}

// taps is how many samples of the file make one, and phases how many places between two samples are tabled.
const (
	taps   = 32
	phases = 512
)

// kernel is a windowed sinc at phases+1 places, taps factors each.
type kernel [][taps]float32

func newKernel() kernel {
	table := make(kernel, phases+1)
	for p := range table {
		sum := 0.0
		var row [taps]float64
		for k := range row {
			x := float64(k-taps/2+1) - float64(p)/phases
			row[k] = 0.5 + 0.5*math.Cos(2*math.Pi*x/taps) // Hann's window
			if x != 0 {
				row[k] *= math.Sin(math.Pi*x) / (math.Pi * x)
			}
			sum += row[k]
		}
		for k := range row {
			table[p][k] = float32(row[k] / sum)
		}
	}
	return table
}

// resampler reads a take whose file was recorded by a clock that is off. What it gives depends on the position of a
// sample alone, wherever reading begins.
type resampler struct {
	player   *player
	kernel   kernel
	ppm      int64
	channels int
	next     int64     // the true sample that comes next, since the run's start
	first    int64     // the file's sample, since the run's start, that in begins with
	in       []float32 // interleaved
	out      []float32
}

// firstNeeded is the file's first sample that is needed for true sample n.
func firstNeeded(n, ppm int64) int64 {
	whole, _ := inFile(n, ppm)
	return whole - taps/2 + 1
}

// read gives the next n samples.
func (r *resampler) read(n int) ([]float32, error) {
	begin := firstNeeded(r.next, r.ppm)
	end := firstNeeded(r.next+int64(n)-1, r.ppm) + taps
	keep := r.in[int(begin-r.first)*r.channels:]
	r.in = append(make([]float32, 0, int(end-begin)*r.channels), keep...)
	r.first = begin
	if lack := int(end-begin) - len(r.in)/r.channels; lack > 0 {
		more, err := r.player.read(lack)
		if err != nil {
			return nil, err
		}
		r.in = append(r.in, more...)
	}
	if cap(r.out) < n*r.channels {
		r.out = make([]float32, n*r.channels)
	}
	out := r.out[:n*r.channels]
	for i := range n {
		r.interpolate(out[i*r.channels:(i+1)*r.channels], r.next+int64(i))
	}
	r.next += int64(n)
	return out, nil
}

// interpolate makes true sample n.
func (r *resampler) interpolate(out []float32, n int64) {
	whole, rest := inFile(n, r.ppm)
	in := r.in[int(whole-taps/2+1-r.first)*r.channels:]
	place := rest * phases
	a, b := &r.kernel[place/million], &r.kernel[place/million+1]
	mix := float32(place%million) / million
	clear(out)
	for k := range taps {
		factor := a[k] + mix*(b[k]-a[k])
		for c := range out {
			out[c] += factor * in[k*r.channels+c]
		}
	}
}
