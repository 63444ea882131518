// Package presence classifies the screen source: a presentation, or only the idle screen of
// the encoder (a no-signal card, a test pattern, a plain colour). Data call the idle screen
// "canvas".
//
// The package classifies pictures. It does not depend on rooms, records or wall clocks.
// Positions in a file are presentation timestamps. Results are durations since PTS 0 of the
// picture stream, with edit lists applied, as FFmpeg counts.
//
// A presentation has content: text, drawings, or the texture of photographs. An idle screen
// has none, matches a known card, or says that there is no signal. Each picture is therefore
// compared with models without content: one colour, a gradient, stripes, a grid, a known card.
// The blocks that the best model leaves unexplained are the residue. The residue must be an
// overlay, such as a clock, the words NO SIGNAL or a moving mark. Otherwise it is content.
//
// A picture that cannot be decided counts as a presentation. Showing an idle screen beside a
// lecture loses less than hiding a lecture behind the board.
//
// Start with [Judge.Look].
package presence

import (
	"sort"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Verdict is the classification of a stretch of the screen source.
type Verdict string

// The two verdicts.
const (
	Presentation Verdict = "presentation"
	Canvas       Verdict = "canvas"
)

// Stretch is a run of one verdict: [Start, End), as time since PTS 0 of the picture stream.
type Stretch struct {
	Start, End time.Duration
	Verdict    Verdict

	// Causes explain the verdict, the one that holds longest first. There are at most three.
	Causes []cause.Cause
}

// Length returns the duration of the stretch.
func (s Stretch) Length() time.Duration {
	return s.End - s.Start
}

const (
	// shortest is the length below which a stretch is not reported, for example a
	// fade through black.
	shortest = 3 * time.Second
	// SteadyFor is how long a verdict must last to change the layout of a merge.
	SteadyFor = 10 * time.Second
	// halfHourMinimum is the amount of presentation that makes a half hour a
	// presentation. For a shorter file half of it suffices.
	halfHourMinimum = time.Minute
)

// HalfHour returns the verdict on a whole file. It is Presentation if at least a
// minute of the file, or half of a shorter file, is a presentation. Otherwise, and
// without stretches, it is Canvas.
func HalfHour(stretches []Stretch) Verdict {
	var all, shown time.Duration
	for _, s := range stretches {
		all += s.Length()
		if s.Verdict == Presentation {
			shown += s.Length()
		}
	}
	if shown > 0 && shown >= min(halfHourMinimum, all/2) {
		return Presentation
	}
	return Canvas
}

// Steady absorbs each stretch shorter than least into its longer neighbour, the
// shortest first. A layout made from the result does not flap. The result covers
// the same time. A single stretch stays at any length.
func Steady(stretches []Stretch, least time.Duration) []Stretch {
	out := mergeNeighbours(stretches)
	for len(out) > 1 {
		i := shortestOf(out)
		if out[i].Length() >= least {
			break
		}
		// Neighbours of a united list carry the other verdict, so this one simply takes it.
		near := i - 1
		if near < 0 ||
			i+1 < len(out) && out[i+1].Length() > out[near].Length() {
			near = i + 1
		}
		out[i].Verdict = out[near].Verdict
		out[i].Causes = out[near].Causes
		out = mergeNeighbours(out)
	}
	return out
}

// shortestOf returns the index of the shortest stretch.
func shortestOf(list []Stretch) int {
	best := 0
	for i := range list {
		if list[i].Length() < list[best].Length() {
			best = i
		}
	}
	return best
}

// mergeNeighbours joins neighbours of one verdict; the causes of the longest come first.
func mergeNeighbours(list []Stretch) []Stretch {
	var out []Stretch
	for at := 0; at < len(list); {
		end := at + 1
		for end < len(list) && list[end].Verdict == list[at].Verdict {
			end++
		}
		s := list[at]
		s.End = list[end-1].End
		s.Causes = longestCauses(list[at:end])
		if s.Length() > 0 {
			out = append(out, s)
		}
		at = end
	}
	return out
}

// maxCauses is the number of causes that a united stretch keeps.
const maxCauses = 3

// longestCauses returns the causes of stretches, the one that holds longest first.
func longestCauses(list []Stretch) []cause.Cause {
	lengths := map[cause.Cause]time.Duration{}
	var causes []cause.Cause
	for _, s := range list {
		for _, c := range s.Causes {
			if _, known := lengths[c]; !known {
				causes = append(causes, c)
			}
			lengths[c] += s.Length()
		}
	}
	sort.SliceStable(causes, func(a, b int) bool {
		return lengths[causes[a]] > lengths[causes[b]]
	})
	if len(causes) > maxCauses {
		causes = causes[:maxCauses]
	}
	return causes
}
