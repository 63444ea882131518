package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// What a screen showed, as far as it has been looked at.
const (
	present     = "present"
	absent      = "absent"
	notLookedAt = "not looked at"
)

const sound = "sound"

// sourceRoles is a source of a room and what it is there for.
type sourceRoles struct {
	octet string
	name  string
	roles []string
}

// sourcesOf lists a room's sources: lecturer, screen, board, then the others.
func sourcesOf(room *nvr.Room) []sourceRoles {
	var all []sourceRoles
	at := func(octet string) *sourceRoles {
		for i := range all {
			if all[i].octet == octet {
				return &all[i]
			}
		}
		all = append(all, sourceRoles{octet: octet, roles: []string{}})
		return &all[len(all)-1]
	}
	add := func(address, role string) {
		if octet := nvr.Octet(address); octet != "" {
			at(octet).roles = append(at(octet).roles, role)
		}
	}
	add(room.MainSource, string(nvr.Lecturer))
	add(room.ScreenSource, string(nvr.Screen))
	for _, source := range room.Sources {
		if strings.HasSuffix(source.Merge, "right") {
			add(source.IP, string(nvr.Board))
		}
	}
	add(room.SoundSource, sound)
	for _, source := range room.Sources {
		if octet := nvr.Octet(source.IP); octet != "" {
			at(octet).name = source.Name
		}
	}
	return all
}

// bar is a run of footage of one kind, in seconds of the room's clock since midnight.
type bar struct {
	from, to float64
	screen   string // what a screen showed; empty: no screen
	fault    bool   // there is a file, and it cannot be used
}

// daySeconds is the length of a day on the room's clock.
const daySeconds = 24 * 60 * 60

// barsOf makes runs of a source's segments, sorted by time. A segment ends where the next begins.
func barsOf(segments []store.Segment, screen bool, length time.Duration) []bar {
	var bars []bar
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
		to = min(to, daySeconds)
		switch {
		case look != nil && look.Fault != "":
			bars = append(bars, bar{from, to, "", true})
		case !screen:
			bars = append(bars, bar{from, to, "", false})
		case look == nil || len(look.Stretches) == 0:
			bars = append(bars, bar{from, to, notLookedAt, false})
		default:
			for _, s := range look.Stretches {
				seen := absent
				if s.Presentation {
					seen = present
				}
				if begin, end := from+max(s.From, 0), min(from+s.To, to); end > begin {
					bars = append(bars, bar{begin, end, seen, false})
				}
			}
		}
	}
	return bars
}

// joinBars makes one of neighbours of the same kind that lie within a few seconds.
func joinBars(bars []bar) []bar {
	var joined []bar
	for _, b := range bars {
		if n := len(joined); n > 0 && joined[n-1].screen == b.screen && joined[n-1].fault == b.fault && b.from-joined[n-1].to < 10 {
			joined[n-1].to = max(joined[n-1].to, b.to)
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
type dayFootage struct {
	sources   []sourceRoles
	segments  map[string][]store.Segment // by octet, by time
	requested []bar
}

// readDay reads a room's day from the index.
func (s *site) readDay(ctx context.Context, room *nvr.Room, date string) (dayFootage, error) {
	day := dayFootage{sources: sourcesOf(room), segments: map[string][]store.Segment{}}
	footage, err := s.Store.Segments.On(ctx, room.Name, date)
	if err != nil {
		return day, err
	}
	for _, segment := range footage {
		day.segments[segment.Name.Source] = append(day.segments[segment.Name.Source], segment)
	}
	for octet := range day.segments {
		if !slices.ContainsFunc(day.sources, func(s sourceRoles) bool { return s.octet == octet }) {
			day.sources = append(day.sources, sourceRoles{octet: octet, roles: []string{}})
		}
	}
	slices.SortStableFunc(day.sources, func(a, b sourceRoles) int { return cmp.Compare(rank(a), rank(b)) })
	records, err := s.Store.Records.On(ctx, room.Name, date)
	if err != nil {
		return day, err
	}
	for i := range records {
		from, okFrom := secondOf(records[i].StartTime)
		to, okTo := secondOf(records[i].EndTime)
		if r := &records[i]; okFrom && okTo && to > from && (r.Step.Working() || r.Step == nvr.StepDone) {
			day.requested = append(day.requested, bar{from: from, to: to})
		}
	}
	return day, nil
}

// rank sorts sources: those with a role first, in the order of the roles, then by number.
func rank(s sourceRoles) string {
	for i, role := range []string{string(nvr.Lecturer), string(nvr.Screen), string(nvr.Board), sound} {
		if slices.Contains(s.roles, role) {
			return fmt.Sprint(i)
		}
	}
	return "9" + fmt.Sprintf("%03s", s.octet)
}

// v1Rooms is GET /rooms.
func (s *site) v1Rooms(w http.ResponseWriter, r *http.Request) {
	list, err := s.roomsNow(r.Context())
	if err != nil {
		s.serverError(w, r, writeProblem, "list the rooms", err)
		return
	}
	rooms := []map[string]any{}
	for i := range list.rooms {
		room := &list.rooms[i]
		if !callerOf(r).mayUse(room.Name) {
			continue
		}
		sources := []map[string]any{}
		for _, source := range sourcesOf(room) {
			sources = append(sources, map[string]any{"source": source.octet, "name": source.name, "roles": source.roles})
		}
		rooms = append(rooms, map[string]any{"name": room.Name, "zone": list.of(room.Name).String(), "sources": sources})
	}
	s.writeTagged(w, r, jsonType, encode(rooms))
}

// v1Footage is GET /rooms/{room}/footage?date=.
func (s *site) v1Footage(w http.ResponseWriter, r *http.Request, name string) {
	date := r.URL.Query().Get("date")
	if checkDate(date) != "" {
		sayFields(w, r, http.StatusBadRequest, "the query does not fit: date must be a day, like 2026-11-20", []fieldWords{{"date", "must be a day, like 2026-11-20"}})
		return
	}
	list, err := s.roomsNow(r.Context())
	if err != nil {
		s.serverError(w, r, writeProblem, "list the rooms", err)
		return
	}
	room := list.byName[name]
	if room == nil || !callerOf(r).mayUse(name) {
		writeProblem(w, r, http.StatusNotFound, "there is no such room")
		return
	}
	day, err := s.readDay(r.Context(), room, date)
	if err != nil {
		s.serverError(w, r, writeProblem, "read a day's footage", err)
		return
	}
	s.writeTagged(w, r, jsonType, encode(footageView(room, list.of(name), date, &day)))
}

// footageView is the answer of v1Footage.
func footageView(room *nvr.Room, zone *time.Location, date string, day *dayFootage) map[string]any {
	instant := func(second float64) string {
		at, err := time.ParseInLocation(time.DateOnly, date, zone)
		if err != nil {
			return date
		}
		whole := int(second)
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, whole, 0, zone).Format(time.RFC3339)
	}
	sources := []map[string]any{}
	for _, source := range day.sources {
		segments := []map[string]any{}
		for _, b := range barsOf(day.segments[source.octet], slices.Contains(source.roles, string(nvr.Screen)), room.SegmentLength) {
			if !b.fault {
				segments = append(segments, map[string]any{"start": instant(b.from), "end": instant(b.to), "presentation": cmp.Or(b.screen, notLookedAt)})
			}
		}
		sources = append(sources, map[string]any{"source": source.octet, "roles": source.roles, "segments": segments})
	}
	requested := []map[string]any{}
	for _, b := range day.requested {
		requested = append(requested, map[string]any{"start": instant(b.from), "end": instant(b.to)})
	}
	return map[string]any{"room": room.Name, "date": date, "zone": zone.String(), "sources": sources, "requested": requested}
}
