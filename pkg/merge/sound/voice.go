package sound

import (
	"math"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// A voice is told from what is steady by its syllables: its level rises again and again. A constant, a hum and
// a noise stay where they are, whatever their level; one knock is no voice either.
const (
	// voiceRise is how much the level rises for a syllable within voiceRiseBlocks, dB. Rumble reaches it once
	// in ten seconds.
	voiceRise       = 3.0
	voiceRiseBlocks = 2
	// voiceFloor is the level under which nothing counts, dB: the noise of 16 bits and of encoders.
	voiceFloor = -90.0
	// artefactsDB is how far below the peak of a constant the errors of an encoder are at least, dB, in the band
	// of a voice.
	artefactsDB = 55.0
	// voiceWindow is how many blocks are looked at around each, and voiceRises how many rises a voice has in
	// them.
	voiceWindow = 100
	voiceRises  = 4
	// pauseLimit is how many blocks a pause between words may last, and pauseMargin how far its level may be
	// from what is heard between other words, dB.
	pauseLimit  = 300
	pauseMargin = 6.0
	// breathLimit is how many silent blocks belong to the voice around them.
	breathLimit = 20
	// humPeriodicity is what a hum has at least. A constant has a power under constantDB, or constantCrest below
	// its peak, dB: a voice has at most 25.
	humPeriodicity = 0.85
	constantDB     = -75.0
	constantCrest  = 35.0
)

// voiceBlock is what the search for a voice has to know of a tenth of a second.
type voiceBlock struct {
	there       bool    // the source has samples
	silent      bool    // its peak is under the source's threshold
	peak        float64 // dB
	power       float64 // dB
	voice       float64 // the part in the band of a voice, dB
	periodicity float64
}

// blockKind is what a source gives in a block.
type blockKind uint8

const (
	kindMissing blockKind = iota
	kindSilent
	kindConstant
	kindHum
	kindNoise
	kindVoice // a voice, or a pause of one
)

// heard returns how a block of the kind counts in the choice of sources. A constant and a hum count as
// silence.
func (k blockKind) heard() timeline.Heard {
	switch k {
	case kindMissing:
		return timeline.Missing
	case kindNoise:
		return timeline.Noise
	case kindVoice:
		return timeline.Audible
	default:
		return timeline.Silent
	}
}

// cause returns why the kind is no voice.
func (k blockKind) cause() cause.Cause {
	switch k {
	case kindMissing:
		return cause.NoSoundThere()
	case kindConstant:
		return cause.SoundConstant()
	case kindHum:
		return cause.Hum()
	case kindNoise:
		return cause.SoundNoise()
	default:
		return cause.SoundSilent()
	}
}

// voiceBlockOf reads a measured block with its traits.
func voiceBlockOf(b loudBlock, t ffmpeg.Traits, threshold int16) voiceBlock {
	sum := func(levels [2]float32) float64 {
		return 10 * math.Log10(math.Pow(10, float64(levels[0])/10)+math.Pow(10, float64(levels[1])/10))
	}
	peak := float64(b.peak) / 100
	return voiceBlock{
		there:       true,
		silent:      b.peak < threshold,
		peak:        peak,
		power:       sum(t.PowerDB),
		voice:       max(voiceFloor, peak-artefactsDB, sum(t.VoiceDB)),
		periodicity: float64(t.Periodicity),
	}
}

// kindsOf returns what a source gives in each block.
func kindsOf(blocks []voiceBlock) []blockKind {
	kinds := make([]blockKind, len(blocks))
	voiced := voicedBlocks(blocks)
	for i, b := range blocks {
		switch {
		case !b.there:
			kinds[i] = kindMissing
		case b.silent:
			kinds[i] = kindSilent
		case voiced[i]:
			kinds[i] = kindVoice
		default:
			kinds[i] = kindNoise
		}
	}
	floor := floorOf(blocks, kinds)
	for first := 0; first < len(kinds); {
		end := first + 1
		for end < len(kinds) && kinds[end] == kinds[first] {
			end++
		}
		kind := kinds[first]
		switch {
		case kind == kindNoise:
			kind = steadyKind(blocks[first:end], floor)
		case kind == kindSilent && end-first <= breathLimit && !slices.Contains(voiced[first:end], false):
			kind = kindVoice
		}
		for i := first; i < end; i++ {
			kinds[i] = kind
		}
		first = end
	}
	return kinds
}

// voicedBlocks reports for each block whether there is a voice around it.
func voicedBlocks(blocks []voiceBlock) []bool {
	rises := make([]int, len(blocks)+1) // before each block
	high, top := false, 0.0             // a syllable lasts until the level has fallen again
	for i, b := range blocks {
		rises[i+1] = rises[i]
		if top = max(top, b.voice); high && (!b.there || b.voice <= top-voiceRise) {
			high = false
		}
		if !high && rising(blocks, i) {
			high, top = true, b.voice
			rises[i+1]++
		}
	}
	voiced := make([]bool, len(blocks))
	for i := range blocks {
		first := max(0, min(i-voiceWindow/2, len(blocks)-voiceWindow))
		end := min(len(blocks), first+voiceWindow)
		want := max(1, voiceRises*(end-first)/voiceWindow)
		voiced[i] = rises[end]-rises[first] >= want
	}
	trimVoiced(voiced, rises, blocks)
	return voiced
}

// trimVoiced lets each voiced stretch begin and end with its first and last rise, and a word around them. Where
// samples begin in the middle of the first word, nothing shows its rise.
func trimVoiced(voiced []bool, rises []int, blocks []voiceBlock) {
	const before, after = 2, 10
	for first := 0; first < len(voiced); first++ {
		end := first
		for end < len(voiced) && voiced[end] {
			end++
		}
		begin, last := end, first
		for i := first; i < end; i++ {
			if rises[i+1] > rises[i] {
				begin, last = min(begin, i), i
			}
		}
		begin -= before
		for k := 1; k <= after; k++ {
			if at := begin - k; at < 0 || !blocks[at].there {
				begin = max(0, at+1)
				break
			}
		}
		for i := first; i < end; i++ {
			voiced[i] = i >= begin && i < last+after
		}
		first = end
	}
}

// rising reports whether the level of block i rises over one of the blocks before it as it does at a
// syllable.
func rising(blocks []voiceBlock, i int) bool {
	if !blocks[i].there || blocks[i].silent {
		return false
	}
	for k := 1; k <= voiceRiseBlocks && i-k >= 0 && blocks[i-k].there; k++ {
		if blocks[i].voice-blocks[i-k].voice >= voiceRise {
			return true
		}
	}
	return false
}

// wordFloor is the level between the words of a voice, in dB. ok is false if there is no voice.
type wordFloor struct {
	power, voice float64
	ok           bool
}

// floorOf measures the level between words: a tenth of the blocks of the voice is fainter.
func floorOf(blocks []voiceBlock, kinds []blockKind) wordFloor {
	var spoken []voiceBlock
	for i, kind := range kinds {
		if kind == kindVoice {
			spoken = append(spoken, blocks[i])
		}
	}
	if len(spoken) == 0 {
		return wordFloor{}
	}
	const share = 10 // the tenth part of the blocks
	return wordFloor{
		power: quantile(spoken, share, voiceBlock.powerDB),
		voice: quantile(spoken, share, voiceBlock.voiceDB),
		ok:    true,
	}
}

// pause reports whether a stretch sounds as it does between the words.
func (f wordFloor) pause(blocks []voiceBlock) bool {
	near := func(of func(voiceBlock) float64, level float64) bool {
		return math.Abs(median(blocks, of)-level) <= pauseMargin
	}
	return f.ok && len(blocks) <= pauseLimit &&
		near(voiceBlock.powerDB, f.power) && near(voiceBlock.voiceDB, f.voice)
}

// steadyKind returns the kind of a stretch whose level does not rise: a constant, a pause between words, a
// hum or a noise.
func steadyKind(blocks []voiceBlock, floor wordFloor) blockKind {
	switch {
	case median(blocks, voiceBlock.powerDB) < constantDB, median(blocks, voiceBlock.crest) > constantCrest:
		return kindConstant
	case floor.pause(blocks):
		return kindVoice
	case median(blocks, func(b voiceBlock) float64 { return b.periodicity }) >= humPeriodicity:
		return kindHum
	default:
		return kindNoise
	}
}

// powerDB returns the block's power, in dB.
func (b voiceBlock) powerDB() float64 { return b.power }

// voiceDB returns the power in the band of a voice, in dB.
func (b voiceBlock) voiceDB() float64 { return b.voice }

// crest returns how far the peak is above the power, in dB. It is high for a constant with a few clicks.
func (b voiceBlock) crest() float64 { return b.peak - b.power }

// median returns the value that half of the blocks are under.
func median(blocks []voiceBlock, of func(voiceBlock) float64) float64 {
	return quantile(blocks, 2, of)
}

// quantile returns the value that one in share blocks is under. There must be at least one block.
func quantile[T any](blocks []T, share int, of func(T) float64) float64 {
	values := make([]float64, len(blocks))
	for i, b := range blocks {
		values[i] = of(b)
	}
	slices.Sort(values)
	return values[len(values)/share]
}
