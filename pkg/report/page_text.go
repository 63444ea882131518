package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// lead is the sentence to read if one reads only one.
func (v localizer) lead(r *Report) string {
	text := v.NothingMissing
	if lacks := r.lacks(); len(lacks) > 0 {
		var parts []string
		for _, l := range lacks {
			parts = append(parts, v.source(l.Role, l.Source)+" "+v.lasting(l.Total))
		}
		text = v.MissingLead + " " + strings.Join(parts, ", ") + "."
	}
	if blank := r.uncovered(); blank > 0 {
		text += " " + fmt.Sprintf(v.NotShown, v.lasting(blank))
	}
	return text
}

// facts are the few numbers at the head of the page.
func (v localizer) facts(r *Report) []fact {
	return []fact{
		{v.Length, length(r.length()), v.count(r.Output.Frames) + nbsp + v.Frames},
		{
			v.Video,
			fmt.Sprintf("%d×%d", r.Output.Width, r.Output.Height),
			fmt.Sprintf("%d%s%s", r.Output.FPS, nbsp, v.FPS),
		},
		{v.Size, v.bytes(r.Output.Bytes), ""},
		v.level(v.Sound, r.Sound.Result),
		{v.Cost, v.number(r.ratio(r.Cost.CPU), 2), v.CPURatio},
	}
}

// legend explains the patterns that are on the page, and no others.
func (v localizer) legend(r *Report) []legend {
	items := []legend{{"b-footage", v.state(Footage)}}
	for _, state := range []State{Card, Damaged, Missing} {
		has := func(s Span) bool { return s.State == state }
		if slices.ContainsFunc(r.Sources, func(s Source) bool {
			return slices.ContainsFunc(s.Spans, has)
		}) {
			items = append(items, legend{"b-" + string(state), v.state(state)})
		}
	}
	return items
}

// lists say in words all that the strips show.
func (v localizer) lists(r *Report) []list {
	shown := list{ID: "shown", Heading: v.Shown}
	for _, s := range r.Stretches {
		shown.Items = append(shown.Items, v.event(
			s.Start,
			s.End,
			layoutClass(s.Layout),
			v.layout(s.Layout),
			v.pick(s.Reason, s.ReasonRu),
		))
	}
	missing := list{ID: "missing-words", Heading: v.Missing}
	for _, g := range r.Gaps {
		missing.Items = append(missing.Items, v.event(
			g.Start,
			g.End,
			"b-missing",
			v.source(g.Role, g.Source),
			v.pick(g.Cause, g.CauseRu),
		))
	}
	if len(missing.Items) == 0 {
		missing.Note = v.NothingMissing
	}
	other := list{ID: "other", Heading: v.Canvas}
	for _, source := range r.Sources {
		for _, s := range source.Spans {
			if s.State == Card || s.State == Damaged {
				other.Items = append(other.Items, v.event(s.Start, s.End, "b-"+string(s.State), v.source(source.Role, source.Source),
					v.state(s.State)+": "+v.pick(s.Cause, s.CauseRu)))
			}
		}
	}
	if len(other.Items) == 0 {
		return []list{shown, missing}
	}
	return []list{shown, missing, other}
}

func (v localizer) event(start, end Time, class, what, why string) event {
	return event{
		Time:    clock(start, true) + "–" + clock(end, true),
		Class:   class,
		What:    capital(what),
		Lasting: v.lasting(end.Sub(start.Time)),
		Why:     why,
	}
}

func (v localizer) heardFrom(role Role, source string) string {
	if source == "" {
		return v.Silence
	}
	return v.source(role, source)
}

func (v localizer) sounds(r *Report) []event {
	var items []event
	for _, s := range r.Sound.Stretches {
		items = append(items, v.event(
			s.Start,
			s.End,
			soundClass(s.Source),
			v.heardFrom(s.Role, string(s.Source)),
			v.pick(s.Reason, s.ReasonRu),
		))
	}
	return items
}

func (v localizer) levels(s Sound) []fact {
	target := fact{Label: v.Target, Value: v.Off}
	if s.Target.Known() {
		target.Value = v.number(s.Target, 1) + nbsp + "LUFS"
	}
	return []fact{
		v.level(v.Measured, s.Measured),
		target,
		{Label: v.Gain, Value: v.signed(s.Gain, 1) + nbsp + v.DB},
		v.level(v.Result, s.Result),
	}
}

func (v localizer) level(name string, l *Loudness) fact {
	if l == nil {
		return fact{Label: name, Value: "—"}
	}
	return fact{
		name,
		v.number(l.LUFS, 1) + nbsp + "LUFS",
		v.Peak + " " + v.number(l.TruePeak, 1) + nbsp + "dBTP",
	}
}

func (v localizer) files(r *Report) []file {
	files := make([]file, 0, len(r.Segments))
	for _, s := range r.Segments {
		f := file{
			Name:    s.File,
			From:    v.source(s.Role, s.Source),
			Length:  v.Unreadable,
			Picture: v.NoneOf,
			Sound:   v.NoneOf,
			Size:    v.bytes(s.Bytes),
			Faults:  v.pickAll(s.Faults, s.FaultsRu),
			Used:    s.Used,
		}
		if s.Duration.Known() {
			f.Length = v.player(s.Duration)
		}
		if p := s.Video; p != nil {
			f.Picture = fmt.Sprintf("%s %d×%d", p.Codec, p.Width, p.Height)
			if p.FPS.Known() {
				f.Picture += ", " + v.short(float64(p.FPS), 2) + nbsp + v.FPS
			}
		}
		if a := s.Sound; a != nil {
			f.Sound = fmt.Sprintf(
				"%s %s%s%s, %d%s%s",
				a.Codec, v.short(float64(a.SampleRate)/1000, 1), nbsp, v.KHz, a.Channels, nbsp, v.Channels,
			)
		}
		files = append(files, f)
	}
	return files
}

// player is a measured length as on a player, with tenths: a segment's lacking seconds are its news.
func (v localizer) player(n Number) string {
	const most = 1e6 // seconds, eleven days
	if n < 0 || n > most {
		return v.short(float64(n), 1) + nbsp + v.S
	}
	tenths := int64(float64(n)*10 + 0.5)
	whole := time.Duration(tenths/10) * time.Second
	return strings.TrimPrefix(length(whole), "0:") + v.Decimal + fmt.Sprint(tenths%10)
}

func (v localizer) ignored(r *Report) []fact {
	var items []fact
	for _, f := range r.Ignored {
		items = append(items, fact{Label: f.File, Value: v.pick(f.Cause, f.CauseRu)})
	}
	return items
}

func (v localizer) costs(r *Report) []fact {
	elapsed := fact{Label: v.Wall, Value: v.seconds(r.Cost.Wall)}
	if r.Cost.Wall > 0 {
		elapsed.Note = v.Speed + " " + v.number(
			Number(r.length().Seconds()/float64(r.Cost.Wall)),
			1,
		) + "×"
	}
	return []fact{
		{v.CPU, v.seconds(r.Cost.CPU), v.number(r.ratio(r.Cost.CPU), 2) + nbsp + v.CPURatio},
		elapsed,
		{Label: v.Memory, Value: v.bytes(r.Cost.PeakRSS)},
		{Label: v.Read, Value: v.bytes(r.Cost.Read)},
		{Label: v.Analysis, Value: v.bytes(r.Cost.Analysis)},
	}
}

// imprint is what identifies the video and what made it.
func (v localizer) imprint(r *Report) []fact {
	return []fact{
		{Label: v.Video, Value: r.Output.Path},
		{Label: "SHA-256", Value: r.Output.SHA256},
		{Label: v.Digest, Value: r.Digest},
		{
			Label: v.Versions,
			Value: fmt.Sprintf("%s %s, %s %s, FFmpeg %s", v.Program, r.Versions.Program, v.Renderer, r.Versions.Renderer,
				r.Versions.FFmpeg),
		},
	}
}
