package page

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// dayView is a room's day drawn: a row a source, and one of what was asked for.
type dayView struct {
	Date   string
	Words  string
	Zone   string
	Rows   []dayRow
	Hours  []dayHour
	Legend []dayKind
	Empty  bool
}

type dayRow struct {
	Kind, Name string
	Words      string // all that the bars show, for who does not see them
	Bars       []dayBar
}

type dayBar struct {
	Class, X, W string // X and W in per cent of the day
	Title       string
}

type dayHour struct{ X, Text, Class, Anchor string }

type dayKind struct{ Class, Text string }

// day draws a room's day.
func (s *site) day(ctx context.Context, language string, room *nvr.Room, date string) (*dayView, error) {
	footage, err := s.records.Day(ctx, room, date)
	if err != nil {
		return nil, err
	}
	v := &dayView{Date: date, Words: s.words.LongDay(language, date), Hours: dayHours(), Empty: len(footage.Segments) == 0}
	if room.Zone != nil {
		v.Zone = room.Zone.String()
	}
	for _, source := range footage.Sources {
		if len(source.Roles) == 1 && source.Roles[0] == records.Sound && len(footage.Segments[source.Octet]) == 0 {
			continue
		}
		screen := slices.Contains(source.Roles, string(nvr.Screen))
		bars := records.JoinBars(records.BarsOf(footage.Segments[source.Octet], screen, room.SegmentLength))
		name := s.sourceName(language, &source)
		row := dayRow{Kind: "source", Name: name, Bars: s.drawBars(language, bars, ""), Words: s.words.T(language, "day.row.none", name)}
		if len(bars) > 0 {
			row.Words = s.words.T(language, "day.row", name, s.tellBars(language, bars))
		}
		v.Rows = append(v.Rows, row)
	}
	asked := dayRow{Kind: "requested", Name: s.words.T(language, "day.Requested"), Words: s.words.T(language, "day.row.free")}
	if len(footage.Requested) > 0 {
		asked.Bars = s.drawBars(language, footage.Requested, "asked")
		asked.Words = s.words.T(language, "day.row", asked.Name, tellHours(footage.Requested))
	}
	v.Rows = append(v.Rows, asked)
	v.Legend = s.legend(language, v.Rows)
	return v, nil
}

func (s *site) sourceName(language string, source *records.Source) string {
	for _, role := range source.Roles {
		if key := "day.role." + role; s.words.Has(language, key) {
			return s.words.T(language, key)
		}
	}
	if source.Name != "" {
		return source.Name
	}
	return s.words.T(language, "day.role.other", source.Octet)
}

// classOf is how a run of footage looks; the words of a class are those of "day." + class.
func classOf(b *records.Bar) string {
	switch {
	case b.Fault:
		return "damaged"
	case b.Screen == records.Present:
		return "shown"
	case b.Screen == records.Absent:
		return "card"
	case b.Screen == records.NotAnalyzed:
		return "unseen"
	}
	return "there"
}

// drawBars puts bars on the day; all of one class if it is given.
func (s *site) drawBars(language string, bars []records.Bar, class string) []dayBar {
	drawn := make([]dayBar, 0, len(bars))
	for i := range bars {
		b := &bars[i]
		c := class
		if c == "" {
			c = classOf(b)
		}
		drawn = append(drawn, dayBar{Class: c, X: percentOfDay(b.From), W: percentOfDay(b.To - b.From), Title: span(b) + ", " + s.words.T(language, "day."+c)})
	}
	return drawn
}

func percentOfDay(seconds float64) string {
	return strconv.FormatFloat(seconds/records.DaySeconds*100, 'f', 3, 64)
}

// span writes the hours of a bar.
func span(b *records.Bar) string { return clock(b.From) + "–" + clock(b.To) }

func clock(second float64) string {
	minute := int(second/60 + 0.5)
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

func tellHours(bars []records.Bar) string {
	spans := make([]string, len(bars))
	for i := range bars {
		spans[i] = span(&bars[i])
	}
	return strings.Join(spans, ", ")
}

// tellBars says what bars show: "recorded 08:00–12:00, 12:30–20:00; …".
func (s *site) tellBars(language string, bars []records.Bar) string {
	var classes []string
	of := map[string][]records.Bar{}
	for i := range bars {
		class := classOf(&bars[i])
		if of[class] == nil {
			classes = append(classes, class)
		}
		of[class] = append(of[class], bars[i])
	}
	told := make([]string, len(classes))
	for i, class := range classes {
		told[i] = s.words.T(language, "day."+class) + " " + tellHours(of[class])
	}
	return strings.Join(told, "; ")
}

// dayHours is the axis: every hour a line, every third a number, every sixth on a narrow screen too.
func dayHours() []dayHour {
	hours := make([]dayHour, 0, 25)
	for hour := range 25 {
		h := dayHour{X: percentOfDay(float64(hour) * 3600), Anchor: "middle"}
		switch {
		case hour == 0:
			h.Anchor = "start"
		case hour == 24:
			h.Anchor = "end"
		}
		if hour%3 == 0 {
			h.Text = strconv.Itoa(hour)
		}
		if hour%6 != 0 {
			h.Class = "minor"
		}
		hours = append(hours, h)
	}
	return hours
}

// legend names the classes that are drawn, in a settled order.
func (s *site) legend(language string, rows []dayRow) []dayKind {
	var kinds []dayKind
	for _, class := range []string{"there", "shown", "card", "unseen", "damaged", "asked"} {
		if slices.ContainsFunc(rows, func(r dayRow) bool {
			return slices.ContainsFunc(r.Bars, func(b dayBar) bool { return b.Class == class })
		}) {
			kinds = append(kinds, dayKind{class, s.words.T(language, "day."+class)})
		}
	}
	return kinds
}
