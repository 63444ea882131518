package recorder

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// Sound is what a source records. The zero value is a track of digital silence.
type Sound struct {
	None       bool    // no sound track at all
	SampleRate int     // Hz; 0 is 48000
	Speech     float64 // level of the speaking voice, 0 to 1; 0 is none
	MarkEvery  int     // seconds from mark to mark (see package timecode); 0 is none
	Pilot      bool    // the tone whose phase is the time
	Silent     []Stretch
}

// Stretch is a period of real time, [From, Until).
type Stretch struct{ From, Until time.Time }

// TrueSound is sound for tests: marks each second, and the pilot tone.
func TrueSound() Sound {
	return Sound{MarkEvery: 1, Pilot: true}
}

// withDefaults replaces zero values by what they stand for.
func (s Sound) withDefaults() Sound {
	if s.SampleRate == 0 {
		s.SampleRate = 48000
	}
	return s
}

// trueRate returns the samples that a slow clock takes in a real second.
func (s Sound) trueRate(driftPPM int64) int64 {
	rate := int64(s.SampleRate)
	return rate - rate*driftPPM/1_000_000
}

// microphone makes the samples of one source.
type microphone struct {
	Sound
	rate  int64 // samples a second of the wall; SampleRate says how many a second of the file
	voice *voice
	marks *timecode.Marks
}

// newMicrophone returns the microphone of a source.
func newMicrophone(s Source, sound Sound, seed uint64) *microphone {
	m := &microphone{Sound: sound, rate: sound.trueRate(s.DriftPPM)}
	m.marks = timecode.NewMarks(int(m.rate), s.Octet)
	if sound.Speech > 0 {
		m.voice = newVoice(seed, m.rate)
	}
	return m
}

// write writes the samples of [from, from+length) as 16-bit little endian.
func (m *microphone) write(to io.Writer, from time.Time, length time.Duration) error {
	rate := int64(m.SampleRate)
	first := m.number(from)
	count := (int64(length/time.Second))*rate + (int64(length%time.Second)*rate+5e8)/1e9
	buf := make([]float64, rate)
	out := make([]byte, 2*rate)
	for done := int64(0); done < count; {
		n := min(rate, count-done)
		m.fill(buf[:n], first+done)
		for i, v := range buf[:n] {
			// #nosec G115 -- the sign bit is meant
			binary.LittleEndian.PutUint16(
				out[2*i:], uint16(int16(math.Round(32767*max(-1, min(1, v))))),
			)
		}
		if _, err := to.Write(out[:2*n]); err != nil {
			return fmt.Errorf("write samples: %w", err)
		}
		done += n
	}
	return nil
}

// number returns the sample of an instant, counted since the Unix epoch.
func (m *microphone) number(at time.Time) int64 {
	return at.Unix()*m.rate + (int64(at.Nanosecond())*m.rate+5e8)/1e9
}

// fill makes samples from number n since the Unix epoch.
func (m *microphone) fill(buf []float64, n int64) {
	clear(buf)
	if m.voice != nil {
		m.voice.add(buf, n, m.Speech)
	}
	if m.MarkEvery > 0 {
		m.marks.Add(buf, n, int64(m.MarkEvery))
	}
	if m.Pilot {
		m.marks.AddPilot(buf, n)
	}
	for _, s := range m.Silent {
		if a, b := max(m.number(s.From)-n, 0), min(m.number(s.Until)-n, int64(len(buf))); a < b {
			clear(buf[a:b])
		}
	}
}

// voice speaks without words: syllables of vowels and hisses in phrases, with pauses. The sound
// of an instant depends on the instant and the seed only.
type voice struct {
	seed uint64
	rate int64
	sine [1 << 12]float64
}

// newVoice returns a voice. rate is samples a real second.
func newVoice(seed uint64, rate int64) *voice {
	v := &voice{seed: seed, rate: rate}
	for i := range v.sine {
		v.sine[i] = math.Sin(2 * math.Pi * float64(i) / float64(len(v.sine)))
	}
	return v
}

// Syllables come five a second; a phrase is a row of them within syllablesAPhrase.
const (
	syllablesASecond = 5
	syllablesAPhrase = 22
)

// vowels are formant frequencies in Hz.
func vowels() [6][3]float64 {
	return [6][3]float64{
		{730, 1090, 2440},
		{530, 1840, 2480},
		{270, 2290, 3010},
		{570, 840, 2410},
		{300, 870, 2240},
		{490, 1350, 1690},
	}
}

// add mixes the voice into samples from number n since the Unix epoch.
func (v *voice) add(buf []float64, n int64, level float64) {
	length := v.rate / syllablesASecond
	hiss(buf, uint64(n), 0.0012*level) // #nosec G115 -- any bits do
	for at := 0; at < len(buf); {
		number := (n + int64(at)) / length
		into := (n + int64(at)) % length
		count := min(int64(len(buf)-at), length-into)
		v.syllable(buf[at:at+int(count)], number, into, length, level)
		at += int(count)
	}
}

// hiss adds the noise of a room, so that a pause is not digital silence.
func hiss(buf []float64, state uint64, level float64) {
	state = hash(state)
	for i := range buf {
		state = state*6364136223846793005 + 1442695040888963407
		buf[i] += level * float64(int64(state)>>40) / (1 << 23) // #nosec G115 -- the sign is meant
	}
}

// syllable adds a part of one syllable, beginning at sample into of length.
func (v *voice) syllable(buf []float64, number, into, length int64, level float64) {
	phrase := number / syllablesAPhrase
	place := number % syllablesAPhrase
	spoken := 9 + int64(hash(v.seed, uint64(phrase))%11) // #nosec G115 -- small
	if place >= spoken {
		return
	}
	// #nosec G115 -- any bits do
	h := hash(v.seed, uint64(number), 3)
	// falls over the phrase
	pitch := 128 - 26*float64(place)/float64(spoken) + float64(h%23) - 8
	// so does the voice
	loud := level * (0.55 + 0.45*float64(h>>8%100)/100) * (1 - 0.35*float64(place)/float64(spoken)) * 0.55
	partials := v.partials(pitch, vowels()[h>>16%6])
	breath := int64(0)
	if h>>24%3 == 0 {
		breath = length / 4
	}
	noise := uint64(number)*2654435761 + 1 // #nosec G115 -- any bits do
	last := 0.0
	for i := range buf {
		k := into + int64(i)
		if k < breath {
			noise = noise*6364136223846793005 + 1442695040888963407
			white := float64(int64(noise)>>40) / (1 << 23) // #nosec G115 -- the sign is meant
			buf[i] += 0.16 * loud * (white - last) * v.swell(k, breath)
			last = white
			continue
		}
		t := float64(k) / float64(v.rate)
		sum := 0.0
		for _, p := range partials {
			sum += p.level * v.sine[int(p.hz*t*float64(len(v.sine)))&(len(v.sine)-1)]
		}
		buf[i] += loud * sum * v.swell(k-breath, length-breath)
	}
}

// swell returns the loudness at sample k of a sound: a soft rise, then a longer fall.
func (v *voice) swell(k, length int64) float64 {
	x := float64(k) / float64(length)
	if x < 0.2 {
		return math.Sin(math.Pi / 2 * x / 0.2)
	}
	y := math.Cos(math.Pi / 2 * (x - 0.2) / 0.8)
	return y * math.Sqrt(max(0, y))
}

// partial is one harmonic of a tone.
type partial struct{ hz, level float64 }

// partials returns the harmonics of a pitch, weighted by the formants of a vowel.
func (v *voice) partials(pitch float64, formants [3]float64) []partial {
	var all []partial
	for hz := pitch; hz < 3400; hz += pitch {
		level := 0.02
		for i, f := range formants {
			width := 70 + 50*float64(i)
			level += [3]float64{1, 0.5, 0.25}[i] / (1 + (hz-f)*(hz-f)/(width*width))
		}
		if level *= 1 / (1 + hz/1800); level > 0.012 {
			all = append(all, partial{hz, 0.5 * level})
		}
	}
	return all
}
