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

// ScreenSeen is all that is learned of a screen segment: its verdicts and its slides.
type ScreenSeen struct {
	Judged
	Slides []Slide `json:"slides,omitempty"`
	// Unread is set if the slides could not be found or read. It is not kept: the next merge tries again.
	Unread bool `json:"-"`
}

// Slide is a picture that stands on the screen. Times count from the file's zero.
type Slide struct {
	From  time.Duration `json:"from"`
	Until time.Duration `json:"until"`
	Still time.Duration `json:"still"` // when it is complete
	Title string        `json:"title,omitempty"`
	Text  string        `json:"text,omitempty"`
}

// JudgeScreen judges a screen segment and finds its slides, unless they are known already.
func (p *Prober) JudgeScreen(
	ctx context.Context, judge *presence.Judge, seg *Segment, damages []Damage,
) (ScreenSeen, error) {
	const form = "slides " + presence.SlideRules // of what is stored
	key := "screen-" + Fingerprint([]any{seg.Generation, judge.Digest(), p.Tool.Version(), form})
	var seen ScreenSeen
	if p.Learned.Load(key, &seen) {
		seen.Path = seg.Path // it may have been judged under another one
		return seen, nil
	}
	open, err := p.Open(ctx, seg)
	if err != nil {
		return ScreenSeen{}, err
	}
	defer open.Close()
	seen, err = p.judgePictures(ctx, judge, open.Table, open.Table.Shots(OwnDamages(damages, seg)), open.Object)
	if err != nil {
		return ScreenSeen{}, fmt.Errorf("judge the pictures of %s: %w", seg.Path, err)
	}
	seen.Path = seg.Path
	if seen.Unread {
		return seen, nil
	}
	return seen, p.Learned.Save(key, seen)
}

// judgePictures shows a file's usable pictures to the judge. A file that FFmpeg cannot decode at all
// gets no verdict: rendering finds out which of it is lost.
func (p *Prober) judgePictures(
	ctx context.Context, judge *presence.Judge, t *Table, shots []Shot, object *rangeproxy.Shared,
) (ScreenSeen, error) {
	in := t.judgeInput(shots)
	if len(in.Keys) == 0 {
		return ScreenSeen{}, nil
	}
	served := p.Proxy.Serve(object)
	in.Source, in.View = served, presence.ViewOf(p.Proxy, object.Object, t.Picture)
	in.Seen = &presence.Seen{}
	stretches, err := judge.Look(ctx, in)
	var slides []presence.Slide
	var slideErr error
	if err == nil {
		slides, slideErr = judge.Slides(ctx, in)
	}
	if readErr := served.Close(); readErr != nil {
		return ScreenSeen{}, readErr
	}
	if err == nil && slideErr != nil {
		err = context.Cause(ctx) // slides hold no video up
	}
	if ffmpeg.IsUndecodable(err) && context.Cause(ctx) == nil {
		return ScreenSeen{}, nil
	}
	if err != nil {
		return ScreenSeen{}, err
	}
	zero := t.Zero.Duration()
	seen := ScreenSeen{Judged: judgedOf(stretches, zero), Unread: slideErr != nil}
	for _, s := range slides {
		seen.Slides = append(seen.Slides, Slide{
			From:  s.Start - zero,
			Until: s.End - zero,
			Still: s.Still - zero,
			Title: s.Title,
			Text:  s.Text,
		})
	}
	return seen, nil
}

// judgedOf converts the judge's stretches to times since the file's zero.
func judgedOf(stretches []presence.Stretch, zero time.Duration) Judged {
	var judged Judged
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
