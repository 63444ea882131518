package merge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// judge looks at every screen segment and gives the verdicts in frames of the record.
func (p *planner) judge(ctx context.Context) ([]timeline.Verdict, error) {
	source, ok := p.req.Sources[nvr.Screen]
	if !ok {
		return nil, nil
	}
	var usable []int
	for _, i := range p.ofSource(source) {
		if len(p.plan.Segments[i].PictureRuns) > 0 {
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
	defer func() { _ = bytes.Close() }() // openSegment for reading only
	object := rangeproxy.Share(rangeproxy.Metered{Object: bytes, Meter: &e.Analysis})
	t, err := e.readTable(ctx, seg.Generation, object)
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
func (e *Engine) judgeFile(ctx context.Context, seg *Segment, t *table, object *rangeproxy.Shared, damages []Damage) (Judged, error) {
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
