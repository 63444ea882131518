package sound

import (
	"context"
	"math"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// ears is what becomes of the two channels of a stereo sound.
type ears uint8

const (
	earsUnknown  ears = iota // too little is heard to tell
	earsBoth                 // both are heard as they are
	earsLeft                 // the left one is heard on both sides
	earsRight                // the right one is heard on both sides
	earsInverted             // the right one is inverted, because the two cancel each other
)

const (
	// earsBlocks is how many blocks tell, and earsRange how far they are below the loud ones, dB.
	earsBlocks = 20
	earsRange  = 15.0
	// A channel is dead if it is deadMedian fainter than the other one, and in few moments closer than deadLeast,
	// dB. Levels are kept in halves of a decibel.
	deadMedian = 19.0
	deadLeast  = 17.0
	// invertedBelow is the correlation under which the channels cancel each other.
	invertedBelow = -0.5
)

// mix returns the mix, and nil for channels that stay as they are.
func (e ears) mix() ffmpeg.Mix {
	switch e {
	case earsLeft:
		return ffmpeg.Mix{{1, 0}, {1, 0}}
	case earsRight:
		return ffmpeg.Mix{{0, 1}, {0, 1}}
	case earsInverted:
		return ffmpeg.Mix{{1, 0}, {0, -1}}
	default:
		return nil
	}
}

// warning returns what a person should know of it.
func (e ears) warning() cause.Cause {
	switch e {
	case earsLeft:
		return cause.ChannelDead(2)
	case earsRight:
		return cause.ChannelDead(1)
	case earsInverted:
		return cause.ChannelInverted(2)
	default:
		return cause.Cause{}
	}
}

// earsOf decides from the measurement of a segment how its two channels are heard.
func earsOf(h *soundAnalysis) ears {
	all := allTraits(h)
	left, right := loudIn(all, 0), loudIn(all, 1)
	if len(left) < earsBlocks && len(right) < earsBlocks {
		return earsUnknown
	}
	leftSpeaks, rightSpeaks := hasVoice(h, 0), hasVoice(h, 1)
	switch {
	case leftSpeaks && !rightSpeaks, isFaint(left, right, 1):
		return earsLeft
	case rightSpeaks && !leftSpeaks, isFaint(right, left, 0):
		return earsRight
	case len(left) > 0 && quantile(left, 2, correlationOf) <= invertedBelow:
		return earsInverted
	default:
		return earsBoth
	}
}

// isFaint reports whether a channel is far below the other one, both where the other one is loud and where it is
// loud itself.
func isFaint(otherLoud, loud []ffmpeg.Traits, channel int) bool {
	if len(otherLoud) < earsBlocks {
		return false
	}
	below := func(t ffmpeg.Traits) float64 { return voiceLevel(t, 1-channel) - voiceLevel(t, channel) }
	const hardlyEver = 20 // one block in so many
	return quantile(otherLoud, 2, below) >= deadMedian &&
		(len(loud) < earsBlocks || quantile(loud, hardlyEver, below) >= deadLeast)
}

// correlationOf returns the correlation of the two channels of a block, from -1 to 1.
func correlationOf(t ffmpeg.Traits) float64 { return float64(t.Correlation) }

// voiceLevel is a channel's level in the band of a voice, dB.
func voiceLevel(t ffmpeg.Traits, channel int) float64 {
	return max(voiceFloor, float64(t.VoiceDB[channel]))
}

// allTraits lists the traits of a segment.
func allTraits(h *soundAnalysis) []ffmpeg.Traits {
	var all []ffmpeg.Traits
	for i := range h.Runs {
		all = append(all, h.Runs[i].traits()...)
	}
	return all
}

// loudIn lists the blocks in which a channel is loud, compared with itself.
func loudIn(all []ffmpeg.Traits, channel int) []ffmpeg.Traits {
	if len(all) == 0 {
		return nil
	}
	level := func(t ffmpeg.Traits) float64 { return voiceLevel(t, channel) }
	least := max(-quantile(all, 10, func(t ffmpeg.Traits) float64 { return -level(t) }), voiceFloor+earsRange+earsRange)
	var loud []ffmpeg.Traits
	for _, t := range all {
		if level(t) >= least-earsRange {
			loud = append(loud, t)
		}
	}
	return loud
}

// hasVoice reports whether one channel of a segment holds a voice anywhere.
func hasVoice(h *soundAnalysis, channel int) bool {
	for _, run := range h.Runs {
		var blocks []voiceBlock
		for i, t := range run.traits() {
			t.VoiceDB[1-channel], t.PowerDB[1-channel] = float32(math.Inf(-1)), float32(math.Inf(-1))
			blocks = append(blocks, voiceBlockOf(loudBlock{peak: run.Peaks[i]}, t, silence))
		}
		if slices.Contains(voicedBlocks(blocks), true) {
			return true
		}
	}
	return false
}

// fitEars decides for each stereo segment of a source what becomes of its channels, and measures again what is
// not heard as it is. A segment without speech is heard like the one before it, or else after it.
func (c *Chooser) fitEars(k *measuredSource) {
	all := make([]ears, len(k.segments))
	for i, index := range k.segments {
		if c.channels == 2 && c.Segments[index].Sound.Channels == 2 {
			all[i] = earsOf(k.hearings[i])
		}
	}
	for i := 1; i < len(all); i++ {
		all[i] = inherited(all[i], all[i-1])
	}
	for i := len(all) - 2; i >= 0; i-- {
		all[i] = inherited(all[i], all[i+1])
	}
	var again []int
	for i, index := range k.segments {
		seg := c.Segments[index]
		if all[i].mix() != nil && seg.Sound.Channels == 2 {
			seg.Warn(timeline.Run{Until: seg.Length}, all[i].warning())
			again = append(again, i)
		}
	}
	if len(again) > 0 {
		c.measureAgain(k, again, all)
	}
}

// inherited returns own, or the neighbour's if too little is heard in the own segment.
func inherited(own, neighbour ears) ears {
	if own == earsUnknown {
		return neighbour
	}
	return own
}

// measureAgain measures segments of a source as they will be heard.
func (c *Chooser) measureAgain(k *measuredSource, segments []int, all []ears) {
	c.err = c.Prober.Each(c.ctx, len(segments), c.Progress, func(ctx context.Context, n int) (err error) {
		i := segments[n]
		k.hearings[i], err = c.measure(ctx, c.Segments[k.segments[i]], all[i].mix())
		return err
	})
}
