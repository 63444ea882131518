package timecode

import "math"

// Sound that tells the truth. At each full second (or each n-th) a mark: a burst of three tones
// under a Hann window, 80 ms long, centred on the second. The tones say which second (tens and
// units of the Unix time modulo 100) and which source (its octet modulo 10). Under it a quiet
// pilot tone runs whose phase follows from the time alone, the same for all sources: a joint that
// is off by a sample shows as a step of the phase.
const (
	// MarkLength is the length of a mark in milliseconds.
	MarkLength = 80

	// Hz, of digit 0. They have no common divisor, so that their phases agree in one place only.
	tensTone, unitsTone, sourceTone = 4027, 5261, 2813
	toneStep                        = 100 // Hz from digit to digit

	// PilotHz divides a second, so that the phase is the same at each full second.
	PilotHz = 440
)

// mark levels, of full scale 1.
const (
	toneLevel  = 0.09
	pilotLevel = 0.06
)

// Marks is a table of the marks of one source at one sample rate, for fast mixing.
type Marks struct {
	rate   int
	window []float64
	tens   [10][]float64
	units  [10][]float64
	source []float64
	pilot  []float64 // one second
}

// NewMarks prepares the marks of a source (last digit of its octet) at a sample rate in Hz.
func NewMarks(rate int, source string) *Marks {
	half := rate * MarkLength / 2000
	m := &Marks{
		rate:   rate,
		window: make([]float64, 2*half+1),
		pilot:  make([]float64, rate),
	}
	for i := range m.window {
		m.window[i] = 0.5 + 0.5*math.Cos(math.Pi*float64(i-half)/float64(half))
	}
	for d := range 10 {
		m.tens[d] = m.burst(tensTone + toneStep*d)
		m.units[d] = m.burst(unitsTone + toneStep*d)
	}
	digit := 0
	if source != "" {
		digit = int(source[len(source)-1]-'0') % 10
	}
	m.source = m.burst(sourceTone + toneStep*digit)
	for i := range m.pilot {
		m.pilot[i] = pilotLevel * math.Sin(2*math.Pi*float64(PilotHz*i%rate)/float64(rate))
	}
	return m
}

// burst returns one tone of a mark, with phase 0 in the middle.
func (m *Marks) burst(hz int) []float64 {
	out := make([]float64, len(m.window))
	for i, w := range m.window {
		out[i] = toneLevel * w * math.Sin(
			2*math.Pi*float64(hz)*float64(i-len(out)/2)/float64(m.rate),
		)
	}
	return out
}

// Add mixes marks into samples, one each every seconds. The first sample is number n since the
// Unix epoch.
func (m *Marks) Add(samples []float64, n int64, every int64) {
	half, rate := int64(len(m.window)/2), int64(m.rate)
	for second := (n - half) / rate; second*rate-half < n+int64(len(samples)); second++ {
		if second%every != 0 {
			continue
		}
		tens, units := m.tens[second/10%10], m.units[second%10]
		for i := range m.window {
			if at := second*rate - half + int64(i) - n; at >= 0 && at < int64(len(samples)) {
				samples[at] += tens[i] + units[i] + m.source[i]
			}
		}
	}
}

// AddPilot mixes the pilot tone into samples. The first sample is number n since the Unix epoch.
func (m *Marks) AddPilot(samples []float64, n int64) {
	for i := range samples {
		samples[i] += m.pilot[(n+int64(i))%int64(m.rate)]
	}
}
