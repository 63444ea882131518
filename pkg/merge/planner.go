package merge

import (
	"context"
	"maps"
	"slices"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// planner carries one plan through its making.
type planner struct {
	*Engine
	req    Request
	window timeline.Window
	plan   *Plan
}

// ofSource lists the indices of a source's segments that count.
func (p *planner) ofSource(source string) []int {
	var list []int
	for i, seg := range p.plan.Segments {
		if seg.Source == source && seg.BetterFile == "" {
			list = append(list, i)
		}
	}
	return list
}

// roles in the order of preference as a source of sound.
func roles() []nvr.Role { return []nvr.Role{nvr.Lecturer, nvr.Screen, nvr.Board} }

// pictures lays the sources, judges the screen and decides the layout.
func (p *planner) pictures(ctx context.Context) error {
	spans := map[nvr.Role][]timeline.Span{}
	for _, role := range roles() {
		source, ok := p.req.Sources[role]
		if !ok {
			continue
		}
		spans[role] = p.lay(source, (*Segment).pictureRuns)
		p.plan.Sources = append(p.plan.Sources, PlannedSource{Role: role, Source: source, Spans: spans[role]})
	}
	verdicts, err := p.judge(ctx)
	if err != nil {
		return err
	}
	p.plan.Scenes = timeline.Compose(p.window, spans[nvr.Lecturer], spans[nvr.Screen], spans[nvr.Board], verdicts)
	p.plan.Left, p.plan.Right = timeline.Panes(p.plan.Scenes, spans)
	if source := p.req.Sound; source != "" && !slices.Contains(slices.Collect(maps.Values(p.req.Sources)), source) {
		p.plan.Sources = append(p.plan.Sources, PlannedSource{Source: source, Spans: p.lay(source, (*Segment).soundRuns)})
	}
	return nil
}

// lay lays the record over what the segments of a source give.
func (p *planner) lay(source string, film func(*Segment) timeline.Film) []timeline.Span {
	own := p.ofSource(source)
	films := make([]timeline.Film, len(own))
	for i, index := range own {
		films[i] = film(p.plan.Segments[index])
	}
	spans := timeline.Lay(p.window, films, p.req.Segment)
	for i := range spans {
		if !spans[i].Hole() {
			spans[i].File = own[spans[i].File]
		}
	}
	return spans
}

// dropDuplicates settles which of several files of one slot is used: the one with more usable picture.
func dropDuplicates(req Request, segments []*Segment) {
	best := map[nvr.SegmentName]*Segment{}
	for _, seg := range segments {
		other := best[seg.Name]
		if other == nil {
			best[seg.Name] = seg
			continue
		}
		better, worse := other, seg
		if timeline.Longer([]timeline.Film{other.pictureRuns(), seg.pictureRuns()}, 0, 1, req.Segment) == 1 {
			better, worse = seg, other
		}
		best[seg.Name] = better
		worse.BetterFile = better.Path
		worse.fault("another file of the same slot shows more: " + better.Path)
	}
}

// pictureRuns is what a segment shows.
func (s *Segment) pictureRuns() timeline.Film {
	return timeline.Film{Start: s.Start, Runs: s.PictureRuns, Losses: s.Losses, Inner: s.InnerCause, Cause: s.Cause}
}

// soundRuns is what a segment sounds, for a source that has no pictures in the merge.
func (s *Segment) soundRuns() timeline.Film {
	cause := s.Cause
	switch {
	case s.Sound != nil:
		cause = "the file has no sound there"
	case s.Picture != nil:
		cause = "the file has no sound track"
	}
	return timeline.Film{Start: s.Start, Runs: s.SoundRuns, Cause: cause, Inner: "the file has no sound there"}
}
