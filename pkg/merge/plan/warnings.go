package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Warning is what was changed in the record, or is doubtful about it, for the frames [First, End).
type Warning struct {
	Source string      `json:"source,omitempty"` // empty: no source in particular
	First  int64       `json:"first"`
	End    int64       `json:"end"`
	Cause  cause.Cause `json:"cause"`
}

// Warn notes a warning about the whole record. A later one takes the place of one with the same code. No cause
// is no warning.
func (p *Plan) Warn(why cause.Cause) {
	if why.IsZero() {
		return
	}
	p.Warnings = slices.DeleteFunc(p.Warnings, func(w Warning) bool {
		return w.Source == "" && w.Cause.Is(why.Code())
	})
	p.Warnings = append(p.Warnings, Warning{End: p.Frames, Cause: why})
}

// WarnOfSound takes in what the choice of sound noted.
func (p *Plan) WarnOfSound(notes []sound.Note) {
	window := p.Window()
	for _, n := range notes {
		p.Warnings = append(p.Warnings, Warning{
			Source: n.Source,
			First:  window.Nearest(time.Duration(n.First) * timeline.Block),
			End:    min(p.Frames, window.Nearest(time.Duration(n.End)*timeline.Block)),
			Cause:  n.Cause,
		})
	}
}

// warnings lists the warnings of the plan and of its segments, by time. Of one source and cause, those that
// touch or overlap are one.
func (p *Plan) warnings() []Warning {
	list := slices.Clone(p.Warnings)
	for _, seg := range p.Segments {
		if seg.BetterFile == "" {
			list = append(list, p.segmentWarnings(seg)...)
		}
	}
	slices.SortFunc(list, func(a, b Warning) int {
		return cmp.Or(
			strings.Compare(a.Source, b.Source),
			strings.Compare(string(a.Cause.Code()), string(b.Cause.Code())),
			strings.Compare(a.Cause.String(), b.Cause.String()),
			cmp.Compare(a.First, b.First),
		)
	})
	list = joinWarnings(list)
	slices.SortStableFunc(list, func(a, b Warning) int { return cmp.Compare(a.First, b.First) })
	return list
}

// segmentWarnings places a segment's warnings in the record. What lies outside is left out.
func (p *Plan) segmentWarnings(seg *probe.Segment) []Warning {
	var list []Warning
	window := p.Window()
	zero := seg.Start.Sub(p.Start)
	for _, w := range seg.Warnings {
		first := max(0, window.Nearest(zero+w.Run.From))
		end := min(p.Frames, window.Nearest(zero+w.Run.Until))
		if first < end {
			list = append(list, Warning{Source: seg.Source, First: first, End: end, Cause: w.Cause})
		}
	}
	return list
}

// joinWarnings joins neighbours in a list that is sorted by source, cause and time.
func joinWarnings(list []Warning) []Warning {
	var joined []Warning
	for _, w := range list {
		if n := len(joined); n > 0 {
			last := &joined[n-1]
			if last.Source == w.Source && last.Cause == w.Cause && w.First <= last.End {
				last.End = max(last.End, w.End)
				continue
			}
		}
		joined = append(joined, w)
	}
	return joined
}

// warningReport returns the warnings with their times of the room.
func (p *Plan) warningReport(texts *i18n.Catalog) []report.Warning {
	var list []report.Warning
	window := p.Window()
	for _, w := range p.warnings() {
		start, end := report.At(window.Time(w.First)), report.At(window.Time(w.End))
		out := report.WarningOf(texts, w.Cause)
		out.Source, out.Start, out.End = report.SourceID(w.Source), &start, &end
		list = append(list, out)
	}
	return list
}
