package merge

import (
	"context"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// Engine makes merges. Its fields are set before its first use; it is safe for concurrent use.
type Engine struct {
	Tool   *ffmpeg.Tool
	Proxy  *rangeproxy.Proxy
	Screen *presence.Judge
	// Learned keeps what analysing a segment gave, under a key that names its generation.
	Learned  Memory
	Texts    *i18n.Catalog
	Progress func(Progress) // called from several goroutines; may be nil
	Serial   bool           // segments are analysed one after the other

	Analysis  rangeproxy.Meter // bytes of segments read to probe, judge and measure
	Rendering rangeproxy.Meter // bytes of segments read to render
}

// Phase is what a merge is doing.
type Phase string

// The phases.
const (
	Surveying Phase = "survey"
	Analysing Phase = "analyse"
	Rendering Phase = "render"
	Joining   Phase = "join"
)

// Progress is how far a phase is. The counts are in segments (survey, analyse), frames (render) or bytes
// (join).
type Progress struct {
	Phase       Phase
	Done, Total int64
}

// progress reports how far a phase is, if the caller wants to know.
func (e *Engine) progress(phase Phase, done, total int64) {
	if e.Progress != nil {
		e.Progress(Progress{Phase: phase, Done: done, Total: total})
	}
}

// prober returns a prober whose reading meter counts.
func (e *Engine) prober(meter *rangeproxy.Meter) *probe.Prober {
	return &probe.Prober{
		Tool:    e.Tool,
		Proxy:   e.Proxy,
		Learned: e.Learned,
		Meter:   meter,
		Serial:  e.Serial,
	}
}

// Plan probes the clips, judges the screen, measures the sound, and decides everything about the merge.
// damages are stretches that rendering an earlier plan found undecodable.
func (e *Engine) Plan(ctx context.Context, req Request, clips []Clip, damages []Damage) (*Plan, error) {
	prober := e.prober(&e.Analysis)
	prober.Slides = req.Sources[nvr.Screen]
	own := ownClips(req, clips)
	segments := make([]*probe.Segment, len(own))
	zone := req.Start.Location()
	err := e.each(ctx, prober, Surveying, len(own), func(ctx context.Context, i int) (err error) {
		segments[i], err = prober.Probe(ctx, own[i], zone, req.Segment, damages)
		return err
	})
	if err != nil {
		return nil, err
	}
	plan.DropDuplicates(segments, req.Segment)
	synced, err := e.sync(ctx, prober, req, segments)
	if err != nil {
		return nil, err
	}
	p := plan.New(req, e.Tool.Version(), segments, damages)
	screen, err := e.judge(ctx, prober, req, p)
	if err != nil {
		return nil, err
	}
	p.Synced = synced
	p.LayOut(req, judgedOf(screen))
	p.AddSlides(req, screen)
	chooser := &sound.Chooser{
		Prober:   prober,
		Segments: segments,
		Sources:  req.SoundSources(),
		Start:    req.Start,
		Samples:  p.Sample(p.Frames),
		Segment:  req.Segment,
		Loudness: req.Loudness,
		Withheld: p.WithheldBlocks(),
		Progress: func(done, total int64) { e.progress(Analysing, done, total) },
	}
	if p.Sound, err = chooser.Choose(ctx); err != nil {
		return nil, err
	}
	p.Encoding.Channels = p.Sound.Channels
	p.Warn(p.Sound.ExpectedMiss())
	p.WarnOfSound(chooser.Notes())
	return p, nil
}

// ownClips returns the clips that belong to a request, in order of their names.
func ownClips(req Request, clips []Clip) []Clip {
	var own []Clip
	for _, clip := range clips {
		if req.Excludes(clip.Name).IsZero() {
			own = append(own, clip)
		}
	}
	slices.SortFunc(own, func(a, b Clip) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name.String(), b.Name.String())
		}
		return strings.Compare(a.Path, b.Path)
	})
	return own
}

// judge looks at every screen segment. It returns nil if the request has no screen source.
func (e *Engine) judge(
	ctx context.Context, prober *probe.Prober, req Request, p *Plan,
) ([]probe.ScreenSeen, error) {
	if _, ok := req.Sources[nvr.Screen]; !ok {
		return nil, nil
	}
	usable := p.ScreenSegments(req)
	seen := make([]probe.ScreenSeen, len(usable))
	err := e.each(ctx, prober, Analysing, len(usable), func(ctx context.Context, i int) (err error) {
		seen[i], err = prober.JudgeScreen(ctx, e.Screen, p.Segments[usable[i]], p.Damages)
		return err
	})
	return seen, err
}

// judgedOf returns the verdicts of screen segments.
func judgedOf(screen []probe.ScreenSeen) []probe.Judged {
	var judged []probe.Judged
	for _, seen := range screen {
		judged = append(judged, seen.Judged)
	}
	return judged
}

// each calls do for n segments, a few at a time, and reports progress.
func (e *Engine) each(
	ctx context.Context, prober *probe.Prober, phase Phase, n int, do func(ctx context.Context, i int) error,
) error {
	progress := func(done, total int64) { e.progress(phase, done, total) }
	return prober.Each(ctx, n, progress, do)
}
