package report

import (
	"strconv"
	"strings"
	"time"
)

// strip is one row of the timeline.
type strip struct {
	Kind   string // class: layout, source or sound
	Name   string
	Octet  string
	Share  string // how much of the record is there, in words
	Text   string // what the strip shows, for those who do not see it
	Height int    // pixels
	Ruled  bool   // whether the ticks of the axis cross it
	Blocks []block
}

// block is a run within a strip; X and Width are per cent of it.
type block struct {
	X, Width, Class, Tip string
	Label, LabelClass    string
}

// tick is a mark on the wall clock.
type tick struct{ X, Label, Anchor, Class string }

// axis places times on the record's width.
type axis struct {
	start Time
	span  time.Duration
}

// share returns d in per cent of the record. It is 0 for an empty record.
func (a axis) share(d time.Duration) float64 {
	if a.span <= 0 {
		return 0
	}
	return 100 * float64(d) / float64(a.span)
}

// percent writes per cent as CSS and SVG read them, with four decimals.
func percent(share float64) string {
	return strconv.FormatFloat(share, 'f', 4, 64) + "%"
}

// block places [start, end) on the strip. Its label is shown where the block is wide enough for the text. A
// label of class "wide" is hidden on a narrow screen.
func (a axis) block(start, end Time, class, label, tip string) block {
	width := a.share(end.Sub(start.Time))
	b := block{
		X:     percent(a.share(start.Sub(a.start.Time))),
		Width: percent(width),
		Class: class,
		Tip:   tip,
	}
	need := float64(len([]rune(label))) * 1.05 // per cent that a letter takes on a wide screen
	switch {
	case width > 3*need:
		b.Label = label
	case width > need+2:
		b.Label, b.LabelClass = label, "wide"
	}
	return b
}

// ticks returns marks at round times of the room's clock, nine at most.
func (a axis) ticks() []tick {
	steps := []time.Duration{
		time.Second,
		2 * time.Second,
		5 * time.Second,
		10 * time.Second,
		15 * time.Second,
		30 * time.Second,
		time.Minute,
		2 * time.Minute,
		5 * time.Minute,
		10 * time.Minute,
		15 * time.Minute,
		30 * time.Minute,
		time.Hour,
		2 * time.Hour,
		3 * time.Hour,
		6 * time.Hour,
		24 * time.Hour,
	}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if a.span <= 8*s {
			step = s
			break
		}
	}
	var list []tick
	for at := a.first(step); at <= a.span && len(list) < 10; at += step {
		t := tick{
			X:      percent(a.share(at)),
			Label:  clock(Time{a.start.Add(at)}, step < time.Minute),
			Anchor: "middle",
		}
		if at == 0 {
			t.Anchor = "start"
		}
		if at == a.span {
			t.Anchor = "end"
		}
		if len(list)%2 == 1 {
			t.Class = "minor"
		}
		list = append(list, t)
	}
	return list
}

// first returns how long after the start the room's clock first shows a multiple of step.
func (a axis) first(step time.Duration) time.Duration {
	hour, minute, second := a.start.Clock()
	day := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(a.start.Nanosecond())
	if over := day % step; over > 0 {
		return step - over
	}
	return 0
}

// strips returns the rows of the timeline: the picture, each source, the sound.
func (v localizer) strips(r *Report) []strip {
	a := axis{start: r.Record.Start, span: r.length()}
	list := []strip{v.layoutStrip(r, a)}
	for _, s := range r.Sources {
		list = append(list, v.sourceStrip(s, a))
	}
	return append(list, v.soundStrip(r, a))
}

// layoutStrip returns the row of layouts.
func (v localizer) layoutStrip(r *Report, a axis) strip {
	s := strip{Kind: "layout", Name: v.Label("picture"), Height: 30}
	var told []string
	for _, p := range r.Stretches {
		tip := v.tip(p.Start, p.End, v.layout(p), p.Text(v.Localizer))
		s.Blocks = append(s.Blocks, a.block(
			p.Start,
			p.End,
			layoutClass(p.Layout),
			label(p, v),
			tip,
		))
		told = append(told, hours(p.Start, p.End)+" "+v.layout(p))
	}
	s.Text = v.Label("picture") + ": " + strings.Join(told, "; ")
	return s
}

// sourceStrip returns the row of one source. Its share counts all time that is not missing; damaged footage
// and the idle screen are recorded, too.
func (v localizer) sourceStrip(source Source, a axis) strip {
	s := strip{
		Kind:   "source",
		Name:   capital(v.role(source.Role)),
		Octet:  source.Source,
		Height: 18,
		Ruled:  true,
	}
	var missing time.Duration
	told := []string{}
	for _, p := range source.Spans {
		if p.State == Missing {
			missing += p.End.Sub(p.Start.Time)
		}
		if p.State != Footage {
			told = append(told, v.state(p.State)+" "+hours(p.Start, p.End))
		}
		tip := v.tip(p.Start, p.End, v.state(p.State), p.Text(v.Localizer))
		s.Blocks = append(s.Blocks, a.block(p.Start, p.End, "b-"+string(p.State), "", tip))
	}
	s.Share = v.portion(a.share(a.span - missing))
	s.Text = v.source(source.Role, source.Source) + ": " + v.Label("recorded") + " " + s.Share
	if len(told) > 0 {
		s.Text += "; " + strings.Join(told, "; ")
	}
	return s
}

// soundStrip returns the row of the sound. Its share counts the time in which a source is heard.
func (v localizer) soundStrip(r *Report, a axis) strip {
	s := strip{Kind: "sound", Name: v.Label("sound"), Height: 18, Ruled: true}
	var silent time.Duration
	var told []string
	for _, p := range r.Sound.Stretches {
		if p.Source == "" {
			silent += p.End.Sub(p.Start.Time)
		}
		name := v.heardFrom(p.Role, string(p.Source))
		told = append(told, hours(p.Start, p.End)+" "+name)
		s.Blocks = append(s.Blocks, a.block(p.Start, p.End, soundClass(p.Source), "", v.tip(
			p.Start,
			p.End,
			name,
			p.Text(v.Localizer),
		)))
	}
	s.Share = v.portion(a.share(a.span - silent))
	s.Text = v.Label("sound") + ": " + strings.Join(told, "; ")
	return s
}

// label returns the name of a stretch's layout. It is empty for layouts whose pattern would make text
// unreadable.
func label(s Stretch, v localizer) string {
	switch s.Layout {
	case LecturerScreen, LecturerBoard, LecturerAlone:
		return capital(v.layout(s))
	case ScreenAlone, BoardAlone, Slate:
	}
	return ""
}

// portion writes a share in per cent with one decimal. It says 100 or 0 only where that is exact.
func (v localizer) portion(share float64) string {
	text := v.short(share, 1)
	switch {
	case text == "100" && share < 100:
		text = v.short(99.9, 1)
	case text == "0" && share > 0:
		text = v.short(0.1, 1)
	}
	return v.unit("percent", text)
}

// tip returns the text that a block shows under the pointer: its time, what it is, and why.
func (v localizer) tip(start, end Time, what, why string) string {
	text := clock(start, true) + "–" + clock(end, true) + " " + what
	if why != "" {
		text += ": " + why
	}
	return text
}

// layoutClass returns the CSS class of a layout's pattern. An unknown layout looks like a slate.
func layoutClass(l Layout) string {
	switch l {
	case LecturerScreen:
		return "b-both"
	case LecturerBoard:
		return "b-board"
	case ScreenAlone:
		return "b-both-alone"
	case BoardAlone:
		return "b-board-alone"
	case LecturerAlone:
		return "b-alone"
	case Slate:
	}
	return "b-missing"
}

// soundClass returns the CSS class of a stretch of sound.
func soundClass(source SourceID) string {
	if source == "" {
		return "b-missing"
	}
	return "b-footage"
}
