package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Traits are what tells a voice from a hum in 100 ms of sound, and one channel from the other. Powers are mean
// squares in dB, K-weighted (ITU-R BS.1770); -Inf stands for digital silence.
type Traits struct {
	// PowerDB is the power of each channel. One channel is the first; then the second is silent.
	PowerDB [2]float32
	// VoiceDB is the power of each channel above voiceHz.
	VoiceDB [2]float32
	// Correlation is that of the two channels: 1 if they are equal, -1 if they cancel each other, 0 if one is
	// silent.
	Correlation float32
	// Periodicity is the correlation of the sound with itself one period of the mains ago, 50 or 60 Hz. It is
	// near 1 for a hum and its harmonics.
	Periodicity float32
}

// silentTraits returns the traits of digital silence.
func silentTraits() Traits {
	silent := float32(math.Inf(-1))
	return Traits{PowerDB: [2]float32{silent, silent}, VoiceDB: [2]float32{silent, silent}}
}

// voiceHz is where the band of a voice begins. Most of a hum and of rumble lies below.
const voiceHz = 250

// The periods of the mains in samples, 50 and 60 Hz.
const (
	period50 = SampleRate / 50
	period60 = SampleRate / 60
)

// periodStride is how many samples lie between two of those whose period is looked at: enough tell.
const periodStride = 7

// momentSamples is the number of samples in a moment.
const momentSamples = SampleRate / 10 / MomentsInLevel

// levelMeter measures interleaved samples in moments of 5 ms and in blocks of 100 ms.
type levelMeter struct {
	channels []channelMeter
	moments  []Moment
	traits   []Traits // of whole blocks

	cross  float64 // sum of the product of both channels in the block
	ago50  lagSums
	ago60  lagSums
	sample int // in the block
}

// channelMeter is the part of a levelMeter for one channel.
type channelMeter struct {
	weighting *kWeighting
	highPass  biquad
	history   [period50]float64 // weighted samples, a ring
	at        int               // in history

	power, voice float64 // sums of squares in the block
}

// lagSums collects the correlation of a sound with itself some time ago.
type lagSums struct{ product, now, then float64 }

// add adds a sample and the one that is a lag before it.
func (l *lagSums) add(now, then float64) {
	l.product += now * then
	l.now += now * now
	l.then += then * then
}

// correlation returns the correlation. It is 0 for silence.
func (l *lagSums) correlation() float32 {
	return correlation(l.product, l.now, l.then)
}

// correlation returns the normalised correlation from -1 to 1, of the sum of products and the two sums of
// squares. It is 0 if either signal is silent.
func correlation(product, one, other float64) float32 {
	const least = 1e-20 // a square; far below the quietest sample of 24 bits
	if one <= least || other <= least {
		return 0
	}
	return float32(max(-1, min(1, product/math.Sqrt(one*other))))
}

// newLevelMeter returns a meter for samples at 48 kHz, the only rate that its filters are for.
func newLevelMeter(channels int) *levelMeter {
	m := &levelMeter{channels: make([]channelMeter, channels)}
	for i := range m.channels {
		m.channels[i].weighting = newKWeighting()
		m.channels[i].highPass = newHighPass(voiceHz)
	}
	return m
}

// newHighPass returns a Butterworth high pass of the second order.
func newHighPass(hz float64) biquad {
	sin, cos := math.Sincos(2 * math.Pi * hz / SampleRate)
	alpha := sin / math.Sqrt2
	norm := 1 + alpha
	return biquad{
		b: [3]float64{(1 + cos) / 2 / norm, -(1 + cos) / norm, (1 + cos) / 2 / norm},
		a: [2]float64{-2 * cos / norm, (1 - alpha) / norm},
	}
}

// read measures all samples. It drops an incomplete moment at the end.
func (m *levelMeter) read(from io.Reader) error {
	raw := make([]byte, 4*len(m.channels)*momentSamples)
	samples := make([]float32, len(raw)/4)
	for {
		_, err := io.ReadFull(from, raw)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("measure loudness: %w", err)
		}
		readFloats(samples, raw)
		m.measure(samples)
	}
}

// measure adds the samples of one moment.
func (m *levelMeter) measure(samples []float32) {
	peak := 0.0
	before := m.power()
	n := len(m.channels)
	for at := 0; at < len(samples); at += n {
		product := 1.0
		for i := range m.channels {
			s := float64(samples[at+i])
			peak = max(peak, math.Abs(s))
			product *= m.next(&m.channels[i], s)
		}
		if n > 1 {
			m.cross += product
		}
		m.sample++
	}
	square := m.power() - before
	m.moments = append(m.moments, Moment{
		PeakDBFS: float32(20 * math.Log10(peak)),
		PowerDB:  powerDB(square, len(samples)),
	})
	if len(m.moments)%MomentsInLevel == 0 {
		m.endBlock()
	}
}

// next takes in one sample of a channel and returns it weighted.
func (m *levelMeter) next(c *channelMeter, sample float64) float64 {
	v := c.weighting.next(sample)
	voice := c.highPass.next(v)
	c.power += v * v
	c.voice += voice * voice
	if m.sample%periodStride == 0 {
		m.ago50.add(v, c.history[c.at])
		m.ago60.add(v, c.history[(c.at+period50-period60)%period50])
	}
	c.history[c.at] = v
	if c.at++; c.at == period50 {
		c.at = 0
	}
	return v
}

// power returns the sum of squares over all channels in the block so far.
func (m *levelMeter) power() float64 {
	sum := 0.0
	for i := range m.channels {
		sum += m.channels[i].power
	}
	return sum
}

// endBlock closes a block of 100 ms.
func (m *levelMeter) endBlock() {
	t := silentTraits()
	t.Periodicity = max(m.ago50.correlation(), m.ago60.correlation())
	for i := range m.channels {
		c := &m.channels[i]
		t.PowerDB[i] = powerDB(c.power, m.sample)
		t.VoiceDB[i] = powerDB(c.voice, m.sample)
	}
	if len(m.channels) > 1 {
		t.Correlation = correlation(m.cross, m.channels[0].power, m.channels[1].power)
	}
	for i := range m.channels {
		m.channels[i].power, m.channels[i].voice = 0, 0
	}
	m.traits = append(m.traits, t)
	m.cross, m.ago50, m.ago60, m.sample = 0, lagSums{}, lagSums{}, 0
}

// powerDB returns the mean of n squares in dB.
func powerDB(sum float64, n int) float32 {
	return float32(10 * math.Log10(sum/float64(n)))
}
