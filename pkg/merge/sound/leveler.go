package sound

import (
	"cmp"
	"math"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// The leveler raises speech that is far below the rest of the record's speech: a question from the back of
// the room beside a lecturer at the microphone. It works on phrases, the stretches of speech between two
// pauses, and only ever raises. A pause keeps its level, so that the noise of the room does not swell with
// the voice.
const (
	// MaxRaiseDB is the most by which speech is raised.
	MaxRaiseDB = 12.0
	// raiseSlack is how far speech may be below the record's before it is raised, dB. Speech that is lower by
	// more than raiseRange is taken for noise.
	raiseSlack = 5.0
	raiseRange = 32.0
	// pauseRaise is the most by which a pause of at most raisedPause blocks between two raised phrases is
	// raised, dB.
	pauseRaise  = 2.5
	raisedPause = 30
	// activeMargin is how far a block of speech is above the noise between the words, dB.
	activeMargin = 6.0
	// noiseWindow is how many blocks tell the noise: it is the level under which one in noiseShare is.
	noiseWindow = 300
	noiseShare  = 33
	// gapLimit is how many blocks a gap within a phrase may last, and phraseLeast how many a phrase has at
	// least.
	gapLimit    = 2
	phraseLeast = 3
	// speechReach is how many blocks on either side tell the level of speech, and raiseReach over how many
	// its raise is smoothed.
	speechReach = 10
	raiseReach  = 5
	// musicWindow is how many blocks tell speech from music: less than musicShare of the moments of music are
	// musicDB below its mean.
	musicWindow = 30
	musicShare  = 0.18
	musicDB     = 6.0
	// raiseStep is the step of raises, dB.
	raiseStep = 0.5
)

// heardBlock is a tenth of a second that is heard in the record.
type heardBlock struct {
	loudBlock
	index  int64     // block of the record
	kind   blockKind // of the source that is heard
	silent bool      // it is under the source's threshold
	raise  float64   // by the leveler, dB
}

// spokenBlock is what the leveler has to know of a block of the record.
type spokenBlock struct {
	heard  *heardBlock // nil: nothing is heard
	voice  float64     // the part in the band of a voice, dB
	active bool        // speech, louder than the noise between the words
	speech float64     // the level of the speech around it, if it belongs to a phrase, dB
}

// phrase is a stretch of blocks [first, end) with speech and no pause.
type phrase struct{ first, end int }

// raiseSpeech decides by how much each of the blocks that are heard is raised, and reports whether any is. An
// earlier revision's speech level is kept.
func (c *Chooser) raiseSpeech(planned *Planned, heard []heardBlock) bool {
	kept := c.Loudness.Kept
	if c.Loudness.LevelerOff || kept != nil && kept.SpeechDB == nil {
		return false
	}
	spoken := make([]spokenBlock, c.blocks)
	for i := range heard {
		if b := &heard[i]; !b.silent {
			voice := voiceBlockOf(b.loudBlock, unpackedTraits(b.traits), silence).voice
			spoken[b.index] = spokenBlock{heard: b, voice: voice}
		}
	}
	markActive(spoken, c.Start.Unix()*timeline.BlocksPerSecond)
	phrases := phrasesOf(spoken)
	for _, p := range phrases {
		p.measure(spoken)
	}
	if kept != nil {
		planned.SpeechDB = kept.SpeechDB
	} else if len(phrases) > 0 {
		level := rounded(speechLevel(spoken, phrases))
		planned.SpeechDB = &level
	}
	if planned.SpeechDB == nil {
		return false
	}
	raises := make([]float64, c.blocks)
	for _, p := range phrases {
		p.raise(spoken, raises, *planned.SpeechDB)
	}
	raisePauses(raises)
	for i := range heard {
		heard[i].raise = raises[heard[i].index]
	}
	planned.Leveler = curveOf(raises)
	c.noteRaises(heard)
	return len(planned.Leveler) > 0
}

// markActive finds the blocks with speech that is above the noise of the seconds around it. The noise is
// looked up at multiples of five seconds of the clock, whenever the record starts: origin is the number of
// its first block.
func markActive(spoken []spokenBlock, origin int64) {
	const step = 50
	for start := -int(origin % step); start < len(spoken); start += step {
		middle := start + step/2
		around := spoken[max(0, middle-noiseWindow/2):min(len(spoken), middle+noiseWindow/2)]
		var heard []spokenBlock
		for _, b := range around {
			if b.heard != nil {
				heard = append(heard, b)
			}
		}
		if len(heard) == 0 {
			continue
		}
		least := quantile(heard, noiseShare, func(b spokenBlock) float64 { return b.voice }) + activeMargin
		for i := max(0, start); i < min(start+step, len(spoken)); i++ {
			b := &spoken[i]
			b.active = b.heard != nil && b.heard.kind == kindVoice && b.voice >= least
		}
	}
}

// phrasesOf lists the phrases. What is shorter than a word is none.
func phrasesOf(spoken []spokenBlock) []phrase {
	var list []phrase
	for i := range spoken {
		if !spoken[i].active {
			continue
		}
		if n := len(list); n > 0 && i-list[n-1].end <= gapLimit {
			list[n-1].end = i + 1
			continue
		}
		list = append(list, phrase{i, i + 1})
	}
	return slices.DeleteFunc(list, func(p phrase) bool { return p.end-p.first < phraseLeast })
}

// measure sets the level of the speech around each block of a phrase. It is what three of ten blocks with
// speech pass, so that a clap does not count.
func (p phrase) measure(spoken []spokenBlock) {
	var levels []float64
	for i := p.first; i < p.end; i++ {
		levels = levels[:0]
		for k := max(p.first, i-speechReach); k < min(p.end, i+speechReach+1); k++ {
			if spoken[k].active {
				levels = append(levels, spoken[k].voice)
			}
		}
		slices.Sort(levels)
		spoken[i].speech = levels[(len(levels)-1)*7/10]
	}
}

// speechLevel returns the level of the record's speech, dB: the mean of what is at most 10 dB below the mean
// of all, as in [integrated].
func speechLevel(spoken []spokenBlock, phrases []phrase) float64 {
	mean := func(least float64) float64 {
		sum, n := 0.0, 0
		for _, p := range phrases {
			for i := p.first; i < p.end; i++ {
				if level := spoken[i].speech; spoken[i].active && level >= least {
					sum += math.Pow(10, level/10)
					n++
				}
			}
		}
		return 10 * math.Log10(sum/float64(max(1, n)))
	}
	return mean(mean(math.Inf(-1)) - 10)
}

// raise sets the raise of a phrase's blocks. It changes slowly, and is never above what a block's own seconds
// need.
func (p phrase) raise(spoken []spokenBlock, raises []float64, reference float64) {
	if p.isMusic(spoken) {
		return
	}
	need := make([]float64, p.end-p.first)
	for i := range need {
		below := reference - spoken[p.first+i].speech
		if below <= raiseRange {
			need[i] = max(0, min(below-raiseSlack, MaxRaiseDB))
		}
	}
	least := around(need, raiseReach, slices.Min[[]float64])
	smooth := around(least, raiseReach, func(values []float64) float64 {
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum / float64(len(values))
	})
	for i, raise := range smooth {
		raises[p.first+i] = math.Floor(raise/raiseStep) * raiseStep
	}
}

// around returns for each value what of makes of it and its neighbours.
func around(values []float64, reach int, of func([]float64) float64) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		out[i] = of(values[max(0, i-reach):min(len(values), i+reach+1)])
	}
	return out
}

// isMusic reports whether most of a phrase is too even for speech, which stops again and again within a word.
func (p phrase) isMusic(spoken []spokenBlock) bool {
	var shares []float64
	for first := p.first; first < p.end; first += musicWindow {
		middle := (first + min(first+musicWindow, p.end)) / 2
		shares = append(shares, lowShare(spoken[max(0, middle-musicWindow/2):min(len(spoken), middle+musicWindow/2)]))
	}
	slices.Sort(shares)
	return shares[len(shares)/2] < musicShare
}

// lowShare returns the share of the moments that are far below the mean.
func lowShare(spoken []spokenBlock) float64 {
	var powers []float64
	sum := 0.0
	for _, b := range spoken {
		if b.heard == nil {
			continue
		}
		for m := 1; m < len(b.heard.moments); m += 2 {
			power := math.Pow(10, unpacked(b.heard.moments[m], powerSteps)/10)
			powers = append(powers, power)
			sum += power
		}
	}
	least := sum / float64(max(1, len(powers))) * math.Pow(10, -musicDB/10)
	low := 0
	for _, power := range powers {
		if power < least {
			low++
		}
	}
	return float64(low) / float64(max(1, len(powers)))
}

// raisePauses raises short pauses between raised phrases a little.
func raisePauses(raises []float64) {
	last := -1 // raised block
	for i, raise := range raises {
		if raise == 0 {
			continue
		}
		if n := i - last - 1; last >= 0 && n > 0 && n <= raisedPause {
			for k := last + 1; k < i; k++ {
				raises[k] = min(pauseRaise, raises[last], raise)
			}
		}
		last = i
	}
}

// Knot is a point of a [Curve].
type Knot struct {
	Sample int64   `json:"sample"` // of the record, at 48 kHz
	GainDB float64 `json:"gain_db"`
}

// Curve is a gain over time. Between two knots the factor changes evenly; before the first and after the last
// it stays.
type Curve []Knot

// curveOf returns the curve through the middles of blocks that are raised; nil if none is.
func curveOf(raises []float64) Curve {
	const blockSamples = ffmpeg.SampleRate / timeline.BlocksPerSecond
	var curve Curve
	for i, raise := range raises {
		before, after := raises[max(0, i-1)], raises[min(i+1, len(raises)-1)]
		if raise != before || raise != after {
			curve = append(curve, Knot{Sample: int64(i)*blockSamples + blockSamples/2, GainDB: raise})
		}
	}
	return curve
}

// Within returns the knots that the samples [from, until) depend on; nil where nothing is raised.
func (c Curve) Within(from, until int64) Curve {
	near := slices.Clone(c[max(0, c.after(from)-1):min(len(c), c.after(until)+1)])
	for len(near) > 1 && near[0].GainDB == near[1].GainDB {
		near = near[1:]
	}
	for n := len(near); n > 1 && near[n-1].GainDB == near[n-2].GainDB; n-- {
		near = near[:n-1]
	}
	if len(near) == 1 && near[0].GainDB == 0 {
		return nil
	}
	return near
}

// after returns the index of the first knot behind a sample.
func (c Curve) after(sample int64) int {
	i, _ := slices.BinarySearchFunc(c, sample+1, func(k Knot, at int64) int { return cmp.Compare(k.Sample, at) })
	return i
}

// apply multiplies interleaved samples, of which the first is sample from of the record. A factor depends on
// the position of its sample alone.
func (c Curve) apply(samples []float32, channels int, from int64) {
	if len(c) == 0 {
		return
	}
	factor := func(k Knot) float64 { return math.Pow(10, k.GainDB/20) }
	until := from + int64(len(samples)/channels)
	for at := from; at < until; {
		next := c.after(at)
		a, b := c[max(0, next-1)], c[min(next, len(c)-1)]
		end := until
		if next < len(c) {
			end = min(until, c[next].Sample)
		}
		start, slope := factor(a), 0.0
		if b.Sample > a.Sample {
			slope = (factor(b) - start) / float64(b.Sample-a.Sample)
		}
		for ; at < end; at++ {
			f := float32(start + slope*float64(at-a.Sample))
			for i := range channels {
				samples[int(at-from)*channels+i] *= f
			}
		}
	}
}

// noteRaises notes which part of the record has speech that was raised so much that it is noticed.
func (c *Chooser) noteRaises(heard []heardBlock) {
	const noticed = 3.0 // dB
	note := Note{First: -1}
	blocks, most := 0, 0.0
	for _, b := range heard {
		if b.raise < noticed {
			continue
		}
		if note.First < 0 {
			note.First = b.index
		}
		note.End = b.index + 1
		most = max(most, b.raise)
		blocks++
	}
	if seconds := blocks / int(timeline.BlocksPerSecond); seconds > 0 {
		note.Cause = cause.LevelsRaised(seconds, int(math.Round(most)))
		c.notes = append(c.notes, note)
	}
}
