package sound

import (
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/merge/probe"
)

// testimony is what another source says about a drift.
type testimony int

const (
	silent testimony = iota // nothing: it does not hear the same, or its own clock is in doubt
	agrees
	disagrees
)

// The strength of sound is compared in windows near the start and the end of a segment.
const (
	moment        = 5 * time.Millisecond
	window        = 15 * time.Second
	windowEdge    = time.Second            // left out at both ends of the segment
	sourceLag     = 300 * time.Millisecond // the most that one source is late against another
	lagTolerance  = 20 * time.Millisecond
	leastLikeness = 0.6 // the correlation of sources that hear the same
)

// otherHears compares how much a source is late against another one at the start and at the end of segments that both
// have. A drift of the source shows as a change.
func (c *Chooser) otherHears(k *measuredSource, readings []clockReading, drift int64) testimony {
	for source := range c.Sources {
		other := c.listen(source)
		if c.err != nil {
			return silent
		}
		if other == k {
			continue
		}
		for _, r := range readings {
			if t := c.testify(k, other, r, drift); t != silent {
				return t
			}
		}
	}
	return silent
}

// testify compares one segment with that of another source.
func (c *Chooser) testify(k, other *measuredSource, r clockReading, drift int64) testimony {
	own, ok := k.hearing(c, r.segment.Start)
	theirs, also := other.hearing(c, r.segment.Start)
	if !ok || !also {
		return silent
	}
	reading, ok := readClock(theirs.segment, c.Segment)
	if !ok || reading.excess().Abs() > inStep {
		return silent
	}
	last := min(r.pictures, r.sound) - window - windowEdge
	far := sourceLag + r.excess().Abs()
	early, sure := lateness(own.analysis, theirs.analysis, windowEdge, far)
	late, alsoSure := lateness(own.analysis, theirs.analysis, last, far)
	if !sure || !alsoSure || last < 2*window {
		return silent
	}
	change := late - early
	expected := (last - windowEdge) - trueTime(last-windowEdge, drift)
	switch {
	case (change - expected).Abs() <= lagTolerance:
		return agrees
	case change.Abs() <= lagTolerance:
		return disagrees
	}
	return silent
}

// heardSegment is a segment and its levels.
type heardSegment struct {
	segment  *probe.Segment
	analysis *soundAnalysis
}

// hearing finds the segment of a source that begins at an instant.
func (k *measuredSource) hearing(c *Chooser, start time.Time) (heardSegment, bool) {
	for n, i := range k.segments {
		if c.Segments[i].Start.Equal(start) && n < len(k.hearings) && k.hearings[n] != nil {
			return heardSegment{c.Segments[i], k.hearings[n]}, true
		}
	}
	return heardSegment{}, false
}

// lateness is by how much what a holds at a time is later than the same in b, at most by far. sure is false if they do
// not hold the same.
func lateness(a, b *soundAnalysis, at, far time.Duration) (late time.Duration, sure bool) {
	const count = int(window / moment)
	most := int(far / moment)
	own, theirs := a.levelsFrom(at), b.levelsFrom(max(0, at-far))
	before := int((at - max(0, at-far)) / moment)
	if len(own) < count {
		return 0, false
	}
	best := 0.0
	for shift := -before; shift <= most && before+shift+count <= len(theirs); shift++ {
		if likeness := correlation(own[:count], theirs[before+shift:before+shift+count]); likeness > best {
			best, late = likeness, -time.Duration(shift)*moment
		}
	}
	return late, best >= leastLikeness
}

// correlation is Pearson's, of levels in dB. What is not audible is one level.
func correlation(a, b []float64) float64 {
	var sumA, sumB, squareA, squareB, product float64
	for i := range a {
		x, y := max(a[i], audibleDB), max(b[i], audibleDB)
		sumA, sumB = sumA+x, sumB+y
		squareA, squareB, product = squareA+x*x, squareB+y*y, product+x*y
	}
	n := float64(len(a))
	spread := (squareA - sumA*sumA/n) * (squareB - sumB*sumB/n)
	if spread <= 0 {
		return 0
	}
	return (product - sumA*sumB/n) / math.Sqrt(spread)
}
