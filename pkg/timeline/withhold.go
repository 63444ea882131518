package timeline

import "github.com/nvr-miem/merger/pkg/cause"

// Withhold returns the spans of a source with a gap over the frames [first, end), for a cause.
func Withhold(spans []Span, first, end int64, why cause.Cause) []Span {
	var out []Span
	add := func(s Span, from, until int64) {
		if s.First, s.End = max(s.First, from), min(s.End, until); s.First < s.End {
			out = append(out, s)
		}
	}
	for _, s := range spans {
		add(s, s.First, first)
		if s.First <= first && first < s.End {
			out = append(out, Span{First: first, End: end, File: -1, Cause: why})
		}
		add(s, end, s.End)
	}
	return out
}

// Without returns the listens without some blocks. The sources of the blocks do not count.
func Without(listens, blocks []Listen) []Listen {
	for _, b := range blocks {
		var rest []Listen
		for _, l := range listens {
			before := Listen{First: l.First, End: min(l.End, b.First), Source: l.Source}
			after := Listen{First: max(l.First, b.End), End: l.End, Source: l.Source}
			for _, part := range []Listen{before, after} {
				if part.First < part.End {
					rest = append(rest, part)
				}
			}
		}
		listens = rest
	}
	return listens
}
