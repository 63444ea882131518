package merge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/footage"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Engine surveys, plans and renders. Its fields are set before its first use; it is safe for
// concurrent use.
type Engine struct {
	Tool   *ffmpeg.Tool
	Proxy  *footage.Proxy
	Screen *presence.Judge
	// Learned keeps what analysing a segment gave, under a key that names its generation. It may
	// forget; then the segment is analysed again.
	Learned  Memory
	Progress func(Progress) // called from several goroutines; may be nil

	Analysis  footage.Meter // bytes of segments read to survey, judge and measure
	Rendering footage.Meter // bytes of segments read to render
}

// Memory keeps what was learned, here or elsewhere. Keys are made of letters, digits and hyphens. It is
// called from several goroutines.
type Memory interface {
	// Load fills value and returns true, or returns false.
	Load(key string, value any) bool
	Save(key string, value any) error
}

// Stage is what a merge is doing.
type Stage string

// The stages.
const (
	Surveying Stage = "survey"
	Analysing Stage = "analyse"
	Rendering Stage = "render"
	Joining   Stage = "join"
)

// Progress is how far a stage is.
type Progress struct {
	Stage       Stage
	Done, Total int64 // segments, segments, frames, bytes
}

func (e *Engine) progress(stage Stage, done, total int64) {
	if e.Progress != nil {
		e.Progress(Progress{Stage: stage, Done: done, Total: total})
	}
}

// surveyors is how many segments are read at once while surveying and analysing.
const surveyors = 2

// Plan surveys the clips, judges the screen, measures the sound, and decides everything about the
// merge. damages are stretches that rendering an earlier plan found undecodable.
func (e *Engine) Plan(ctx context.Context, req Request, clips []Clip, damages []Damage) (*Plan, error) {
	var own []Clip
	for _, clip := range clips {
		if ok, _ := req.Belongs(clip.Name); ok {
			own = append(own, clip)
		}
	}
	slices.SortFunc(own, func(a, b Clip) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name.String(), b.Name.String())
		}
		return strings.Compare(a.Path, b.Path)
	})
	segments := make([]*Segment, len(own))
	if err := e.each(ctx, Surveying, len(own), func(ctx context.Context, i int) (err error) {
		segments[i], err = e.survey(ctx, req, own[i], damages)
		return err
	}); err != nil {
		return nil, err
	}
	rivals(req, segments)
	p := &planner{Engine: e, req: req, window: req.Window(), plan: &Plan{
		Renderer: Renderer, FFmpeg: e.Tool.Version(),
		Room: req.Room, Title: req.Title, Start: req.Start, End: req.End, TimeZone: req.Start.Location().String(),
		Frames: req.Window().Frames, Policy: req.Policy, Segments: segments, Damages: damages,
		Encoding: encoding(req), Slices: cutSlices(req.Window().Frames, req.Rate, req.Slice),
	}}
	if err := p.pictures(ctx); err != nil {
		return nil, err
	}
	if err := p.sound(ctx); err != nil {
		return nil, err
	}
	return p.plan, nil
}

// Encoder settings; see make bench for what they cost and give.
const (
	crf        = 26
	gopSeconds = 2
	audioBytes = 16000
)

func encoding(req Request) ffmpeg.Encoding {
	return ffmpeg.Encoding{
		Width: req.Width, Height: req.Height, Rate: req.Rate, CRF: crf, GOPFrames: gopSeconds * req.Rate,
		Channels: 1, AudioBytes: audioBytes,
	}
}

// each does the same to n segments, a few at once, and reports progress.
func (e *Engine) each(ctx context.Context, stage Stage, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(surveyors)
	var done atomic.Int64
	e.progress(stage, 0, int64(n))
	for i := range n {
		group.Go(func() error {
			if err := do(ctx, i); err != nil {
				return err
			}
			e.progress(stage, done.Add(1), int64(n))
			return nil
		})
	}
	return group.Wait()
}

// rivals settles which of several files of one slot is used: the one with more usable picture.
func rivals(req Request, segments []*Segment) {
	best := map[nvr.SegmentName]*Segment{}
	for _, seg := range segments {
		other := best[seg.Name]
		if other == nil {
			best[seg.Name] = seg
			continue
		}
		better, worse := other, seg
		if timeline.Longer([]timeline.Film{other.film(), seg.film()}, 0, 1, req.Segment) == 1 {
			better, worse = seg, other
		}
		best[seg.Name] = better
		worse.Rival = better.Path
		worse.fault("another file of the same slot shows more: " + better.Path)
	}
}

// film is what a segment shows.
func (s *Segment) film() timeline.Film {
	return timeline.Film{Start: s.Start, Runs: s.Films, Losses: s.Losses, Inner: s.Inner, Cause: s.Cause}
}

// tape is what a segment sounds, for a source that has no pictures in the merge.
func (s *Segment) tape() timeline.Film {
	cause := s.Cause
	switch {
	case s.Sound != nil:
		cause = "the file has no sound there"
	case s.Picture != nil:
		cause = "the file has no sound track"
	}
	return timeline.Film{Start: s.Start, Runs: s.Sounds, Cause: cause, Inner: "the file has no sound there"}
}

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
		if seg.Source == source && seg.Rival == "" {
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
		spans[role] = p.lay(source, (*Segment).film)
		p.plan.Sources = append(p.plan.Sources, PlannedSource{Role: role, Source: source, Spans: spans[role]})
	}
	verdicts, err := p.judge(ctx)
	if err != nil {
		return err
	}
	p.plan.Scenes = timeline.Compose(p.window, spans[nvr.Lecturer], spans[nvr.Screen], spans[nvr.Board], verdicts)
	p.plan.Left, p.plan.Right = timeline.Panes(p.plan.Scenes, spans)
	if source := p.req.Sound; source != "" && !slices.Contains(slices.Collect(maps.Values(p.req.Sources)), source) {
		p.plan.Sources = append(p.plan.Sources, PlannedSource{Source: source, Spans: p.lay(source, (*Segment).tape)})
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

// judge looks at every screen segment and gives the verdicts in frames of the record.
func (p *planner) judge(ctx context.Context) ([]timeline.Verdict, error) {
	source, ok := p.req.Sources[nvr.Screen]
	if !ok {
		return nil, nil
	}
	var usable []int
	for _, i := range p.ofSource(source) {
		if len(p.plan.Segments[i].Films) > 0 {
			usable = append(usable, i)
		}
	}
	judged := make([]Judged, len(usable))
	if err := p.each(ctx, Analysing, len(usable), func(ctx context.Context, i int) (err error) {
		judged[i], err = p.look(ctx, p.plan.Segments[usable[i]], p.plan.Damages)
		return err
	}); err != nil {
		return nil, err
	}
	p.plan.Verdicts = judged
	var verdicts []timeline.Verdict
	for i, j := range judged {
		offset := p.plan.Segments[usable[i]].Start.Sub(p.req.Start)
		limit := p.window.Nearest(offset + p.req.Segment + overrun)
		if i+1 < len(usable) {
			limit = p.window.Nearest(p.plan.Segments[usable[i+1]].Start.Sub(p.req.Start))
		}
		for _, s := range j.stretches(p.req.Policy) {
			cause, _, _ := strings.Cut(s.Cause, "; ") // the first of its pictures speaks for a stretch
			v := timeline.Verdict{
				First: p.window.Nearest(offset + s.From), End: min(limit, p.window.Nearest(offset+s.Until)),
				Presentation: s.Presentation, Cause: cause,
			}
			if v.First < v.End {
				verdicts = append(verdicts, v)
			}
		}
	}
	if p.req.Policy == HalfHour {
		return verdicts, nil
	}
	return timeline.Steady(p.window, verdicts, presence.SteadyFor), nil
}

// stretches are the verdicts that a policy goes by.
func (j Judged) stretches(policy Policy) []JudgedStretch {
	if policy == Auto || len(j.Stretches) == 0 {
		return j.Stretches
	}
	shown := time.Duration(0)
	for _, s := range j.Stretches {
		if s.Presentation {
			shown += s.Until - s.From
		}
	}
	cause := fmt.Sprintf("a presentation for %s of this half hour", secondsText(shown))
	return []JudgedStretch{{
		From: j.Stretches[0].From, Until: j.Stretches[len(j.Stretches)-1].Until, Presentation: j.HalfHour, Cause: cause,
	}}
}

// look has a segment judged, unless that is known already.
func (e *Engine) look(ctx context.Context, seg *Segment, damages []Damage) (Judged, error) {
	key := "screen-" + digest([]any{seg.Generation, e.Screen.Digest(), e.Tool.Version()})
	var known Judged
	if e.Learned.Load(key, &known) {
		known.Path = seg.Path
		return known, nil
	}
	bytes, err := seg.Open(ctx)
	if err != nil {
		return Judged{}, fmt.Errorf("open segment %s: %w", seg.Path, err)
	}
	defer func() { _ = bytes.Close() }() // opened for reading only
	object := footage.Share(footage.Metered{Object: bytes, Meter: &e.Analysis})
	t, err := e.readTable(ctx, object)
	if err != nil {
		return Judged{}, fmt.Errorf("read the index of segment %s: %w", seg.Path, err)
	}
	judged, err := e.judgeFile(ctx, seg, t, object, damages)
	if err != nil {
		return Judged{}, fmt.Errorf("judge the pictures of %s: %w", seg.Path, err)
	}
	return judged, e.Learned.Save(key, judged)
}

// judgeFile shows a file's usable pictures to the judge. A file that FFmpeg cannot decode at all gets
// no verdict: rendering will find out which of it is lost.
func (e *Engine) judgeFile(ctx context.Context, seg *Segment, t *table, object *footage.Shared, damages []Damage) (Judged, error) {
	in := t.lookAt(shots(t, ownDamages(damages, seg)))
	judged := Judged{Path: seg.Path}
	if len(in.Keys) == 0 {
		return judged, nil
	}
	served := e.Proxy.Serve(object)
	in.URL, in.View = served.URL, presence.ViewOf(e.Proxy, object.Object, t.picture)
	stretches, err := e.Screen.Look(ctx, in)
	if readErr := served.Close(); readErr != nil {
		return judged, readErr
	}
	var broken *ffmpeg.Error
	if errors.As(err, &broken) && !broken.Killed() && context.Cause(ctx) == nil {
		return judged, nil
	}
	if err != nil {
		return judged, err
	}
	zero := t.zero.Duration()
	for _, s := range stretches {
		judged.Stretches = append(judged.Stretches, JudgedStretch{
			From: s.Start - zero, Until: s.End - zero, Presentation: s.Verdict == presence.Presentation, Cause: s.Cause,
		})
	}
	judged.HalfHour = presence.HalfHour(stretches) == presence.Presentation
	return judged, nil
}

// lookAt lists usable pictures for the judge.
func (t *table) lookAt(list []shot) presence.Input {
	in := presence.Input{Timescale: t.picture.Timescale, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS}
	usable := map[int64]bool{}
	for _, shot := range list {
		usable[shot.pts] = true
	}
	var samples []presence.Sample
	for i := range t.picture.Samples {
		if s := &t.picture.Samples[i]; !s.Hidden && usable[s.PTS] {
			samples = append(samples, presence.Sample{PTS: s.PTS, Size: s.Size, Key: s.Key})
		}
	}
	in.Take(samples)
	return in
}
