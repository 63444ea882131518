package records

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// What a screen showed, as far as it has been looked at.
const (
	Present     = "present"
	Absent      = "absent"
	NotAnalyzed = "not looked at"
)

const Sound = "sound"

// sourceRoles is a source of a room and what it is there for.
type Source struct {
	Octet string
	Name  string
	Roles []string
}

// sourcesOf lists a room's sources: lecturer, screen, board, then the others.
func SourcesOf(room *nvr.Room) []Source {
	var all []Source
	at := func(octet string) *Source {
		for i := range all {
			if all[i].Octet == octet {
				return &all[i]
			}
		}
		all = append(all, Source{Octet: octet, Roles: []string{}})
		return &all[len(all)-1]
	}
	add := func(address, role string) {
		if octet := nvr.Octet(address); octet != "" {
			at(octet).Roles = append(at(octet).Roles, role)
		}
	}
	add(room.MainSource, string(nvr.Lecturer))
	add(room.ScreenSource, string(nvr.Screen))
	for _, source := range room.Sources {
		if strings.HasSuffix(source.Merge, "right") {
			add(source.IP, string(nvr.Board))
		}
	}
	add(room.SoundSource, Sound)
	for _, source := range room.Sources {
		if octet := nvr.Octet(source.IP); octet != "" {
			at(octet).Name = source.Name
		}
	}
	return all
}

// bar is a run of footage of one kind, in seconds of the room's clock since midnight.
type Bar struct {
	From, To float64
	Screen   string // what a screen showed; empty: no screen
	Fault    bool   // there is a file, and it cannot be used
}

// daySeconds is the length of a day on the room's clock.
const DaySeconds = 24 * 60 * 60

// barsOf makes runs of a source's segments, sorted by time. A segment ends where the next begins.
func BarsOf(segments []store.Segment, screen bool, length time.Duration) []Bar {
	var bars []Bar
	for i, segment := range segments {
		from, ok := secondOf(segment.Name.Time)
		if !ok {
			continue
		}
		to := from + length.Seconds()
		look := segment.Analysis
		if look != nil && look.Seconds > 0 {
			to = from + look.Seconds
		}
		if i+1 < len(segments) {
			if next, ok := secondOf(segments[i+1].Name.Time); ok {
				to = min(to, next)
			}
		}
		to = min(to, DaySeconds)
		switch {
		case look != nil && look.Fault != "":
			bars = append(bars, Bar{from, to, "", true})
		case !screen:
			bars = append(bars, Bar{from, to, "", false})
		case look == nil || len(look.Stretches) == 0:
			bars = append(bars, Bar{from, to, NotAnalyzed, false})
		default:
			for _, s := range look.Stretches {
				seen := Absent
				if s.Presentation {
					seen = Present
				}
				if begin, end := from+max(s.From, 0), min(from+s.To, to); end > begin {
					bars = append(bars, Bar{begin, end, seen, false})
				}
			}
		}
	}
	return bars
}

// joinBars makes one of neighbours of the same kind that lie within a few seconds.
func JoinBars(bars []Bar) []Bar {
	var joined []Bar
	for _, b := range bars {
		if n := len(joined); n > 0 && joined[n-1].Screen == b.Screen && joined[n-1].Fault == b.Fault && b.From-joined[n-1].To < 10 {
			joined[n-1].To = max(joined[n-1].To, b.To)
			continue
		}
		joined = append(joined, b)
	}
	return joined
}

func secondOf(clock string) (float64, bool) {
	at, err := time.Parse("15:04", clock)
	return float64(at.Hour()*3600 + at.Minute()*60), err == nil
}

// dayFootage is a room's day: the footage of each source, and the hours that were asked for.
type DayFootage struct {
	Sources   []Source
	Segments  map[string][]store.Segment // by octet, by time
	Requested []Bar
}

// readDay reads a room's day from the index.
func (s *Service) Day(ctx context.Context, room *nvr.Room, date string) (DayFootage, error) {
	day := DayFootage{Sources: SourcesOf(room), Segments: map[string][]store.Segment{}}
	footage, err := s.Store.Segments.On(ctx, room.Name, date)
	if err != nil {
		return day, err
	}
	for _, segment := range footage {
		day.Segments[segment.Name.Source] = append(day.Segments[segment.Name.Source], segment)
	}
	for octet := range day.Segments {
		if !slices.ContainsFunc(day.Sources, func(s Source) bool { return s.Octet == octet }) {
			day.Sources = append(day.Sources, Source{Octet: octet, Roles: []string{}})
		}
	}
	slices.SortStableFunc(day.Sources, func(a, b Source) int { return cmp.Compare(rank(a), rank(b)) })
	records, err := s.Store.Records.On(ctx, room.Name, date)
	if err != nil {
		return day, err
	}
	for i := range records {
		from, okFrom := secondOf(records[i].StartTime)
		to, okTo := secondOf(records[i].EndTime)
		if r := &records[i]; okFrom && okTo && to > from && (r.Step.Working() || r.Step == nvr.StepDone) {
			day.Requested = append(day.Requested, Bar{From: from, To: to})
		}
	}
	return day, nil
}

// rank sorts sources: those with a role first, in the order of the roles, then by number.
func rank(s Source) string {
	for i, role := range []string{string(nvr.Lecturer), string(nvr.Screen), string(nvr.Board), Sound} {
		if slices.Contains(s.Roles, role) {
			return fmt.Sprint(i)
		}
	}
	return "9" + fmt.Sprintf("%03s", s.Octet)
}
