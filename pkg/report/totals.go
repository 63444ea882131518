package report

import "time"

// gapTotal is a sum of time of one source: of its gaps, or of its sound.
type gapTotal struct {
	Source string
	Role   Role
	Total  time.Duration
}

// lacks sums the gaps by source, in the order in which sources first have one.
func (r *Report) lacks() []gapTotal {
	var list []gapTotal
	index := map[string]int{}
	for _, g := range r.Gaps {
		i, ok := index[g.Source]
		if !ok {
			i = len(list)
			index[g.Source] = i
			list = append(list, gapTotal{Source: g.Source, Role: g.Role})
		}
		list[i].Total += g.End.Sub(g.Start.Time)
	}
	return list
}

// uncovered returns for how long the video shows only a slate.
func (r *Report) uncovered() time.Duration {
	var total time.Duration
	for _, s := range r.Stretches {
		if s.Layout == Slate {
			total += s.End.Sub(s.Start.Time)
		}
	}
	return total
}

// heard sums the sound by source, in the order in which they are first heard; an empty source is silence.
func (r *Report) heard() []gapTotal {
	var list []gapTotal
	index := map[SourceID]int{}
	for _, s := range r.Sound.Stretches {
		i, ok := index[s.Source]
		if !ok {
			i = len(list)
			index[s.Source] = i
			list = append(list, gapTotal{Source: string(s.Source), Role: s.Role})
		}
		list[i].Total += s.End.Sub(s.Start.Time)
	}
	return list
}

// files counts the segments that are used and those with faults.
func (r *Report) files() (used, faulty int) {
	for _, s := range r.Segments {
		if s.Used {
			used++
		}
		if len(s.Faults) > 0 {
			faulty++
		}
	}
	return used, faulty
}

// length returns how long the record is.
func (r *Report) length() time.Duration {
	return r.Record.End.Sub(r.Record.Start.Time)
}

// ratio returns a cost in seconds for each second of the record. It is unknown for an empty record.
func (r *Report) ratio(seconds Number) Number {
	if length := r.length().Seconds(); length > 0 {
		return Number(float64(seconds) / length)
	}
	return Unknown()
}
