// Package align measures how much later one microphone of a room hears than another, and how fast their clocks
// run apart.
//
// [Correlator] compares two stretches of sound by generalised cross-correlation with phase transform
// (GCC-PHAT; Knapp and Carter, "The generalized correlation method for estimation of time delay", 1976). [Fit]
// puts a line through the lags of several stretches, or says that they do not agree. The package knows no
// files and no clock.
package align

import (
	"math"
	"math/cmplx"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
)

const (
	// Rate is the sample rate of compared sound, in Hz. Speech has its energy below half of it.
	Rate = 8000
	// Length is how long the compared stretches are.
	Length = 10 * time.Second
	// MostLag is the largest lag that is looked for, to either side.
	MostLag = 2 * time.Second

	lengthSamples = int(Length/time.Second) * Rate
	lagSamples    = int(MostLag/time.Second) * Rate
	fftSamples    = 1 << 17 // holds a stretch and the lags at both of its sides
)

const (
	// lowestHz and highestHz bound what is compared: mains hum is below, and noise of the encoders above.
	lowestHz, highestHz = 150, 3600
	// whitening is the power of the magnitude by which a frequency is divided. 1 is the phase transform, which
	// weights noise like speech; less gives more weight to what is loud.
	whitening = 0.8
	// nearPeak is how far from the highest correlation another may be and still belong to it: early reflections.
	nearPeak = Rate / 40
	// leastRMS is the level under which a stretch counts as silent: -66 dBFS.
	leastRMS = 0.0005
	// leastPower is the power of a frequency under which it is left out. It is far below that of any sound.
	leastPower = 1e-12
)

// Correlator compares stretches of sound. It is not safe for concurrent use.
type Correlator struct {
	fft      *fourier.FFT
	buffer   []float64
	from, to []complex128
}

// NewCorrelator returns a correlator.
func NewCorrelator() *Correlator {
	return &Correlator{
		fft:    fourier.NewFFT(fftSamples),
		buffer: make([]float64, fftSamples),
	}
}

// Lag is the result of a comparison.
type Lag struct {
	At    time.Duration // middle of the stretch, on the time axis of the caller
	Lag   time.Duration // by which the other source hears later; negative: earlier
	Ratio float64       // of the highest correlation to the next one that is apart from it; 0 if a stretch is silent
}

// Compare returns the lag at which the middle of other, of [Length], is most like reference, which begins
// [MostLag] before it and ends [MostLag] after it. Both are mono at [Rate]. A drift smears what is compared, so
// that of the clock of other, in parts in a million, is taken out first.
func (c *Correlator) Compare(reference, other []float32, driftPPM float64) Lag {
	if len(reference) < lengthSamples+2*lagSamples || len(other) < lengthSamples ||
		rms(reference) < leastRMS || rms(other) < leastRMS {
		return Lag{}
	}
	c.from = c.transform(c.from, reference[:lengthSamples+2*lagSamples])
	c.to = c.transform(c.to, withoutDrift(other[:lengthSamples], driftPPM))
	for i := range c.from {
		hz := float64(i) * Rate / fftSamples
		cross := c.from[i] * cmplx.Conj(c.to[i])
		power := cmplx.Abs(cross)
		if hz < lowestHz || hz > highestHz || power < leastPower {
			c.from[i] = 0
			continue
		}
		c.from[i] = cross / complex(math.Pow(power, whitening), 0)
	}
	correlation := c.fft.Sequence(c.buffer, c.from)[:2*lagSamples+1]
	return lagOf(correlation)
}

// withoutDrift returns sound as a clock without drift would have taken it. Its middle stays where it is.
func withoutDrift(sound []float32, ppm float64) []float32 {
	if ppm == 0 {
		return sound
	}
	out := make([]float32, len(sound))
	middle := float64(len(sound)) / 2
	for i := range out {
		at := middle + (float64(i)-middle)*(1+ppm/1e6)
		whole := int(at)
		if whole < 0 || whole+1 >= len(sound) {
			continue
		}
		part := float32(at - float64(whole))
		out[i] = sound[whole]*(1-part) + sound[whole+1]*part
	}
	return out
}

// transform returns the spectrum of sound, faded in and out so that its edges are not taken for clicks.
func (c *Correlator) transform(spectrum []complex128, sound []float32) []complex128 {
	const fade = Rate / 10
	clear(c.buffer)
	for i, s := range sound {
		edge := min(i, len(sound)-1-i)
		c.buffer[i] = float64(s) * min(1, float64(edge)/fade)
	}
	return c.fft.Coefficients(spectrum, c.buffer)
}

// lagOf finds the peak of a correlation whose index is the position of the stretch in the reference.
func lagOf(correlation []float64) Lag {
	best := 0
	for i, v := range correlation {
		if v > correlation[best] {
			best = i
		}
	}
	next := 0.0
	for i, v := range correlation {
		if (i < best-nearPeak || i > best+nearPeak) && v > next {
			next = v
		}
	}
	if next == 0 || best == 0 || best == len(correlation)-1 {
		return Lag{} // the peak may be beyond the lags that are looked for
	}
	// The stretch stands later in the reference if the other source hears earlier.
	position := float64(best) + vertex(correlation, best)
	return Lag{
		Lag:   time.Duration(math.Round((float64(lagSamples) - position) * float64(time.Second) / Rate)),
		Ratio: correlation[best] / next,
	}
}

// vertex returns where between its neighbours a peak is that has two, from -0.5 to 0.5 samples, by a parabola.
func vertex(correlation []float64, peak int) float64 {
	before, at, after := correlation[peak-1], correlation[peak], correlation[peak+1]
	curve := before - 2*at + after
	if curve == 0 {
		return 0
	}
	return (before - after) / (2 * curve)
}

func rms(sound []float32) float64 {
	sum := 0.0
	for _, s := range sound {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(sound)))
}

// Decimate appends sound, mono at each times [Rate], to sound at [Rate]. What is left over, less than a sample at
// [Rate], is dropped.
func Decimate(to, sound []float32, each int) []float32 {
	for i := 0; i+each <= len(sound); i += each {
		sum := float32(0)
		for _, s := range sound[i : i+each] {
			sum += s
		}
		to = append(to, sum/float32(each))
	}
	return to
}
