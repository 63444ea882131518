package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lead returns the first sentence of the page: how much of which source is missing, and for how long nothing
// is shown.
func (v localizer) lead(r *Report) string {
	text := v.Label("nothing-missing")
	if lacks := r.lacks(); len(lacks) > 0 {
		var parts []string
		for _, l := range lacks {
			parts = append(parts, v.source(l.Role, l.Source)+" "+v.lasting(l.Total))
		}
		text = v.Label("missing-lead") + " " + strings.Join(parts, ", ") + "."
	}
	if blank := r.uncovered(); blank > 0 {
		text += " " + v.T("report.not-shown", "length", v.lasting(blank))
	}
	return text
}

// facts returns the few numbers at the head of the page.
func (v localizer) facts(r *Report) []fact {
	return []fact{
		{v.Label("length"), length(r.length()), v.T("report.frames", "n", r.Output.Frames)},
		{
			v.Label("video"),
			fmt.Sprintf("%d×%d", r.Output.Width, r.Output.Height),
			v.unit("fps", strconv.Itoa(r.Output.FPS)),
		},
		{v.Label("size"), v.bytes(r.Output.Bytes), ""},
		v.level(v.Label("sound"), r.Sound.Result),
		{v.Label("cost"), v.number(r.ratio(r.Cost.CPU), 2), v.Label("cpu-ratio")},
	}
}

// legend explains the patterns that occur on the page, and no others.
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

// slideTitle returns the title of a slide, or that it has none.
func (v localizer) slideTitle(s Slide) string {
	if s.Title == "" {
		return v.Label("untitled")
	}
	return s.Title
}

// slides returns the list of slides by title, or none.
func (v localizer) slides(r *Report) []list {
	if len(r.Slides) == 0 {
		return nil
	}
	titles := list{ID: "slides", Heading: v.Label("slides")}
	for _, s := range r.Slides {
		titles.Items = append(titles.Items, v.event(s.Start, s.End, "b-both", v.slideTitle(s), ""))
	}
	return []list{titles}
}

// lists returns in words all that the strips show, and the slides.
func (v localizer) lists(r *Report) []list {
	shown := list{ID: "shown", Heading: v.Label("shown")}
	for _, s := range r.Stretches {
		shown.Items = append(shown.Items, v.event(
			s.Start,
			s.End,
			layoutClass(s.Layout),
			v.layout(s),
			s.Text(v.Localizer),
		))
	}
	missing := list{ID: "missing-words", Heading: v.Label("missing")}
	for _, g := range r.Gaps {
		missing.Items = append(missing.Items, v.event(
			g.Start,
			g.End,
			"b-missing",
			v.source(g.Role, g.Source),
			g.Text(v.Localizer),
		))
	}
	if len(missing.Items) == 0 {
		missing.Note = v.Label("nothing-missing")
	}
	other := list{ID: "other", Heading: v.Label("canvas")}
	for _, source := range r.Sources {
		for _, s := range source.Spans {
			if s.State == Card || s.State == Damaged {
				other.Items = append(other.Items, v.event(s.Start, s.End, "b-"+string(s.State), v.source(source.Role, source.Source),
					v.state(s.State)+": "+s.Text(v.Localizer)))
			}
		}
	}
	lists := append([]list{shown}, v.slides(r)...)
	lists = append(lists, missing)
	if len(other.Items) > 0 {
		lists = append(lists, other)
	}
	return lists
}

// event returns a list item for [start, end), with the seconds of the room's time. what gets a capital
// letter; why may be empty.
func (v localizer) event(start, end Time, class, what, why string) event {
	return event{
		Time:    clock(start, true) + "–" + clock(end, true),
		Class:   class,
		What:    capital(what),
		Lasting: v.lasting(end.Sub(start.Time)),
		Why:     why,
	}
}

// heardFrom names the source of a stretch of sound, or silence if source is empty.
func (v localizer) heardFrom(role Role, source string) string {
	if source == "" {
		return v.Label("silence")
	}
	return v.source(role, source)
}

// sounds lists which source is heard when, and why.
func (v localizer) sounds(r *Report) []event {
	var items []event
	for _, s := range r.Sound.Stretches {
		items = append(items, v.event(
			s.Start,
			s.End,
			soundClass(s.Source),
			v.heardFrom(s.Role, string(s.Source)),
			s.Text(v.Localizer),
		))
	}
	return items
}

// levels returns the loudness that was measured in the sources, the target, the gain, and the loudness of the
// video.
func (v localizer) levels(s Sound) []fact {
	target := fact{Label: v.Label("target"), Value: v.Label("off")}
	if s.Target.Known() {
		target.Value = v.number(s.Target, 1) + nbsp + "LUFS"
	}
	return []fact{
		v.level(v.Label("measured"), s.Measured),
		target,
		{Label: v.Label("gain"), Value: v.unit("db", v.signed(s.Gain, 1))},
		v.level(v.Label("result"), s.Result),
	}
}

// level returns an integrated loudness with its true peak, or a dash if nothing was measured.
func (v localizer) level(name string, l *Loudness) fact {
	if l == nil {
		return fact{Label: name, Value: "—"}
	}
	return fact{
		name,
		v.number(l.LUFS, 1) + nbsp + "LUFS",
		v.Label("peak") + " " + v.number(l.TruePeak, 1) + nbsp + "dBTP",
	}
}

// files returns the rows of the table of segments. A file that cannot be read has no length.
func (v localizer) files(r *Report) []file {
	files := make([]file, 0, len(r.Segments))
	for _, s := range r.Segments {
		f := file{
			Name:    s.File,
			From:    v.source(s.Role, s.Source),
			Length:  v.Label("unreadable"),
			Picture: v.Label("none"),
			Sound:   v.Label("none"),
			Size:    v.bytes(s.Bytes),
			Faults:  v.faults(s),
			Used:    s.Used,
		}
		if s.Duration.Known() {
			f.Length = v.player(s.Duration)
		}
		if p := s.Video; p != nil {
			f.Picture = fmt.Sprintf("%s %d×%d", p.Codec, p.Width, p.Height)
			if p.FPS.Known() {
				f.Picture += ", " + v.unit("fps", v.short(float64(p.FPS), 2))
			}
		}
		if a := s.Sound; a != nil {
			rate := v.unit("khz", v.short(float64(a.SampleRate)/1000, 1))
			f.Sound = a.Codec + " " + rate + ", " + v.unit("channels", strconv.Itoa(a.Channels))
		}
		files = append(files, f)
	}
	return files
}

// player writes a measured length as a player does, with tenths, because a file that lacks a second is worth
// seeing. A length that is negative or over eleven days is written in seconds.
func (v localizer) player(n Number) string {
	const most = 1e6 // seconds, eleven days
	if n < 0 || n > most {
		return v.nonBreaking(v.T("unit.s", "n", v.short(float64(n), 1)))
	}
	tenths := int64(float64(n)*10 + 0.5)
	whole := time.Duration(tenths/10) * time.Second
	return strings.TrimPrefix(length(whole), "0:") + v.decimalPoint() + fmt.Sprint(tenths%10)
}

// ignored lists the files that do not belong to the record, and why.
func (v localizer) ignored(r *Report) []fact {
	var items []fact
	for _, f := range r.Ignored {
		items = append(items, fact{Label: f.File, Value: f.Text(v.Localizer)})
	}
	return items
}

// costs lists what the merge took. Speed is the length of the record divided by the elapsed time.
func (v localizer) costs(r *Report) []fact {
	elapsed := fact{Label: v.Label("wall"), Value: v.seconds(r.Cost.Wall)}
	if r.Cost.Wall > 0 {
		elapsed.Note = v.Label("speed") + " " + v.number(
			Number(r.length().Seconds()/float64(r.Cost.Wall)),
			1,
		) + "×"
	}
	return []fact{
		{v.Label("cpu"), v.seconds(r.Cost.CPU), v.number(r.ratio(r.Cost.CPU), 2) + nbsp + v.Label("cpu-ratio")},
		elapsed,
		{Label: v.Label("memory"), Value: v.bytes(r.Cost.PeakRSS)},
		{Label: v.Label("read"), Value: v.bytes(r.Cost.Read)},
		{Label: v.Label("analysis"), Value: v.bytes(r.Cost.Analysis)},
	}
}

// imprint returns what identifies the video, and the versions that made it.
func (v localizer) imprint(r *Report) []fact {
	return []fact{
		{Label: v.Label("video"), Value: r.Output.Path},
		{Label: "SHA-256", Value: r.Output.SHA256},
		{Label: v.Label("digest"), Value: r.Digest},
		{
			Label: v.Label("versions"),
			Value: fmt.Sprintf(
				"NVR Merger %s, %s %s, FFmpeg %s",
				r.Versions.Program, v.Label("renderer"), r.Versions.Renderer, r.Versions.FFmpeg,
			),
		},
	}
}
