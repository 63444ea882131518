package timecode

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// Sound is the sound of a film as a player plays it.
type Sound struct {
	Rate    int       // Hz
	Samples []float32 // sample 0 is at time 0 of the film
	Breaks  []Break   // where the timestamps were not continuous
}

// Break is a gap between two frames of sound (By > 0, filled with zeros) or an overlap (By < 0,
// the later frame wins).
type Break struct {
	At time.Duration
	By time.Duration
}

// longest bounds the sound that is kept. Timestamps beyond it are an error.
const longest = 6 * time.Hour

// ReadSound decodes the sound of a film at 48 kHz.
func ReadSound(ctx context.Context, tool *ffmpeg.Tool, path string) (*Sound, error) {
	url, stop, err := serve(ctx, path)
	if err != nil {
		return nil, err
	}
	defer stop()
	s := &Sound{Rate: 48000}
	err = tool.DecodeMono(ctx, ffmpeg.URL(url), s.Rate, func(pts int64, samples []float32) error {
		if pts < 0 || pts > int64(longest/time.Second)*int64(s.Rate) {
			return fmt.Errorf("sound at sample %d", pts)
		}
		if by := pts - int64(len(s.Samples)); by != 0 {
			s.Breaks = append(s.Breaks, Break{At: s.time(len(s.Samples)), By: s.time(int(by))})
			s.Samples = append(s.Samples, make([]float32, max(0, by))...)[:pts]
		}
		s.Samples = append(s.Samples, samples...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the sound of %s: %w", path, err)
	}
	return s, nil
}

// time returns the film time of a sample.
func (s *Sound) time(sample int) time.Duration {
	return time.Duration(int64(sample) * int64(time.Second) / int64(s.Rate))
}

// Mark is a detected mark.
type Mark struct {
	At     time.Duration // of its middle, since the film's time 0; exact to about 10 µs
	Second int           // Unix time modulo 100
	Source int           // last digit of the source's octet
	Level  float64       // of its tones, full scale 1
}

// Instant returns the instant that the mark names: the candidate nearest to near.
func (m Mark) Instant(near time.Time) time.Time {
	base := near.Round(time.Second).Unix()
	// 50 more than the distance, which is -50 to 49
	ahead := ((int64(m.Second)-base)%100 + 150) % 100
	return time.Unix(base+ahead-50, 0).In(near.Location())
}

// quietest is the least level of an accepted mark: 18 dB below the written level.
const quietest = toneLevel / 8

// Marks returns the marks in order. A mark that is cut by an end of the sound or by a gap is left
// out.
func (s *Sound) Marks() []Mark {
	e := newEar(s)
	hop := s.Rate / 50
	var found []Mark
	for at := 0; at < len(s.Samples); at += hop {
		level := e.level(sourceTone, at)
		if level < quietest*0.6 || level < e.level(sourceTone, at-hop) ||
			level <= e.level(sourceTone, at+hop) {
			continue // the middle of a mark is near a local maximum only
		}
		if mark, ok := e.mark(at); ok {
			found = append(found, mark)
		}
	}
	return found
}

// ear correlates the sound with tones under a Hann window of a mark's length.
type ear struct {
	sound *Sound
	half  int
	// by frequency: window times conjugate tone, scaled to the amplitude
	tones  map[int][]complex128
	levels map[int]float64 // of the source tones, by place
}

// newEar prepares the correlation.
func newEar(s *Sound) *ear {
	return &ear{
		sound:  s,
		half:   s.Rate * MarkLength / 2000,
		tones:  map[int][]complex128{},
		levels: map[int]float64{},
	}
}

// hear returns amplitude and phase of a tone around a sample.
func (e *ear) hear(hz, at int) complex128 {
	tone, ok := e.tones[hz]
	if !ok {
		tone = make([]complex128, 2*e.half+1)
		for i := range tone {
			w := (0.5 + 0.5*math.Cos(
				math.Pi*float64(i-e.half)/float64(e.half),
			)) / (0.375 * float64(e.half))
			sin, cos := math.Sincos(
				2 * math.Pi * float64(hz) * float64(i-e.half) / float64(e.sound.Rate),
			)
			tone[i] = complex(w*cos, -w*sin)
		}
		e.tones[hz] = tone
	}
	var re, im float64
	from := at - e.half
	for i := max(0, -from); i < len(tone) && from+i < len(e.sound.Samples); i++ {
		x := float64(e.sound.Samples[from+i])
		re += x * real(tone[i])
		im += x * imag(tone[i])
	}
	return complex(re, im)
}

// level returns the amplitude of the strongest of the ten tones from hz on.
func (e *ear) level(hz, at int) float64 {
	if level, ok := e.levels[at]; ok && hz == sourceTone {
		return level
	}
	_, level := e.digit(hz, at)
	if hz == sourceTone {
		e.levels[at] = level
	}
	return level
}

// digit returns the strongest of the ten tones from hz on, and its amplitude.
func (e *ear) digit(hz, at int) (digit int, level float64) {
	for d := range 10 {
		c := e.hear(hz+d*toneStep, at)
		if a := math.Hypot(real(c), imag(c)); a > level {
			digit, level = d, a
		}
	}
	return digit, level
}

// mark decodes the mark near a sample: first the tones, then where they are strongest, then the
// middle by their phases, to a few microseconds.
func (e *ear) mark(at int) (Mark, bool) {
	source, a := e.digit(sourceTone, at)
	tens, b := e.digit(tensTone, at)
	units, c := e.digit(unitsTone, at)
	if weakest := min(a, b, c); weakest < quietest*0.6 || weakest < 0.4*max(a, b, c) {
		return Mark{}, false
	}
	tones := [3]int{
		sourceTone + source*toneStep, tensTone + tens*toneStep, unitsTone + units*toneStep,
	}
	best, top := e.strongest(tones, at)
	if top < quietest || best < e.half || best+e.half > len(e.sound.Samples) {
		return Mark{}, false // too quiet, or cut off by an end of the sound
	}
	later, agree := e.align(tones, best)
	if agree < 0.95 {
		return Mark{}, false // the phases name no common middle: a hole has cut a part of the mark
	}
	return Mark{
		At:     e.sound.time(best) + later,
		Second: tens*10 + units,
		Source: source,
		Level:  top,
	}, true
}

// strongest returns the sample, to the millisecond, around which the tones are strongest
// together, and their mean amplitude there.
func (e *ear) strongest(tones [3]int, near int) (best int, top float64) {
	milli := e.sound.Rate / 1000
	for k := -20; k <= 20; k++ {
		sum := 0.0
		for _, hz := range tones {
			c := e.hear(hz, near+k*milli)
			sum += math.Hypot(real(c), imag(c)) / 3
		}
		if sum > top {
			best, top = near+k*milli, sum
		}
	}
	return best, top
}

// align returns how much after a sample all tones have the phase of a mark's middle, within 0.7
// ms, and how well they agree: 1 is perfect.
func (e *ear) align(tones [3]int, at int) (later time.Duration, agree float64) {
	const step, reach = 5 * time.Microsecond, 700 * time.Microsecond
	var heard [3]complex128
	whole := 0.0
	for i, hz := range tones {
		heard[i] = e.hear(hz, at)
		whole += math.Hypot(real(heard[i]), imag(heard[i]))
	}
	for d := -reach; d <= reach; d += step {
		sum := 0.0
		for i, hz := range tones {
			// A sine whose phase is 0 at d is heard here with the phase -hz*d, less a quarter.
			sin, cos := math.Sincos(-2*math.Pi*float64(hz)*d.Seconds() - math.Pi/2)
			sum += real(heard[i])*cos + imag(heard[i])*sin
		}
		if sum/whole > agree {
			later, agree = d, sum/whole
		}
	}
	return later, agree
}

// Phase is the pilot tone around a film time.
type Phase struct {
	At    time.Duration
	Heard bool
	// Shift is how much later the pilot is heard than its instant says, modulo its period of 2.27
	// ms: from -1.14 to 1.14 ms. Continuous sound has a constant one.
	Shift time.Duration
}

// hop is the time from one phase to the next. Each is measured over four of them.
const hop = 20 * time.Millisecond

// Phases measures the pilot tone in steps of 20 ms, in a film whose time 0 is the instant start.
func (s *Sound) Phases(start time.Time) []Phase {
	e := newEar(s)
	step := s.Rate / int(time.Second/hop)
	e.half = 2 * step
	var all []Phase
	for at := e.half; at+e.half < len(s.Samples); at += step {
		c := e.hear(PilotHz, at) * complex(0.75, 0)
		wall := int64(start.Add(s.time(at)).Nanosecond())
		// A sine at the window's middle has the phase of its time there, less a quarter.
		turn := math.Atan2(imag(c), real(c))/(2*math.Pi) + 0.25 - float64(wall*PilotHz%1e9)/1e9
		turn -= math.Round(turn)
		all = append(
			all,
			Phase{
				At:    s.time(at),
				Heard: math.Hypot(real(c), imag(c)) > pilotLevel/8,
				Shift: time.Duration(-turn * float64(pilotPeriod)),
			},
		)
	}
	return all
}

// pilotPeriod is one period of the pilot tone. A shift is known only up to whole periods.
const pilotPeriod = time.Second / PilotHz

// Steps returns where the pilot's shift changes by more than tolerance, or where the pilot begins
// or ends, to about 40 ms. Steps within 80 ms of each other are one.
func Steps(phases []Phase, tolerance time.Duration) []Phase {
	var steps []Phase
	const apart = 4 // two windows that do not overlap
	for i := apart; i < len(phases); i++ {
		a, b := phases[i-apart], phases[i]
		change := b.Shift - a.Shift
		change -= pilotPeriod * time.Duration(math.Round(float64(change)/float64(pilotPeriod)))
		if a.Heard == b.Heard && (!a.Heard || change.Abs() <= tolerance) {
			continue
		}
		step := Phase{
			At:    phases[i-apart/2].At,
			Heard: a.Heard && b.Heard,
			Shift: change,
		}
		if n := len(steps); n == 0 || step.At-steps[n-1].At > apart*hop {
			steps = append(steps, step)
		} else if step.Shift.Abs() > steps[n-1].Shift.Abs() {
			steps[n-1] = step
		}
	}
	return steps
}
