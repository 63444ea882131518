package page

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// dayView is a room's day as drawn: one row a source, and one row of what was requested.
type dayView struct {
	Date    string // YYYY-MM-DD
	Heading string
	Zone    string
	Rows    []dayRow
	Hours   []dayHour
	Legend  []dayKind
	Empty   bool   // there is no footage
	Kept    string // until when the footage is kept; empty: not said

	// From and To are the part of the day that matters, in minutes since midnight. The script shows it first.
	From, To int

	Pictures string // address of the pictures of footage; empty: there are none
	Offset   string // of the room's clock from UTC at noon, such as +03:00
}

// dayRow is one row of the drawing.
type dayRow struct {
	Kind   string // CSS class
	Source string // last octet of its address; empty: not a source
	Name   string
	Text   string // all that the bars show, for those who do not see them
	Bars   []dayBar
}

// dayBar is a rectangle. X and W are percent of the day.
type dayBar struct {
	Class, X, W, Title string

	From, To int // minutes since midnight
}

// dayHour is a mark of the axis. X is percent of the day.
type dayHour struct{ X, Text, Class, Anchor string }

// dayKind is an entry of the legend.
type dayKind struct{ Class, Text string }

// The classes of bars. The text of one is "page.day." and the class.
const (
	classRecorded = "there"
	classPresent  = "shown"
	classCard     = "card" // the idle screen
	classUnknown  = "unseen"
	classDamaged  = "damaged"
	classAsked    = "asked"
	classEvent    = "event"
)

// day draws a room's day.
func (s *site) day(l *i18n.Localizer, room *nvr.Room, footage *records.Day, events []records.Event) *dayView {
	v := &dayView{
		Date:    footage.Date,
		Heading: dayHeading(l, footage.Date),
		Hours:   dayHours(),
		Empty:   len(footage.Segments) == 0,
	}
	if first, last := footage.KeptUntil(); !first.IsZero() {
		v.Kept = keptText(l, first.In(room.Zone).Format(time.DateOnly), last.In(room.Zone).Format(time.DateOnly))
	}
	if noon, err := nvr.Wall(footage.Date, "12:00", room.Zone); err == nil && s.Footage {
		v.Pictures = "/api/v1/rooms/" + url.PathEscape(room.Name) + "/thumbnail"
		v.Offset = noon.Format("-07:00")
	}
	if room.Zone != nil {
		v.Zone = room.Zone.String()
	}
	for i := range footage.Sources {
		source := &footage.Sources[i]
		segments := footage.Segments[source.Octet]
		soundOnly := len(source.Roles) == 1 && source.Roles[0] == records.Sound
		if soundOnly && len(segments) == 0 {
			continue
		}
		screen := slices.Contains(source.Roles, string(nvr.Screen))
		bars := records.JoinBars(records.BarsOf(segments, screen, room.SegmentLength))
		row := sourceRow(l, sourceName(l, source), bars)
		row.Source = source.Octet
		v.Rows = append(v.Rows, row)
	}
	if len(events) > 0 {
		v.Rows = append(v.Rows, eventsRow(l, events))
	}
	v.Rows = append(v.Rows, requestedRow(l, footage.Requested))
	v.Legend = legend(l, v.Rows)
	v.From, v.To = partThatMatters(v.Rows)
	return v
}

// keptText says until when the first and the last of a day's segments are kept.
func keptText(l *i18n.Localizer, first, last string) string {
	if first == last {
		return l.T("page.day.kept", "date", first)
	}
	return l.T("page.day.kept-longer", "spare", first, "needed", last)
}

// dayHeading returns a date with its weekday. A text that is no date stays as it is.
func dayHeading(l *i18n.Localizer, date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	weekday := l.T("page.weekday." + strconv.Itoa(int(at.Weekday())))
	return l.T("page.day.heading", "weekday", weekday, "date", date)
}

// sourceRow returns the row of one source, with its bars in words for screen readers.
func sourceRow(l *i18n.Localizer, name string, bars []records.Bar) dayRow {
	row := dayRow{
		Kind: "source",
		Name: name,
		Text: l.T("page.day.row.none", "name", name),
		Bars: drawBars(l, bars, ""),
	}
	if len(bars) > 0 {
		row.Text = l.T("page.day.row", "name", name, "bars", barsText(l, bars))
	}
	return row
}

// eventsRow returns the row of the calendar's events that the reader may request.
func eventsRow(l *i18n.Localizer, events []records.Event) dayRow {
	bars := make([]records.Bar, len(events))
	for i, e := range events {
		bars[i].From, _ = records.SecondOf(e.Start) // [records.Service.Events] gives valid times
		bars[i].To, _ = records.SecondOf(e.End)
	}
	row := dayRow{Kind: "events", Name: l.T("page.day.events"), Bars: drawBars(l, bars, classEvent)}
	row.Text = l.T("page.day.row", "name", row.Name, "bars", spans(bars))
	for i := range row.Bars {
		if title := events[i].Title; title != "" {
			row.Bars[i].Title = span(bars[i]) + ", " + title
		}
	}
	return row
}

// requestedRow returns the row of the hours that were requested, by anyone.
func requestedRow(l *i18n.Localizer, bars []records.Bar) dayRow {
	row := dayRow{
		Kind: "requested",
		Name: l.T("page.day.requested"),
		Text: l.T("page.day.requested.none"),
	}
	if len(bars) > 0 {
		row.Bars = drawBars(l, bars, classAsked)
		row.Text = l.T("page.day.row", "name", row.Name, "bars", spans(bars))
	}
	return row
}

// sourceName returns the name of a source's first role that has one, else the source's own name.
func sourceName(l *i18n.Localizer, source *records.Source) string {
	for _, role := range source.Roles {
		if key := "page.day.role." + role; l.Has(key) {
			return l.T(key)
		}
	}
	if source.Name != "" {
		return source.Name
	}
	return l.T("page.day.role.other", "source", source.Octet)
}

// classOf returns the class of a run of footage.
func classOf(b records.Bar) string {
	switch {
	case b.Fault:
		return classDamaged
	case b.Screen == records.Present:
		return classPresent
	case b.Screen == records.Absent:
		return classCard
	case b.Screen == records.NotAnalyzed:
		return classUnknown
	}
	return classRecorded
}

// drawBars returns the rectangles of bars, all of one class if it is given.
func drawBars(l *i18n.Localizer, bars []records.Bar, class string) []dayBar {
	drawn := make([]dayBar, 0, len(bars))
	for _, b := range bars {
		c := class
		if c == "" {
			c = classOf(b)
		}
		drawn = append(drawn, dayBar{
			Class: c,
			X:     percentOfDay(b.From),
			W:     percentOfDay(b.To - b.From),
			Title: span(b) + ", " + l.T("page.day."+c),
			From:  minuteOf(b.From),
			To:    minuteOf(b.To),
		})
	}
	return drawn
}

// percentOfDay returns a number of seconds as percent of a day, for SVG attributes.
func percentOfDay(seconds float64) string {
	return strconv.FormatFloat(seconds/records.DaySeconds*100, 'f', 3, 64)
}

// span returns the hours of a bar, such as 08:00–12:00.
func span(b records.Bar) string {
	return clock(b.From) + "–" + clock(b.To)
}

// clock returns a second of the day as HH:MM, rounded to the minute.
func clock(second float64) string {
	minute := minuteOf(second)
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

// minuteOf returns the minute of the day that is nearest to a second of the day.
func minuteOf(second float64) int {
	return int(second/60 + 0.5)
}

// spans returns the hours of several bars, separated by commas.
func spans(bars []records.Bar) string {
	list := make([]string, len(bars))
	for i, b := range bars {
		list[i] = span(b)
	}
	return strings.Join(list, ", ")
}

// barsText returns what bars show, such as "recorded 08:00–12:00, 12:30–20:00; idle screen
// 12:00–12:30".
func barsText(l *i18n.Localizer, bars []records.Bar) string {
	var classes []string
	byClass := map[string][]records.Bar{}
	for _, b := range bars {
		class := classOf(b)
		if byClass[class] == nil {
			classes = append(classes, class)
		}
		byClass[class] = append(byClass[class], b)
	}
	parts := make([]string, len(classes))
	for i, class := range classes {
		parts[i] = l.T("page.day."+class) + " " + spans(byClass[class])
	}
	return strings.Join(parts, "; ")
}

// dayHours returns the marks of the axis: one every hour. A strip that shows the whole day hides the numbers
// of the classes.
func dayHours() []dayHour {
	hours := make([]dayHour, 0, 25)
	for hour := range 25 {
		h := dayHour{X: percentOfDay(float64(hour) * 3600), Text: strconv.Itoa(hour), Anchor: "middle"}
		switch hour {
		case 0:
			h.Anchor = "start"
		case 24:
			h.Anchor = "end"
		}
		switch {
		case hour%3 != 0:
			h.Class = "fine"
		case hour%6 != 0:
			h.Class = "minor"
		}
		hours = append(hours, h)
	}
	return hours
}

// The hours of a day of lectures, in minutes since midnight.
const (
	lecturesFrom = 8 * 60
	lecturesTo   = 21 * 60
)

// partThatMatters returns the minutes of the day that hold all events, requests and presentations, and the
// footage between the first and the last lecture. It is the day of lectures if there are none.
func partThatMatters(rows []dayRow) (from, to int) {
	from, to = 24*60, 0
	within := func(begin, end int) {
		if begin < end {
			from, to = min(from, begin), max(to, end)
		}
	}
	for _, row := range rows {
		for _, b := range row.Bars {
			switch b.Class {
			case classAsked, classPresent, classEvent:
				within(b.From, b.To)
			default:
				within(max(b.From, lecturesFrom), min(b.To, lecturesTo))
			}
		}
	}
	if from >= to {
		return lecturesFrom, lecturesTo
	}
	return max(from/60*60, 0), min((to+59)/60*60, 24*60)
}

// legend returns the classes that are drawn, in a fixed order.
func legend(l *i18n.Localizer, rows []dayRow) []dayKind {
	drawn := map[string]bool{}
	for _, row := range rows {
		for _, b := range row.Bars {
			drawn[b.Class] = true
		}
	}
	var kinds []dayKind
	for _, class := range []string{
		classRecorded, classPresent, classCard, classUnknown, classDamaged, classEvent, classAsked,
	} {
		if drawn[class] {
			kinds = append(kinds, dayKind{Class: class, Text: l.T("page.day." + class)})
		}
	}
	return kinds
}
