package merge

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/align"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/timeline"
)

const (
	// mostWindows is how many stretches of two segments are compared.
	mostWindows = 6
	// wholeStretch is how long sound may be to be decoded at once instead of window by window.
	wholeStretch = 2 * time.Minute
	// leastLag is the lag from which a segment is moved. A smaller one is neither seen nor heard.
	leastLag = 20 * time.Millisecond
)

// sync measures how late each source is against the one whose sound is wanted first, and corrects the
// segments of those where it is sure.
func (e *Engine) sync(
	ctx context.Context, prober *probe.Prober, req Request, segments []*probe.Segment,
) ([]plan.Synced, error) {
	sources := req.SoundSources()
	if req.SyncOff || len(sources) < 2 {
		return nil, nil
	}
	reference := sources[0]
	var synced []plan.Synced
	for _, source := range sources[1:] {
		one, err := e.syncSource(ctx, prober, segments, reference, source)
		if err != nil {
			return nil, err
		}
		if one != nil {
			synced = append(synced, *one)
		}
	}
	return synced, nil
}

// syncSource measures one source. It returns nil if the two nowhere have sound at the same time.
func (e *Engine) syncSource(
	ctx context.Context, prober *probe.Prober, segments []*probe.Segment, reference, source string,
) (*plan.Synced, error) {
	references := withSound(segments, reference)
	own := withSound(segments, source)
	lags := make([][]align.Lag, len(own))
	err := e.each(ctx, prober, Analysing, len(own), func(ctx context.Context, i int) (err error) {
		if other := longestOverlap(own[i], references); other != nil {
			lags[i], err = learnLags(ctx, prober, other, own[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []align.Lag // on the time axis of the first segment
	starts := make([]time.Duration, len(own))
	for i, list := range lags {
		starts[i] = own[i].Start.Sub(own[0].Start)
		for _, lag := range list {
			lag.At += starts[i]
			all = append(all, lag)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	whole := align.Fit(all)
	result := plan.Synced{Source: source, Reference: reference, Windows: whole.Windows}
	for i, seg := range own {
		line := align.Fit(lags[i])
		if !line.Sure && whole.Sure {
			line = align.Line{Offset: whole.At(starts[i]), PPM: whole.PPM, Windows: len(lags[i]), Sure: true}
		}
		if !line.Sure {
			continue
		}
		if !result.Sure {
			result.Sure, result.Offset, result.DriftPPB = true, line.Offset, ppb(line.PPM)
			result.Windows = max(result.Windows, line.Windows)
		}
		if max(line.At(0).Abs(), line.At(seg.Length).Abs()) > leastLag {
			seg.Correct(probe.Sync{Lag: line.Offset, DriftPPB: ppb(line.PPM)})
		}
	}
	return &result, nil
}

// ppb converts parts in a million to whole parts in 1e9.
func ppb(ppm float64) int64 { return int64(math.Round(1000 * ppm)) }

// withSound returns the segments of a source that count and have sound.
func withSound(segments []*probe.Segment, source string) []*probe.Segment {
	var list []*probe.Segment
	for _, i := range probe.OfSource(segments, source) {
		if len(segments[i].SoundRuns) > 0 {
			list = append(list, segments[i])
		}
	}
	return list
}

// longestOverlap returns the segment that shares the most time with seg, or nil if none does.
func longestOverlap(seg *probe.Segment, others []*probe.Segment) *probe.Segment {
	var best *probe.Segment
	most := time.Duration(0)
	for _, other := range others {
		first := max(0, other.Start.Sub(seg.Start))
		end := min(seg.Length, other.Start.Add(other.Length).Sub(seg.Start))
		if end-first > most {
			best, most = other, end-first
		}
	}
	return best
}

// learnLags compares two segments at a few places. Times count from the start of seg.
func learnLags(ctx context.Context, prober *probe.Prober, reference, seg *probe.Segment) ([]align.Lag, error) {
	key := "lags-" + probe.Fingerprint([]any{
		reference.Generation, seg.Generation, reference.SoundRuns, seg.SoundRuns, prober.Tool.Version(), mostWindows,
	})
	return probe.Learn(prober.Learned, key, func() ([]align.Lag, error) {
		return measureLags(ctx, prober, reference, seg)
	})
}

// measureLags is learnLags without the cache.
func measureLags(ctx context.Context, prober *probe.Prober, reference, seg *probe.Segment) ([]align.Lag, error) {
	shift := seg.Start.Sub(reference.Start) // from a time of seg to one of reference
	var pairs []align.Pair
	for _, common := range commonRuns(reference.SoundRuns, seg.SoundRuns, shift) {
		more, err := listenToBoth(ctx, prober, reference, seg, common, shift)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, more...)
	}
	return align.Measure(pairs), nil
}

// commonRuns returns the longest stretches, since the zero of seg, in which both segments have unbroken sound.
func commonRuns(reference, seg []timeline.Run, shift time.Duration) []timeline.Run {
	var common []timeline.Run
	for _, a := range reference {
		for _, b := range seg {
			run := timeline.Run{From: max(a.From-shift, b.From), Until: min(a.Until-shift, b.Until)}
			if run.Until-run.From >= align.Length+2*align.MostLag {
				common = append(common, run)
			}
		}
	}
	slices.SortFunc(common, func(a, b timeline.Run) int {
		return cmp.Compare(b.Until-b.From, a.Until-a.From)
	})
	return common[:min(len(common), 2)]
}

// listenToBoth returns the sound of two segments at places that are spread evenly over a stretch of seg.
func listenToBoth(
	ctx context.Context, prober *probe.Prober, reference, seg *probe.Segment, run timeline.Run, shift time.Duration,
) ([]align.Pair, error) {
	heard, err := listen(ctx, prober, reference, run.From+shift, run.Until+shift)
	if err != nil {
		return nil, err
	}
	defer heard.close()
	other, err := listen(ctx, prober, seg, run.From, run.Until)
	if err != nil {
		return nil, err
	}
	defer other.close()
	var pairs []align.Pair
	for _, at := range places(run) {
		p := align.Pair{At: at + align.Length/2}
		if p.Reference, err = heard.window(ctx, at+shift-align.MostLag, align.Length+2*align.MostLag); err != nil {
			return nil, err
		}
		if p.Other, err = other.window(ctx, at, align.Length); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// places returns where windows begin that lie in a run with [align.MostLag] at both sides.
func places(run timeline.Run) []time.Duration {
	first := run.From + align.MostLag
	room := run.Until - align.MostLag - align.Length - first
	count := int(min(2*room/align.Length+1, mostWindows)) // in short runs they overlap
	list := []time.Duration{first}
	for i := 1; i < count; i++ {
		list = append(list, first+time.Duration(i)*room/time.Duration(count-1))
	}
	return list
}

// listener gives stretches of a segment's sound at [align.Rate].
type listener struct {
	prober *probe.Prober
	open   *probe.OpenSegment
	from   time.Duration
	whole  []float32 // from from on; nil if each window is decoded by itself
}

// listen opens a segment to listen to it in [from, until).
func listen(ctx context.Context, p *probe.Prober, seg *probe.Segment, from, until time.Duration) (*listener, error) {
	open, err := p.Open(ctx, seg)
	if err != nil {
		return nil, err
	}
	l := &listener{prober: p, open: open, from: from}
	if until-from <= wholeStretch {
		if l.whole, err = l.decode(ctx, from, until); err != nil {
			open.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *listener) close() { l.open.Close() }

// window returns the sound of a length from a time on. It is shorter where the sound cannot be decoded.
func (l *listener) window(ctx context.Context, at, length time.Duration) ([]float32, error) {
	if l.whole == nil {
		return l.decode(ctx, at, at+length)
	}
	first := int((at - l.from) * align.Rate / time.Second)
	end := first + int(length*align.Rate/time.Second)
	return l.whole[min(first, len(l.whole)):min(end, len(l.whole))], nil
}

// decode returns the sound of [from, until), since the segment's zero, as one channel at [align.Rate].
func (l *listener) decode(ctx context.Context, from, until time.Duration) ([]float32, error) {
	samples := make([]float32, 0, int((until-from)*align.Rate/time.Second)+1)
	err := sound.Stretch(ctx, l.prober, l.open, from, until, func(piece []float32) {
		samples = align.Decimate(samples, piece, ffmpeg.SampleRate/align.Rate)
	})
	return samples, err
}
