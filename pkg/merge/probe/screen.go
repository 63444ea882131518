package probe

import (
	"context"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// Judged holds a screen segment's verdicts. Times count from the file's zero.
type Judged struct {
	Path      string          `json:"path"`
	HalfHour  bool            `json:"half_hour_presentation"` // as a whole
	Stretches []JudgedStretch `json:"stretches"`
}

// JudgedStretch is one verdict.
type JudgedStretch struct {
	From         time.Duration `json:"from"`
	Until        time.Duration `json:"until"`
	Presentation bool          `json:"presentation"`
	Cause        cause.Cause   `json:"cause"`
}

// JudgeScreen judges a screen segment, unless its verdicts are known already.
func (p *Prober) JudgeScreen(
	ctx context.Context, judge *presence.Judge, seg *Segment, damages []Damage,
) (Judged, error) {
	const form = "typed causes" // of what is stored; former versions stored words
	key := "screen-" + Fingerprint([]any{seg.Generation, judge.Digest(), p.Tool.Version(), form})
	judged, err := Learn(p.Learned, key, func() (Judged, error) {
		open, err := p.Open(ctx, seg)
		if err != nil {
			return Judged{}, err
		}
		defer open.Close()
		t := open.Table
		stretches, err := p.judgePictures(ctx, judge, t, t.Shots(OwnDamages(damages, seg)), open.Object)
		if err != nil {
			return Judged{}, fmt.Errorf("judge the pictures of %s: %w", seg.Path, err)
		}
		return judgedOf(seg.Path, stretches, t.Zero.Duration()), nil
	})
	judged.Path = seg.Path // it may have been judged under another one
	return judged, err
}

// judgePictures shows a file's usable pictures to the judge. A file that FFmpeg cannot decode at all
// gets no verdict: rendering finds out which of it is lost.
func (p *Prober) judgePictures(
	ctx context.Context, judge *presence.Judge, t *Table, shots []Shot, object *rangeproxy.Shared,
) ([]presence.Stretch, error) {
	in := t.judgeInput(shots)
	if len(in.Keys) == 0 {
		return nil, nil
	}
	served := p.Proxy.Serve(object)
	in.Source, in.View = served, presence.ViewOf(p.Proxy, object.Object, t.Picture)
	stretches, err := judge.Look(ctx, in)
	if readErr := served.Close(); readErr != nil {
		return nil, readErr
	}
	if ffmpeg.IsUndecodable(err) && context.Cause(ctx) == nil {
		return nil, nil
	}
	return stretches, err
}

// judgedOf converts the judge's stretches to times since the file's zero.
func judgedOf(path string, stretches []presence.Stretch, zero time.Duration) Judged {
	judged := Judged{Path: path}
	for _, s := range stretches {
		judged.Stretches = append(judged.Stretches, JudgedStretch{
			From:         s.Start - zero,
			Until:        s.End - zero,
			Presentation: s.Verdict == presence.Presentation,
			Cause:        causeOf(s.Causes),
		})
	}
	judged.HalfHour = presence.HalfHour(stretches) == presence.Presentation
	return judged
}

// causeOf returns the reasons of a verdict as one.
func causeOf(causes []cause.Cause) cause.Cause {
	if len(causes) == 1 {
		return causes[0]
	}
	return cause.Because(causes...)
}

// judgeInput lists usable pictures for the judge.
func (t *Table) judgeInput(shots []Shot) presence.Input {
	in := presence.Input{
		Timescale: t.Picture.Timescale,
		Stream:    t.Stream,
		From:      ffmpeg.FirstPTS,
		Until:     ffmpeg.LastPTS,
	}
	usable := map[int64]bool{}
	for _, shot := range shots {
		usable[shot.PTS] = true
	}
	var samples []presence.Sample
	for i := range t.Picture.Samples {
		s := &t.Picture.Samples[i]
		if !s.Hidden && !s.Lost && usable[s.PTS] {
			samples = append(samples, presence.Sample{PTS: s.PTS, Size: s.Size, Key: s.Key})
		}
	}
	in.Take(samples)
	if t.corrected {
		in.SeekTo = func(key int64) *time.Duration {
			entry, found := t.entryBefore(key)
			if !found {
				return nil
			}
			return t.seekTime(entry.Sample)
		}
	}
	return in
}
