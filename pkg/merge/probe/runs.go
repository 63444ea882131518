package probe

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// tablePictureRuns groups shots into runs. Gaps in the timestamps up to maxGap hold the picture before.
func tablePictureRuns(t *Table, damages []Damage) []timeline.Run {
	list := t.Shots(damages)
	nominal := nominalLength(list)
	var runs []timeline.Run
	for i, shot := range list {
		end := shot.ends
		if end-shot.At > maxGap || end <= shot.At {
			end = shot.At + nominal
		}
		if i+1 < len(list) && !list[i+1].after && list[i+1].At-shot.At <= maxGap {
			end = list[i+1].At
		}
		if i == 0 || shot.after || shot.At-list[i-1].At > maxGap {
			runs = append(runs, timeline.Run{From: shot.At, Until: end})
			continue
		}
		runs[len(runs)-1].Until = end
	}
	return runs
}

// nominalLength is the usual distance of two pictures: their median.
func nominalLength(list []Shot) time.Duration {
	if len(list) < 2 {
		return 40 * time.Millisecond
	}
	gaps := make([]time.Duration, len(list)-1)
	for i := range gaps {
		gaps[i] = list[i+1].At - list[i].At
	}
	slices.Sort(gaps)
	return min(gaps[len(gaps)/2], time.Second)
}

// inside leaves out the runs that begin at the limit or later.
func (s *Segment) inside(runs []timeline.Run, limit time.Duration) []timeline.Run {
	return slices.DeleteFunc(runs, func(r timeline.Run) bool {
		if r.From >= limit {
			s.AddFault(cause.JumpAfter(r.From))
		}
		return r.From >= limit
	})
}

// longestHold returns the longest distance of two pictures that is no gap, whatever is damaged.
func longestHold(t *Table) time.Duration {
	longest := time.Duration(0)
	at := make([]time.Duration, 0, len(t.Picture.Samples))
	for i := range t.Picture.Samples {
		if s := &t.Picture.Samples[i]; !s.Hidden {
			at = append(at, t.At(t.Picture, s.PTS))
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
