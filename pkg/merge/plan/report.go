package plan

import (
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Report tells what the plan did, for everything that is known before it is rendered: output and
// cost are the caller's to fill in.
func (p *Plan) Report(texts *i18n.Catalog) *report.Report {
	r := &report.Report{
		Record: report.Record{
			Room:     p.Room,
			Date:     p.Start.Format("2006-01-02"),
			Start:    report.At(p.Start),
			End:      report.At(p.End),
			Title:    p.Title,
			TimeZone: p.TimeZone,
			Frames:   p.Frames,
			FPS:      p.Encoding.Rate,
			Policy:   report.Policy(p.Policy),
		},
		Digest: p.Digest(),
		Versions: report.Versions{
			Program:  "nvr-merger",
			Renderer: p.Renderer,
			FFmpeg:   p.FFmpeg,
		},
	}
	window := p.Window()
	at := func(frame int64) report.Time { return report.At(window.Time(frame)) }
	for _, s := range p.Scenes {
		layout := report.Layout(s.Layout)
		left, right := layout.Panes()
		r.Stretches = append(r.Stretches, report.Stretch{
			Start:        at(s.First),
			End:          at(s.End),
			Layout:       layout,
			Left:         left,
			Right:        right,
			Other:        report.Role(s.Other),
			ReasonFields: report.ReasonFieldsOf(texts, s.Reason),
		})
	}
	roles := p.roles()
	for _, source := range p.Sources {
		spans := p.spans(source)
		own := report.Source{Source: source.Source, Role: report.Role(source.Role)}
		for _, s := range spans {
			own.Spans = append(own.Spans, report.Span{
				Start:       at(s.first),
				End:         at(s.end),
				State:       s.state,
				CauseFields: report.CauseFieldsOf(texts, s.cause),
			})
			if s.state == report.Missing || s.state == report.Damaged {
				r.Gaps = append(r.Gaps, report.Gap{
					Source:      source.Source,
					Role:        report.Role(source.Role),
					Start:       at(s.first),
					End:         at(s.end),
					CauseFields: report.CauseFieldsOf(texts, s.cause),
				})
			}
		}
		r.Sources = append(r.Sources, own)
	}
	used := p.used()
	for i, seg := range p.Segments {
		r.Segments = append(r.Segments, segmentReport(
			texts,
			seg,
			report.Role(roles[seg.Source]),
			used[i],
		))
	}
	r.Sound = p.soundReport(texts, roles)
	r.Slides = p.slideReport()
	r.Warnings = p.warningReport(texts)
	r.Sync = p.syncReport()
	return r
}

// syncReport lists how the sources were brought in step.
func (p *Plan) syncReport() []report.Sync {
	var list []report.Sync
	for _, s := range p.Synced {
		list = append(list, report.Sync{
			Source:    s.Source,
			Reference: s.Reference,
			OffsetMs:  report.Number(float64(s.Offset.Round(100*time.Microsecond)) / 1e6),
			DriftPPM:  report.Number(math.Round(float64(s.DriftPPB)/100) / 10),
			Sure:      s.Sure,
			Windows:   s.Windows,
		})
	}
	return list
}

// roles gives each source its first role.
func (p *Plan) roles() map[string]nvr.Role {
	roles := map[string]nvr.Role{}
	for _, s := range p.Sources {
		if _, ok := roles[s.Source]; !ok {
			roles[s.Source] = s.Role
		}
	}
	return roles
}

// used tells which segments are seen or heard.
func (p *Plan) used() []bool {
	used := make([]bool, len(p.Segments))
	for _, piece := range p.Pieces() {
		if piece.File >= 0 {
			used[piece.File] = true
		}
	}
	for _, take := range p.Sound.Takes {
		used[take.File] = true
	}
	return used
}

// state is a stretch of a source in one state.
type state struct {
	first, end int64
	state      report.State
	cause      cause.Cause
}

// spans splits a source's spans by what the screen shows.
func (p *Plan) spans(source PlannedSource) []state {
	var out []state
	add := func(s state) {
		if n := len(out); n > 0 && out[n-1].state == s.state && out[n-1].cause == s.cause && out[n-1].end == s.first {
			out[n-1].end = s.end
			return
		}
		out = append(out, s)
	}
	for _, span := range source.Spans {
		if span.Hole() {
			kind := report.Missing
			if span.Cause.Is(cause.CodePicturesDamaged) {
				kind = report.Damaged
			}
			add(state{span.First, span.End, kind, span.Cause})
			continue
		}
		if !span.Cause.IsZero() {
			add(state{span.First, span.End, report.Damaged, span.Cause})
			continue
		}
		at := span.First
		if source.Role == nvr.Screen {
			for _, card := range p.cards(span) {
				if card.first > at {
					add(state{at, card.first, report.Footage, cause.Cause{}})
				}
				add(card)
				at = card.end
			}
		}
		if at < span.End {
			add(state{at, span.End, report.Footage, cause.Cause{}})
		}
	}
	return out
}

// cards returns the stretches of a screen span in which the encoder's idle screen was seen.
func (p *Plan) cards(span timeline.Span) []state {
	var out []state
	window := p.Window()
	seg := p.Segments[span.File]
	zero := seg.Start.Sub(p.Start)
	for _, judged := range p.Verdicts {
		if judged.Path != seg.Path {
			continue
		}
		for _, s := range judged.Stretches {
			first, end := max(span.First, window.Nearest(zero+s.From)), min(span.End, window.Nearest(zero+s.Until))
			if !s.Presentation && first < end {
				out = append(out, state{first, end, report.Card, cause.ScreenSeen(s.Cause)})
			}
		}
	}
	return out
}

// segmentReport describes a segment. Faults of former versions, which have a text and no code, have no entry
// among the codes.
func segmentReport(texts *i18n.Catalog, s *probe.Segment, role report.Role, used bool) report.Segment {
	out := report.Segment{
		File:     s.Path,
		Source:   s.Source,
		Role:     role,
		Start:    report.At(s.Start),
		Bytes:    s.Bytes,
		Duration: report.Unknown(),
		Used:     used,
	}
	for _, fault := range s.Faults {
		out.Faults = append(out.Faults, texts.For("en").Cause(fault))
		out.FaultsRu = append(out.FaultsRu, texts.For("ru").Cause(fault))
		if !fault.Is(cause.CodeText) {
			out.FaultCodes = append(out.FaultCodes, fault)
		}
	}
	if s.Length > 0 {
		out.Duration = report.Number(s.Length.Seconds())
	}
	if s.Picture != nil {
		out.Video = &report.Video{
			Codec:  s.Picture.Codec,
			Width:  s.Picture.Width,
			Height: s.Picture.Height,
			FPS:    report.Number(s.Picture.FPS),
			Frames: int64(s.Picture.Frames),
		}
	}
	if s.Sound != nil {
		out.Sound = &report.Audio{
			Codec:      s.Sound.Codec,
			Channels:   s.Sound.Channels,
			SampleRate: s.Sound.Rate,
		}
	}
	return out
}

// soundReport describes where the sound comes from. Stretches are in whole tenths of a second, but the last
// one ends with the record.
func (p *Plan) soundReport(texts *i18n.Catalog, roles map[string]nvr.Role) report.Sound {
	out := report.Sound{
		Target:   report.Unknown(),
		Gain:     report.Number(p.Sound.GainDB),
		Measured: p.Sound.Measured.Report(),
	}
	if p.Sound.Target != nil {
		out.Target = report.Number(*p.Sound.Target)
	}
	for i, h := range p.Sound.Heard {
		end := report.At(p.Start.Add(time.Duration(h.End) * timeline.Block))
		if i+1 == len(p.Sound.Heard) {
			end = report.At(p.End)
		}
		out.Stretches = append(out.Stretches, report.SoundStretch{
			Start:        report.At(p.Start.Add(time.Duration(h.First) * timeline.Block)),
			End:          end,
			Source:       report.SourceID(h.Source),
			Role:         report.Role(roles[h.Source]),
			ReasonFields: report.ReasonFieldsOf(texts, h.Reason),
		})
	}
	return out
}
