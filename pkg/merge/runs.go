package merge

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// inside leaves out the runs that begin at the limit or later.
func (s *Segment) inside(runs []timeline.Run, limit time.Duration) []timeline.Run {
	return slices.DeleteFunc(runs, func(r timeline.Run) bool {
		if r.From >= limit {
			s.fault("timestamps jump to " + secondsText(r.From) + " after the file's start: what lies behind the jump has no known time")
		}
		return r.From >= limit
	})
}

// longestHold is the longest distance of two pictures that is no hole, whatever is damaged.
func longestHold(t *table) time.Duration {
	longest := time.Duration(0)
	at := make([]time.Duration, 0, len(t.picture.Samples))
	for i := range t.picture.Samples {
		if s := &t.picture.Samples[i]; !s.Hidden {
			at = append(at, t.at(t.picture, s.PTS))
		}
	}
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap <= maxGap {
			longest = max(longest, gap)
		}
	}
	return longest
}

// usualDuration is the median of what a track's packets last, in ticks.
func usualDuration(track *mp4.Track) int64 {
	durations := make([]uint32, len(track.Samples))
	for i := range track.Samples {
		durations[i] = track.Samples[i].Duration
	}
	slices.Sort(durations)
	if len(durations) == 0 {
		return 0
	}
	return int64(durations[len(durations)/2])
}
