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

// What a screen showed, as far as its footage was analyzed. /api/v1 answers these words.
const (
	Present     = "present"
	Absent      = "absent"
	NotAnalyzed = "not looked at"
)

// Sound is the role of the source whose sound is used.
const Sound = "sound"

// DaySeconds is the length of a day on the room's clock.
const DaySeconds = 24 * 60 * 60

// maxJoined is the longest break in seconds that [JoinBars] closes. Segments rarely follow each
// other exactly.
const maxJoined = 10

// Source is a source of a room with its roles: lecturer, screen, board, sound.
type Source struct {
	Octet string // last octet of its address, which names it in segments
	Name  string
	Roles []string
}

// SourcesOf returns a room's sources: lecturer, screen, board, then the others.
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
			source := at(octet)
			source.Roles = append(source.Roles, role)
		}
	}
	add(room.MainSource, string(nvr.Lecturer))
	add(room.ScreenSource, string(nvr.Screen))
	for _, source := range room.Sources {
		if source.IsBoard() {
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

// Bar is a run of footage of one kind. From and To are seconds since midnight on the room's clock.
type Bar struct {
	From, To float64
	Screen   string // what a screen showed; empty: not a screen
	Fault    bool   // there is a file, and it cannot be used
	// KeptUntil is when the footage is deleted. Zero: by its age alone.
	KeptUntil time.Time
}

// BarsOf returns the runs of one source's segments, which must be sorted by time. The length is
// the room's length of a segment. A segment ends at its analyzed end, at the latest where the next
// one starts.
func BarsOf(segments []store.Segment, screen bool, length time.Duration) []Bar {
	var bars []Bar
	for i, segment := range segments {
		from, ok := SecondOf(segment.Name.Time)
		if !ok {
			continue
		}
		to := from + length.Seconds()
		if look := segment.Analysis; look != nil && look.Seconds > 0 {
			to = from + look.Seconds
		}
		if i+1 < len(segments) {
			if next, ok := SecondOf(segments[i+1].Name.Time); ok {
				to = min(to, next)
			}
		}
		for _, bar := range segmentBars(segment.Analysis, screen, from, min(to, DaySeconds)) {
			bar.KeptUntil = segment.KeptUntil
			bars = append(bars, bar)
		}
	}
	return bars
}

// segmentBars returns the runs of one segment: several for an analyzed screen, else one. A nil
// look means that the segment was not analyzed.
func segmentBars(look *store.Analysis, screen bool, from, to float64) []Bar {
	switch {
	case look != nil && look.Fault != "":
		return []Bar{{From: from, To: to, Fault: true}}
	case !screen:
		return []Bar{{From: from, To: to}}
	case look == nil || len(look.Stretches) == 0:
		return []Bar{{From: from, To: to, Screen: NotAnalyzed}}
	}
	var bars []Bar
	for _, s := range look.Stretches {
		seen := Absent
		if s.Presentation {
			seen = Present
		}
		begin, end := from+max(s.From, 0), min(from+s.To, to)
		if end > begin {
			bars = append(bars, Bar{From: begin, To: end, Screen: seen})
		}
	}
	return bars
}

// JoinBars joins neighbors of the same kind with less than [maxJoined] seconds between them.
func JoinBars(bars []Bar) []Bar {
	var joined []Bar
	for _, b := range bars {
		if n := len(joined); n > 0 && continues(joined[n-1], b) {
			joined[n-1].To = max(joined[n-1].To, b.To)
			continue
		}
		joined = append(joined, b)
	}
	return joined
}

// continues reports whether a bar extends the one before it.
func continues(last, next Bar) bool {
	return last.Screen == next.Screen && last.Fault == next.Fault && next.From-last.To < maxJoined
}

// SecondOf returns the second of the day of a time HH:MM.
func SecondOf(clock string) (float64, bool) {
	at, err := time.Parse("15:04", clock)
	return float64(at.Hour()*3600 + at.Minute()*60), err == nil
}

// Day is one day of a room: the footage of each source, and the hours that were requested.
type Day struct {
	Date      string // YYYY-MM-DD
	Sources   []Source
	Segments  map[string][]store.Segment // by octet, sorted by time
	Records   []nvr.Record               // withdrawn and failed ones, too
	Requested []Bar
}

// Day reads a room's day from the index of segments and the records.
func (s *Service) Day(ctx context.Context, room *nvr.Room, date string) (Day, error) {
	day := Day{
		Date:     date,
		Sources:  SourcesOf(room),
		Segments: map[string][]store.Segment{},
	}
	footage, err := s.Store.Segments.On(ctx, room.Name, date)
	if err != nil {
		return day, fmt.Errorf("read the index of segments: %w", err)
	}
	for _, segment := range footage {
		octet := segment.Name.Source
		day.Segments[octet] = append(day.Segments[octet], segment)
	}
	day.addUnknownSources()
	day.Records, err = s.Store.Records.On(ctx, room.Name, date)
	if err != nil {
		return day, fmt.Errorf("read the day's records: %w", err)
	}
	day.Requested = requested(day.Records)
	return day, nil
}

// KeptUntil returns when the first and the last of the day's segments are deleted. Both are zero if the age
// of the segments alone decides.
func (d *Day) KeptUntil() (first, last time.Time) {
	for _, segments := range d.Segments {
		for i := range segments {
			until := segments[i].KeptUntil
			if until.IsZero() {
				continue
			}
			if first.IsZero() || until.Before(first) {
				first = until
			}
			if until.After(last) {
				last = until
			}
		}
	}
	return first, last
}

// addUnknownSources adds the sources that have footage and are not in the room's table, and sorts
// all.
func (d *Day) addUnknownSources() {
	for octet := range d.Segments {
		known := func(s Source) bool { return s.Octet == octet }
		if !slices.ContainsFunc(d.Sources, known) {
			d.Sources = append(d.Sources, Source{Octet: octet, Roles: []string{}})
		}
	}
	slices.SortStableFunc(d.Sources, func(a, b Source) int {
		return cmp.Compare(rank(a), rank(b))
	})
}

// requested returns the hours of the records that are made or will be.
func requested(records []nvr.Record) []Bar {
	var bars []Bar
	for i := range records {
		r := &records[i]
		if !isOpenOrDone(r) {
			continue
		}
		from, okFrom := SecondOf(r.StartTime)
		to, okTo := SecondOf(r.EndTime)
		if okFrom && okTo && to > from {
			bars = append(bars, Bar{From: from, To: to})
		}
	}
	return bars
}

// recordOf returns the number of the newest record of a person and hours that is open or done. It is 0 if
// there is none.
func (d *Day) recordOf(email, start, end string) int64 {
	found := int64(0)
	for i := range d.Records {
		r := &d.Records[i]
		own := strings.EqualFold(r.UserEmail, email)
		if own && r.StartTime == start && r.EndTime == end && isOpenOrDone(r) {
			found = max(found, r.ID)
		}
	}
	return found
}

// isOpenOrDone reports whether a record neither failed nor was withdrawn.
func isOpenOrDone(r *nvr.Record) bool {
	return r.Step.Working() || r.Step == nvr.StepDone
}

// rank returns a key that sorts sources: first those with a role, in the order of the roles, then
// by octet.
func rank(s Source) string {
	for i, role := range []string{
		string(nvr.Lecturer),
		string(nvr.Screen),
		string(nvr.Board),
		Sound,
	} {
		if slices.Contains(s.Roles, role) {
			return fmt.Sprint(i)
		}
	}
	return fmt.Sprintf("9%03s", s.Octet)
}
