package merge

import (
	"context"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// soundPlanner carries the choice of sound sources: each is measured when it is first asked for.
type soundPlanner struct {
	*planner
	ctx      context.Context
	sources  []string
	channels int
	known    map[int]*measuredSource
	err      error
}

// measuredSource is a source that was measured.
type measuredSource struct {
	segments         []int
	hearings         []*soundAnalysis
	silenceThreshold int16
	runs             []timeline.SoundRun
}

// sound decides whose sound is heard where, and how loud.
func (p *planner) sound(ctx context.Context) error {
	l := &soundPlanner{planner: p, ctx: ctx, sources: p.soundSources(), channels: 1, known: map[int]*measuredSource{}}
	for _, seg := range p.plan.Segments {
		if seg.Sound != nil && seg.Sound.Channels > 1 && seg.BetterFile == "" {
			l.channels = 2
		}
	}
	planned := PlannedSound{Channels: l.channels, Candidates: l.sources, Thresholds: map[string]int16{}}
	p.plan.Encoding.Channels = l.channels

	blocks := (p.plan.sample(p.plan.Frames)*10 + ffmpeg.SampleRate - 1) / ffmpeg.SampleRate
	var listens []timeline.Listen
	if len(l.sources) > 0 {
		listens = timeline.Choose(0, blocks, len(l.sources), l.heard)
	}
	for source, k := range l.known {
		planned.Thresholds[l.sources[source]] = k.silenceThreshold
	}
	if planned.Heard = l.describe(listens, blocks); l.err != nil {
		return l.err
	}
	planned.Takes = timeline.Takes(inSamples(listens, p.plan.sample(p.plan.Frames)), func(source int) []timeline.SoundRun {
		return l.known[source].runs
	})
	l.level(&planned, listens)
	p.plan.Sound = planned
	return nil
}

// soundSources are the sources whose sound may be heard, best first.
func (p *planner) soundSources() []string {
	var list []string
	add := func(source string) {
		for _, have := range list {
			if have == source {
				return
			}
		}
		if source != "" {
			list = append(list, source)
		}
	}
	add(p.req.Sound)
	for _, role := range roles() {
		add(p.req.Sources[role])
	}
	return list
}

// heard tells what a source gives in a block of the record.
func (l *soundPlanner) heard(source int, block int64) timeline.Heard {
	k := l.listen(source)
	if l.err != nil {
		return timeline.Missing
	}
	b, ok := l.at(k, block)
	switch {
	case !ok:
		return timeline.Missing
	case b.peak < k.silenceThreshold:
		return timeline.Silent
	default:
		return timeline.Audible
	}
}

// at finds a source's measured block at a block of the record.
func (l *soundPlanner) at(k *measuredSource, block int64) (b loudBlock, ok bool) {
	instant := l.req.Start.Add(time.Duration(block)*timeline.Block + timeline.Block/2)
	for i := len(k.segments) - 1; i >= 0; i-- { // a later file wins where two overlap
		if at := instant.Sub(l.plan.Segments[k.segments[i]].Start); at >= 0 {
			if b, ok = k.hearings[i].block(at); ok {
				return b, true
			}
		}
	}
	return loudBlock{}, false
}

// listen measures a source, once.
func (l *soundPlanner) listen(source int) *measuredSource {
	if k := l.known[source]; k != nil {
		return k
	}
	k := &measuredSource{}
	l.known[source] = k
	if l.err != nil {
		return k // nothing will come of it any more
	}
	for _, i := range l.ofSource(l.sources[source]) {
		if len(l.plan.Segments[i].SoundRuns) > 0 {
			k.segments = append(k.segments, i)
		}
	}
	k.hearings = make([]*soundAnalysis, len(k.segments))
	l.err = l.each(l.ctx, Analysing, len(k.segments), func(ctx context.Context, i int) (err error) {
		k.hearings[i], err = l.measure(ctx, l.plan.Segments[k.segments[i]], l.channels)
		return err
	})
	if l.err != nil {
		return k
	}
	k.silenceThreshold = silenceThreshold(k.hearings)
	for i, index := range k.segments {
		seg := l.plan.Segments[index]
		zero := seg.Start.Sub(l.req.Start)
		for _, run := range k.hearings[i].Runs {
			k.runs = append(k.runs, timeline.SoundRun{
				First: samplesIn(zero+run.Run.From, ffmpeg.SampleRate), End: samplesIn(zero+run.Run.Until, ffmpeg.SampleRate),
				File: index, Run: run.Run,
			})
		}
		if lost := undecoded(seg, k.hearings[i]); lost > 100*time.Millisecond {
			seg.fault("sound of " + secondsText(lost) + " cannot be decoded")
		}
	}
	return k
}

// undecoded is how much of a segment's sound FFmpeg could not decode.
func undecoded(seg *Segment, h *soundAnalysis) time.Duration {
	var lost time.Duration
	for _, run := range seg.SoundRuns {
		lost += run.Until - run.From
	}
	for _, run := range h.Runs {
		lost -= run.Run.Until - run.Run.From
	}
	return lost
}

// measure hears a segment, unless what it sounds like is known already.
func (e *Engine) measure(ctx context.Context, seg *Segment, channels int) (*soundAnalysis, error) {
	key := "levels-" + digest([]any{seg.Generation, channels, e.Tool.Version(), seg.SoundRuns})
	known := &soundAnalysis{}
	if e.Learned.Load(key, known) {
		return known, nil
	}
	h, err := e.hear(ctx, seg, channels)
	if err != nil {
		return nil, err
	}
	return h, e.Learned.Save(key, h)
}

// describe says for people where the sound comes from.
func (l *soundPlanner) describe(listens []timeline.Listen, blocks int64) []Heard {
	if len(listens) == 0 {
		return []Heard{{First: 0, End: blocks, Reason: "no source has sound"}}
	}
	var out []Heard
	for _, listen := range listens {
		name := l.sources[listen.Source]
		h := Heard{First: listen.First, End: listen.End, Source: name, Reason: "sound source " + name}
		switch {
		case l.none(listen):
			h.Source, h.Reason = "", "no source has sound here"
		case listen.Source > 0 && l.none(timeline.Listen{First: listen.First, End: listen.End, Source: 0}):
			h.Reason = fmt.Sprintf("source %s has no sound here; source %s stands in", l.sources[0], name)
		case listen.Source > 0:
			h.Reason = fmt.Sprintf("source %s is silent here; source %s stands in", l.sources[0], name)
		}
		out = append(out, h)
	}
	return out
}

// none tells whether a source has no samples at all in a stretch.
func (l *soundPlanner) none(listen timeline.Listen) bool {
	for block := listen.First; block < listen.End; block++ {
		if l.heard(listen.Source, block) != timeline.Missing {
			return false
		}
	}
	return true
}

// inSamples turns blocks into samples, the last one cut at the record's end.
func inSamples(listens []timeline.Listen, samples int64) []timeline.Listen {
	const blockSamples = ffmpeg.SampleRate / 10
	out := make([]timeline.Listen, len(listens))
	for i, listen := range listens {
		out[i] = timeline.Listen{First: listen.First * blockSamples, End: min(listen.End*blockSamples, samples), Source: listen.Source}
	}
	return out
}
