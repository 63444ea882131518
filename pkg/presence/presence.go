// Package presence says what is on the screen source: a presentation, or only the encoder's canvas
// (a no-signal card, a test pattern, a plain colour).
//
// It looks at pictures. It knows no room, no record and no wall clock; positions are presentation
// timestamps of the file, and what it hands out are durations since PTS 0 of the picture stream,
// edit lists honoured, which is how FFmpeg counts.
//
// The idea: a presentation has content, that is text, drawings, or the texture of photographs; a
// canvas has none, or is a picture known as a card, or says in words that there is no signal. Every
// picture is therefore explained as far as it can be by a model without content (one colour, a
// gradient, stripes, a grid, a known card). What the model leaves unexplained, the residue, must
// itself be explained as an overlay (a running clock, the words NO SIGNAL, a mark that wanders), or
// it is content. What cannot be decided is a presentation: a lecture shown beside an empty card
// loses less than a lecture hidden behind the board.
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
