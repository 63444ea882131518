package page

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

const (
	healthDays = 7
	barHeight  = 20 // pixels of a full day's bar
)

// roomHealth is the footage of a room's last days.
type roomHealth struct {
	ID       int64
	Name     string
	Days     []dayHealth
	Problems []string // of yesterday, in words
}

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
	return all, nil
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
	for _, date := range dates {
		present := 0
		for _, c := range counts {
			if c.Date == date && known[c.Source] {
				present += c.Segments
			}
		}
		h.Days = append(h.Days, newDayHealth(l, date, present, expected))
	}
	segments, err := s.Records.Store.Segments.On(ctx, room.Name, yesterday)
	if err != nil {
		return h, err
	}
	h.Problems = problems(l, room, segments)
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
func problems(l *i18n.Localizer, room *nvr.Room, segments []store.Segment) []string {
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
	var list []string
	if damaged > 0 {
		list = append(list, l.T("page.health.damaged", "files", damaged))
	}
	if screens > 0 && presentations == 0 {
		list = append(list, l.T("page.health.card"))
	}
	if sounds > 0 && silent == sounds {
		list = append(list, l.T("page.health.silent"))
	}
	return list
}

// hasPresentation reports whether a screen showed a presentation at any time of a segment.
func hasPresentation(look *store.Analysis) bool {
	return slices.ContainsFunc(look.Stretches, func(s store.Stretch) bool { return s.Presentation })
}
