package nvr

import (
	"slices"
	"time"
)

// Interval is the time [Start, End).
type Interval struct{ Start, End time.Time }

// Within returns what of some intervals lies in [start, end), in order. Intervals that touch or overlap become
// one.
func Within(intervals []Interval, start, end time.Time) []Interval {
	ordered := slices.Clone(intervals)
	slices.SortFunc(ordered, func(a, b Interval) int { return a.Start.Compare(b.Start) })
	var out []Interval
	for _, i := range ordered {
		if i.Start.Before(start) {
			i.Start = start
		}
		if i.End.After(end) {
			i.End = end
		}
		last := len(out) - 1
		switch {
		case !i.Start.Before(i.End):
		case last < 0 || i.Start.After(out[last].End):
			out = append(out, i)
		case i.End.After(out[last].End):
			out[last].End = i.End
		}
	}
	return out
}

// Cover reports whether intervals leave nothing of [start, end).
func Cover(intervals []Interval, start, end time.Time) bool {
	parts := Within(intervals, start, end)
	return len(parts) == 1 && parts[0].Start.Equal(start) && parts[0].End.Equal(end)
}
