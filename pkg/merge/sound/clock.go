package sound

import (
	"time"

	"github.com/nvr-miem/merger/pkg/merge/probe"
)

// What a drift is. A clock that is right to leastPPM needs no correction within a segment, and no clock is off by
// more than mostPPM: that is another rate or missing sound.
const (
	leastPPM = 400
	mostPPM  = 10_000
)

// How far the sound's end must be from the end of the pictures.
const (
	leastExcess = 100 * time.Millisecond
	clearExcess = time.Second            // no recorder writes sound for so long after the last picture
	sameLack    = 500 * time.Millisecond // no recorder stops so early, and in each file by the same
	inStep      = 40 * time.Millisecond  // sound and pictures end together
)

// clockReading is how long a segment lasts by its pictures, which follow the wall clock, and by its sound.
type clockReading struct {
	segment         *probe.Segment
	pictures, sound time.Duration
}

// excess is by how much the sound is longer.
func (r clockReading) excess() time.Duration { return r.sound - r.pictures }

// readClock compares the clocks of a segment. ok is false if it is not whole, or if its pictures do not last as long
// as the segment should.
func readClock(seg *probe.Segment, nominal time.Duration) (r clockReading, ok bool) {
	if seg.Picture == nil || len(seg.PictureRuns) != 1 || len(seg.SoundRuns) != 1 || len(seg.Losses) > 0 {
		return r, false
	}
	pictures, sound := seg.PictureRuns[0], seg.SoundRuns[0]
	r = clockReading{
		segment:  seg,
		pictures: pictures.Until - pictures.From,
		sound:    sound.Until - sound.From,
	}
	off := (r.pictures - nominal).Abs()
	together := (pictures.From - sound.From).Abs() <= inStep
	return r, together && r.pictures > 0 && off <= max(inStep, r.excess().Abs()/3)
}

// clockDrift is by how many parts in a million the clock is fast that stamps a source's sound by counting samples. It
// is 0 if the clock is right, or if that is not sure. The pictures must last as long as the segments should, and the
// sound of every whole segment must be longer or shorter in the same proportion. A recorder may stop writing sound a
// little before or after the pictures, in each file alike. So there must be a witness, too: what the next file begins
// with, or another source that hears the same. A second file that lacks as much, if it is much, is one.
func (c *Chooser) clockDrift(k *measuredSource) int64 {
	var readings []clockReading
	var excess, pictures time.Duration
	for _, i := range k.segments {
		if r, ok := readClock(c.Segments[i], c.Segment); ok {
			readings = append(readings, r)
			excess, pictures = excess+r.excess(), pictures+r.pictures
		}
	}
	if len(readings) == 0 {
		return 0
	}
	drift := int64(excess) * million / int64(pictures)
	if abs := max(drift, -drift); abs < leastPPM || abs > mostPPM {
		return 0
	}
	for _, r := range readings {
		off := trueTime(r.sound, drift) - r.pictures
		if r.excess().Abs() < leastExcess || off.Abs() > inStep {
			return 0
		}
	}
	switch c.otherHears(k, readings, drift) {
	case agrees:
		return drift
	case disagrees:
		return 0
	case silent:
	}
	each := excess / time.Duration(len(readings))
	lacks := each <= -sameLack && len(readings) > 1
	if lacks || each >= clearExcess || each > 0 && c.apart(k) {
		return drift
	}
	return 0
}

// Levels of 5 ms that are compared to tell two stretches of sound apart.
const (
	audibleDB = -60 // peaks under it say nothing
	apartDB   = 6   // the mean difference of stretches that are not the same
)

// apart reports whether what a segment's sound holds behind the start of the next segment is something else than
// what that begins with. It is the same if the recorder went on writing.
func (c *Chooser) apart(k *measuredSource) bool {
	different := false
	for i := 1; i < len(k.segments); i++ {
		before, after := c.Segments[k.segments[i-1]], c.Segments[k.segments[i]]
		if !before.Start.Add(c.Segment).Equal(after.Start) {
			continue
		}
		tail := k.hearings[i-1].levelsFrom(c.Segment)
		head := k.hearings[i].levelsFrom(0)
		sum, n := 0.0, 0
		for m := range min(len(tail), len(head)) {
			if max(tail[m], head[m]) > audibleDB {
				sum, n = sum+max(tail[m]-head[m], head[m]-tail[m]), n+1
			}
		}
		switch {
		case n == 0:
		case sum/float64(n) < apartDB:
			return false
		default:
			different = true
		}
	}
	return different
}

// levelsFrom lists the peaks of each 5 ms from a time of the file on, in dBFS.
func (h *soundAnalysis) levelsFrom(at time.Duration) []float64 {
	for _, run := range h.Runs {
		if at < run.Run.From || at >= run.Run.Until {
			continue
		}
		var levels []float64
		for m := 2 * int((at-run.Run.From)/moment); m+1 < len(run.Moments); m += 2 {
			levels = append(levels, unpacked(run.Moments[m], peakSteps))
		}
		return levels
	}
	return nil
}
