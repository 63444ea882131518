package page

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

const (
	healthDays = 7  // before today, which the page shows
	barHeight  = 20 // pixels of a full day's bar
)

// roomHealth is the footage of a room's last days.
type roomHealth struct {
	ID       int64
	Name     string
	Days     []dayHealth
	Problems []finding // of yesterday, the worst first; empty: none
}

// finding is a problem of a room and where to look at it.
type finding struct {
	Text, Link string
	severity   int
}

// Severities of findings. Rooms are sorted by their worst one.
const (
	severeSome  = iota + 1 // a part of the footage is bad
	severeAll              // all of a source is bad
	severeEmpty            // there is no footage
	severeSetUp            // there are no cameras
)

// dayHealth is the share of a day's files that exist, as a bar. Y and Height are pixels.
type dayHealth struct {
	Text   string
	Height string
	Y      string
	Bad    bool // files are missing
}

// health reads the last full days of every room.
func (s *site) health(ctx context.Context, l *i18n.Localizer, rooms *records.RoomList) ([]roomHealth, error) {
	var all []roomHealth
	for i := range rooms.Rooms {
		health, err := s.roomHealth(ctx, l, &rooms.Rooms[i])
		if err != nil {
			return nil, fmt.Errorf("read the footage of room %s: %w", rooms.Rooms[i].Name, err)
		}
		all = append(all, health)
	}
	slices.SortStableFunc(all, func(a, b roomHealth) int { return cmp.Compare(b.worst(), a.worst()) })
	return all, nil
}

// worst returns the severity of the worst finding, 0 if there is none.
func (h *roomHealth) worst() int {
	if len(h.Problems) == 0 {
		return 0
	}
	return h.Problems[0].severity
}

// roomHealth counts the files of a room's last days and reads yesterday's problems.
func (s *site) roomHealth(ctx context.Context, l *i18n.Localizer, room *nvr.Room) (roomHealth, error) {
	h := roomHealth{ID: room.ID, Name: room.Name}
	dates := s.lastDates(room)
	yesterday := dates[len(dates)-1]
	counts, err := s.Records.Store.Segments.CountByDay(ctx, room.Name, dates[0], yesterday)
	if err != nil {
		return h, err
	}
	sources := records.SourcesOf(room)
	known := map[string]bool{}
	for _, source := range sources {
		known[source.Octet] = true
	}
	perSource := int(24 * time.Hour / max(room.SegmentLength, time.Minute))
	expected := len(sources) * perSource
	present := map[string]int{} // by date
	for _, c := range counts {
		if known[c.Source] {
			present[c.Date] += c.Segments
		}
	}
	for _, date := range dates {
		h.Days = append(h.Days, newDayHealth(l, date, present[date], expected))
	}
	segments, err := s.Records.Store.Segments.On(ctx, room.Name, yesterday)
	if err != nil {
		return h, err
	}
	day := url.Values{"room": {room.Name}, "date": {yesterday}}
	link := "/?" + day.Encode()
	switch {
	case len(sources) == 0:
		form := "/operators/rooms/" + strconv.FormatInt(room.ID, 10)
		h.Problems = []finding{{l.T("page.health.no-cameras"), form, severeSetUp}}
		return h, nil
	case len(counts) == 0:
		h.Problems = []finding{{l.T("page.health.none-week"), link, severeEmpty}}
		return h, nil
	case present[yesterday] == 0:
		h.Problems = []finding{{l.T("page.health.none-day"), link, severeEmpty}}
		return h, nil
	}
	h.Problems = problems(l, room, segments, link)
	if absent := expected - present[yesterday]; absent > 0 {
		missing := l.T("page.health.missing", "files", absent)
		h.Problems = append(h.Problems, finding{missing, link, severeSome})
	}
	slices.SortStableFunc(h.Problems, func(a, b finding) int { return cmp.Compare(b.severity, a.severity) })
	return h, nil
}

// lastDates returns the last full days on the room's clock, the oldest first.
func (s *site) lastDates(room *nvr.Room) []string {
	zone := room.Zone
	if zone == nil {
		zone = time.UTC
	}
	today := s.Records.Now().In(zone)
	dates := make([]string, 0, healthDays)
	for back := healthDays; back > 0; back-- {
		dates = append(dates, today.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	return dates
}

// newDayHealth returns the bar of a day with so many of the expected files.
func newDayHealth(l *i18n.Localizer, date string, present, expected int) dayHealth {
	share := 0.0
	if expected > 0 {
		share = min(float64(present)/float64(expected), 1)
	}
	height := share * barHeight
	return dayHealth{
		Text:   l.T("page.health.day", "date", date, "present", present, "expected", expected),
		Height: pixels(height),
		Y:      pixels(barHeight - height),
		Bad:    present < expected,
	}
}

// pixels returns a length for SVG attributes.
func pixels(x float64) string {
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// problems returns what is wrong with the analyzed segments of a room's day, in words.
func problems(l *i18n.Localizer, room *nvr.Room, segments []store.Segment, link string) []finding {
	screen, microphone := nvr.Octet(room.ScreenSource), nvr.Octet(room.SoundSource)
	var damaged, screens, presentations, sounds, silent int
	for i := range segments {
		look := segments[i].Analysis
		if look == nil {
			continue
		}
		if look.Fault != "" {
			damaged++
			continue
		}
		source := segments[i].Name.Source
		if source == screen && len(look.Stretches) > 0 {
			screens++
			if hasPresentation(look) {
				presentations++
			}
		}
		if source == microphone {
			sounds++
			if look.Silent {
				silent++
			}
		}
	}
	var list []finding
	if damaged > 0 {
		list = append(list, finding{l.T("page.health.damaged", "files", damaged), link, severeSome})
	}
	if screens > 0 && presentations == 0 {
		list = append(list, finding{l.T("page.health.card"), link, severeAll})
	}
	if sounds > 0 && silent == sounds {
		list = append(list, finding{l.T("page.health.silent"), link, severeAll})
	}
	return list
}

// hasPresentation reports whether a screen showed a presentation at any time of a segment.
func hasPresentation(look *store.Analysis) bool {
	return slices.ContainsFunc(look.Stretches, func(s store.Stretch) bool { return s.Presentation })
}
