package speech

import (
	"math"
	"math/cmplx"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/nvr-miem/merger/pkg/captions"
)

// Music is told from a voice by its tones: they stand at one pitch, while that of a voice glides all the
// time and stops at every consonant.
const (
	toneRate   = 8000 // Hz
	toneWindow = 512  // samples, 64 ms
	toneHop    = toneWindow / 2
	// toneLowest and toneHighest bound where the strongest tone is looked for, Hz.
	toneLowest, toneHighest = 80, 2000
	// toneDrift is how far the pitch of a tone moves from one window to the next, at most, as a part of it.
	toneDrift = 0.01
	// toneWindows is how many windows a tone lasts at least.
	toneWindows = 5
	// musicWindows is how many windows are looked at, about 3 s, and musicShare the part of them with a tone,
	// in music.
	musicWindows = 94
	musicShare   = 0.7
	// onsetBlocks is how many blocks of another sound seem to be a voice as it follows music.
	onsetBlocks = 15
)

// toneMeter finds steady tones in samples of toneRate.
type toneMeter struct {
	fft     *fourier.FFT
	samples []float64 // of the window that is not complete
	pitch   float64   // of the last window; 0 for none
	run     int       // windows of the same pitch up to the last one
	tonal   []bool    // of each window
}

func newToneMeter() *toneMeter {
	return &toneMeter{fft: fourier.NewFFT(toneWindow)}
}

// add adds decoded samples. It implements the callback of [ffmpeg.Tool.DecodeMono].
func (m *toneMeter) add(pts int64, samples []float32) error {
	have := int64(len(m.tonal)*toneHop + len(m.samples))
	for ; have < pts; have++ {
		m.sample(0) // a gap
	}
	for _, s := range samples {
		m.sample(float64(s))
	}
	return nil
}

func (m *toneMeter) sample(s float64) {
	m.samples = append(m.samples, s)
	if len(m.samples) < toneWindow {
		return
	}
	m.window()
	m.samples = append(m.samples[:0], m.samples[toneHop:]...)
}

// window looks at a complete window.
func (m *toneMeter) window() {
	pitch := m.strongest()
	if pitch > 0 && m.pitch > 0 && math.Abs(pitch/m.pitch-1) <= toneDrift {
		m.run++
	} else {
		m.run = 1
	}
	m.pitch = pitch
	m.tonal = append(m.tonal, pitch > 0 && m.run >= toneWindows)
	if m.run == toneWindows {
		for i := range toneWindows {
			m.tonal[len(m.tonal)-1-i] = true
		}
	}
}

// strongest returns the frequency of the strongest tone in Hz, or 0 in silence.
func (m *toneMeter) strongest() float64 {
	weighted := make([]float64, toneWindow)
	for i, s := range m.samples {
		weighted[i] = s * (0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/toneWindow))
	}
	spectrum := m.fft.Coefficients(nil, weighted)
	power := func(i int) float64 { return math.Log(cmplx.Abs(spectrum[i]) + 1e-9) }
	const first, last = toneLowest * toneWindow / toneRate, toneHighest * toneWindow / toneRate
	best := first
	for i := first; i <= last; i++ {
		if power(i) > power(best) {
			best = i
		}
	}
	const faint = 1e-3 // of the sum of a window
	if cmplx.Abs(spectrum[best]) < faint {
		return 0
	}
	// The top of the parabola through the three bins around the strongest one.
	before, top, behind := power(best-1), power(best), power(best+1)
	shift := 0.0
	if bend := before - 2*top + behind; bend < 0 {
		shift = (before - behind) / bend / 2
	}
	return (float64(best) + shift) * toneRate / toneWindow
}

// mute clears the voice of blocks that are music: those between the first and the last tone of a window that
// consists of tones. What is left beside music has to be longer than an onset.
func (m *toneMeter) mute(blocks []captions.Block) {
	music := make([]bool, len(blocks)+2) // of each block, with one before and one behind
	tones := 0                           // in the window that ends with i
	for i, tonal := range m.tonal {
		if tonal {
			tones++
		}
		if i >= musicWindows && m.tonal[i-musicWindows] {
			tones--
		}
		if float64(tones) < musicShare*musicWindows {
			continue
		}
		first, last := max(0, i-musicWindows+1), i
		for !m.tonal[first] {
			first++
		}
		for !m.tonal[last] {
			last--
		}
		for k := blockOf(first); k <= blockOf(last+1) && k < len(blocks); k++ {
			music[k+1] = true
			blocks[k].Voice = false
		}
	}
	for first := 0; first < len(blocks); first++ {
		end := first
		for end < len(blocks) && blocks[end].Voice {
			end++
		}
		if (music[first] || music[end+1]) && end-first <= onsetBlocks {
			for i := first; i < end; i++ {
				blocks[i].Voice = false
			}
		}
		first = end
	}
}

// blockOf returns the block in which a window begins.
func blockOf(window int) int {
	return int(time.Duration(window) * toneHop * time.Second / toneRate / captions.BlockLength)
}
