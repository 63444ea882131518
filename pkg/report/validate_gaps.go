package report

import "slices"

// gaps checks each gap, and that together they account for all that the sources are missing.
func (c *check) gaps(r *Report) {
	known := map[string]bool{}
	for _, s := range r.Sources {
		known[s.Source] = true
	}
	bySource := map[string][]Gap{}
	for i, g := range r.Gaps {
		c.that(known[g.Source], "gaps[%d]: source %q is not among the sources", i, g.Source)
		c.role("gaps", g.Role)
		c.that(g.Start.Before(g.End.Time), "gaps[%d]: does not end after its start", i)
		c.that(
			!g.Start.Before(c.start.Time) && !g.End.After(c.end.Time),
			"gaps[%d]: outside the record",
			i,
		)
		c.that(g.Cause != "", "gaps[%d]: no cause", i)
		bySource[g.Source] = append(bySource[g.Source], g)
	}
	for i, s := range r.Sources {
		gaps := bySource[s.Source]
		slices.SortFunc(gaps, func(a, b Gap) int {
			return a.Start.Compare(b.Start.Time)
		})
		for k := 1; k < len(gaps); k++ {
			c.that(
				!gaps[k].Start.Before(gaps[k-1].End.Time),
				"gaps: two of source %s overlap at %s",
				s.Source,
				stamp(gaps[k].Start),
			)
		}
		for k, span := range s.Spans {
			c.that(
				span.State != Missing || covered(span, gaps),
				"sources[%d].spans[%d]: missing, and no gap says so",
				i,
				k,
			)
		}
	}
}

// covered reports whether gaps, in order, leave nothing of the span out.
func covered(span Span, gaps []Gap) bool {
	at := span.Start
	for _, g := range gaps {
		if !g.Start.After(at.Time) && g.End.After(at.Time) {
			at = g.End
		}
	}
	return !at.Before(span.End.Time)
}

// sound checks that the stretches of sound cover the record and come from listed sources.
func (c *check) sound(s Sound, sources []Source) {
	c.cover("sound.stretches", len(s.Stretches), func(i int) (Time, Time) {
		return s.Stretches[i].Start, s.Stretches[i].End
	})
	for i, p := range s.Stretches {
		c.role("sound.stretches", p.Role)
		c.that(p.Reason != "", "sound.stretches[%d]: no reason", i)
		c.that(p.Source != "" || p.Role == None, "sound.stretches[%d]: silence with a role", i)
		c.that(p.Source == "" || slices.ContainsFunc(sources, func(s Source) bool {
			return s.Source == string(p.Source)
		}),
			"sound.stretches[%d]: source %q is not among the sources", i, p.Source)
	}
	c.that(
		!s.Target.Known() || s.Target < 0,
		"sound: target %v LUFS is not below full scale",
		s.Target,
	)
}

// cost checks that no cost is negative, and that the times are known.
func (c *check) cost(k Cost) {
	c.that(k.CPU.Known() && k.CPU >= 0, "cost: cpu_s is %v", k.CPU)
	c.that(k.Wall.Known() && k.Wall >= 0, "cost: wall_s is %v", k.Wall)
	c.that(k.PeakRSS >= 0 && k.Read >= 0 && k.Analysis >= 0, "cost: a count of bytes is negative: %d, %d, %d",
		k.PeakRSS, k.Read, k.Analysis)
}
