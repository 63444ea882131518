package sound

import (
	"context"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// chooseTracks chooses the sound track of each segment of a source that has several: the one with most speech
// in all of them, or where that holds none, the one with most speech in the segment. The report names the others.
func (c *Chooser) chooseTracks(k *measuredSource) {
	speech := map[int][]int64{} // of each track, by index of the segment in k
	var total []int64
	for i, index := range k.segments {
		n := c.Segments[index].SoundTracks()
		if n < 2 {
			continue
		}
		speech[i] = c.speechOfTracks(index, n)
		for track, blocks := range speech[i] {
			if track == len(total) {
				total = append(total, 0)
			}
			total[track] += blocks
		}
	}
	if c.err != nil {
		return
	}
	usual := mostSpeech(total)
	for i, index := range k.segments {
		of, several := speech[i]
		if !several {
			continue
		}
		track := usual
		if track >= len(of) || of[track] == 0 {
			track = mostSpeech(of)
		}
		c.useTrack(index, track, len(of))
	}
}

// useTrack chooses a sound track of a segment and warns of the others.
func (c *Chooser) useTrack(index, track, tracks int) {
	seg := c.Segments[index]
	for other := range tracks {
		if other != track {
			seg.UseSound(other)
			number := seg.Sound.Stream + 1
			seg.Warn(timeline.Run{Until: seg.Length}, cause.SoundTrackUnused(number))
		}
	}
	seg.UseSound(track)
}

// mostSpeech returns the track with most speech. An earlier one that has nearly as much is as good.
func mostSpeech(speech []int64) int {
	best := 0
	for track, blocks := range speech {
		if 4*blocks > 5*speech[best] {
			best = track
		}
	}
	return best
}

// speechOfTracks measures all sound tracks of a segment and returns how much speech each holds.
func (c *Chooser) speechOfTracks(index, tracks int) []int64 {
	speech := make([]int64, tracks)
	c.err = c.Prober.Each(c.ctx, tracks, c.Progress, func(ctx context.Context, track int) error {
		seg := *c.Segments[index]
		seg.UseSound(track)
		h, err := c.measure(ctx, &seg, nil)
		if err == nil {
			speech[track] = speechIn(h)
		}
		return err
	})
	return speech
}

// speechIn returns how much speech a segment's sound holds. Without any, noise is better than nothing.
func speechIn(h *soundAnalysis) int64 {
	const noise, voice = 1, 1 << 32
	threshold := silenceThreshold([]*soundAnalysis{h})
	sum := int64(0)
	for _, run := range h.Runs {
		var blocks []voiceBlock
		for i, t := range run.traits() {
			blocks = append(blocks, voiceBlockOf(loudBlock{peak: run.Peaks[i]}, t, threshold))
		}
		for _, kind := range kindsOf(blocks) {
			switch kind {
			case kindVoice:
				sum += voice
			case kindNoise:
				sum += noise
			default:
			}
		}
	}
	return sum
}
