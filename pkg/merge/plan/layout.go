package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// New returns the plan of a request over its segments, whose duplicates are dropped. The layout and the
// sound are still to be decided: see [Plan.LayOut].
func New(req Request, ffmpegVersion string, segments []*probe.Segment, damages []probe.Damage) *Plan {
	window := req.Window()
	origin := originOf(req.Start, req.Rate)
	p := &Plan{
		Renderer: Renderer,
		FFmpeg:   ffmpegVersion,
		Room:     req.Room,
		Title:    req.Title,
		Start:    req.Start,
		End:      req.End,
		TimeZone: req.Start.Location().String(),
		Frames:   window.Frames,
		Origin:   origin,
		Policy:   req.Policy,
		Withheld: req.WithheldFrames(),
		Encoding: encoding(req),
		Segments: segments,
		Damages:  damages,
		Slices:   CutSlices(origin, window.Frames, req.Rate, req.Slice),
	}
	if req.Layout != nvr.LayoutSide {
		p.Layout = req.Layout
	}
	return p
}

// DropDuplicates decides which of several files of one slot is used: the one with more usable picture.
func DropDuplicates(segments []*probe.Segment, slot time.Duration) {
	best := map[nvr.SegmentName]*probe.Segment{}
	for _, seg := range segments {
		other := best[seg.Name]
		if other == nil {
			best[seg.Name] = seg
			continue
		}
		better, worse := other, seg
		files := []timeline.FileCoverage{other.PictureCoverage(), seg.PictureCoverage()}
		if timeline.BetterCoverage(files, 0, 1, slot) == 1 {
			better, worse = seg, other
		}
		best[seg.Name] = better
		worse.BetterFile = better.Path
		worse.AddFault(cause.BetterFile(better.Path))
	}
}

// roles lists the roles in the order of preference as a source of sound.
func roles() []nvr.Role {
	return []nvr.Role{nvr.Lecturer, nvr.Screen, nvr.Board}
}

// SoundSources lists the sources whose sound may be heard, best first.
func (r Request) SoundSources() []string {
	var list []string
	add := func(source string) {
		if source != "" && !slices.Contains(list, source) {
			list = append(list, source)
		}
	}
	add(r.Sound)
	for _, role := range roles() {
		add(r.Sources[role])
	}
	return list
}

// ScreenSegments lists the indices of the screen's segments that can be judged.
func (p *Plan) ScreenSegments(req Request) []int {
	source, ok := req.Sources[nvr.Screen]
	if !ok {
		return nil
	}
	var usable []int
	for _, i := range probe.OfSource(p.Segments, source) {
		if len(p.Segments[i].PictureRuns) > 0 {
			usable = append(usable, i)
		}
	}
	return usable
}

// LayOut lays the record over its sources and decides the layout of every frame. judged holds the
// verdicts of [Plan.ScreenSegments], in the same order.
func (p *Plan) LayOut(req Request, judged []probe.Judged) {
	spans := map[nvr.Role][]timeline.Span{}
	for _, role := range roles() {
		source, ok := req.Sources[role]
		if !ok {
			continue
		}
		spans[role] = p.lay(req, source, (*probe.Segment).PictureCoverage)
		p.Sources = append(p.Sources, PlannedSource{Role: role, Source: source, Spans: spans[role]})
	}
	p.Verdicts = judged
	verdicts := p.verdicts(req)
	p.Scenes = timeline.Compose(
		p.Window(),
		spans[nvr.Lecturer],
		spans[nvr.Screen],
		spans[nvr.Board],
		verdicts,
	)
	if p.Layout == nvr.LayoutStage {
		p.Scenes = timeline.AddBoard(p.Window(), p.Scenes, spans[nvr.Board])
		p.Other = timeline.OtherPieces(p.Scenes, spans)
	}
	p.Left, p.Right = timeline.Panes(p.Scenes, spans)
	shown := slices.Collect(maps.Values(req.Sources))
	if source := req.Sound; source != "" && !slices.Contains(shown, source) {
		heard := p.lay(req, source, (*probe.Segment).SoundCoverage)
		p.Sources = append(p.Sources, PlannedSource{Source: source, Spans: heard})
	}
}

// lay lays the record over what the segments of a source give.
func (p *Plan) lay(req Request, source string, coverage func(*probe.Segment) timeline.FileCoverage) []timeline.Span {
	own := probe.OfSource(p.Segments, source)
	files := make([]timeline.FileCoverage, len(own))
	for i, index := range own {
		files[i] = coverage(p.Segments[index])
	}
	spans := timeline.Lay(p.Window(), files, req.Segment)
	for i := range spans {
		if !spans[i].Hole() {
			spans[i].File = own[spans[i].File]
		}
	}
	for _, w := range p.Withheld {
		spans = timeline.Withhold(spans, w.First, w.End, cause.Withheld())
	}
	return spans
}

// verdicts converts what was judged to frames of the record. A segment's verdicts end where the next
// segment begins.
func (p *Plan) verdicts(req Request) []timeline.Verdict {
	window := p.Window()
	usable := p.ScreenSegments(req)
	if len(usable) == 0 {
		return nil
	}
	var verdicts []timeline.Verdict
	for i, j := range p.Verdicts {
		offset := p.Segments[usable[i]].Start.Sub(p.Start)
		limit := window.Nearest(offset + req.Segment + probe.Overrun)
		if i+1 < len(usable) {
			limit = window.Nearest(p.Segments[usable[i+1]].Start.Sub(p.Start))
		}
		for _, s := range stretches(j, req.Policy) {
			v := timeline.Verdict{
				First:        window.Nearest(offset + s.From),
				End:          min(limit, window.Nearest(offset+s.Until)),
				Presentation: s.Presentation,
				Cause:        s.cause,
			}
			if v.First < v.End {
				verdicts = append(verdicts, v)
			}
		}
	}
	if req.Policy == HalfHour {
		return verdicts
	}
	return timeline.Steady(window, verdicts, presence.SteadyFor)
}

// stretch is a verdict with its cause.
type stretch struct {
	From, Until  time.Duration // since the file's zero
	Presentation bool
	cause        cause.Cause
}

// stretches returns the verdicts that a policy uses.
func stretches(j probe.Judged, policy Policy) []stretch {
	if len(j.Stretches) == 0 {
		return nil
	}
	var out []stretch
	shown := time.Duration(0)
	for _, s := range j.Stretches {
		seen := cause.ScreenSeen(firstOf(s.Cause)) // the first of its pictures stands for a stretch
		out = append(out, stretch{s.From, s.Until, s.Presentation, seen})
		if s.Presentation {
			shown += s.Until - s.From
		}
	}
	if policy == Auto {
		return out
	}
	return []stretch{{out[0].From, out[len(out)-1].Until, j.HalfHour, cause.PresentationFor(shown)}}
}

// firstOf returns the first of several reasons.
func firstOf(c cause.Cause) cause.Cause {
	if list, ok := c.Args()["causes"].([]cause.Cause); ok && c.Is(cause.CodeBecause) && len(list) > 0 {
		return list[0]
	}
	return c
}
