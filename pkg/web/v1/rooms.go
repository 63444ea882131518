package v1

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// v1Rooms is GET /rooms.
func (s *API) v1Rooms(w http.ResponseWriter, r *http.Request) {
	list, err := s.records.ReadRooms(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "list the rooms", err)
		return
	}
	rooms := []map[string]any{}
	for i := range list.Rooms {
		room := &list.Rooms[i]
		if !auth.CallerOf(r).MayUse(room.Name) {
			continue
		}
		sources := []map[string]any{}
		for _, source := range records.SourcesOf(room) {
			sources = append(sources, map[string]any{"source": source.Octet, "name": source.Name, "roles": source.Roles})
		}
		rooms = append(rooms, map[string]any{"name": room.Name, "zone": list.Zone(room.Name).String(), "sources": sources})
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(rooms))
}

// v1Footage is GET /rooms/{room}/footage?date=.
func (s *API) v1Footage(w http.ResponseWriter, r *http.Request, name string) {
	date := r.URL.Query().Get("date")
	if records.CheckDate(date) != "" {
		httpapi.WriteFieldErrors(w, r, http.StatusBadRequest, "the query does not fit: date must be a day, like 2026-11-20", []httpapi.FieldDetail{{Field: "date", Detail: "must be a day, like 2026-11-20"}})
		return
	}
	list, err := s.records.ReadRooms(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "list the rooms", err)
		return
	}
	room := list.ByName[name]
	if room == nil || !auth.CallerOf(r).MayUse(name) {
		httpapi.WriteProblem(w, r, http.StatusNotFound, "there is no such room")
		return
	}
	day, err := s.records.Day(r.Context(), room, date)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "read a day's footage", err)
		return
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(footageView(room, list.Zone(name), date, &day)))
}

// footageView is the answer of v1Footage.
func footageView(room *nvr.Room, zone *time.Location, date string, day *records.DayFootage) map[string]any {
	instant := func(second float64) string {
		at, err := time.ParseInLocation(time.DateOnly, date, zone)
		if err != nil {
			return date
		}
		whole := int(second)
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, whole, 0, zone).Format(time.RFC3339)
	}
	sources := []map[string]any{}
	for _, source := range day.Sources {
		segments := []map[string]any{}
		for _, b := range records.BarsOf(day.Segments[source.Octet], slices.Contains(source.Roles, string(nvr.Screen)), room.SegmentLength) {
			if !b.Fault {
				segments = append(segments, map[string]any{"start": instant(b.From), "end": instant(b.To), "presentation": cmp.Or(b.Screen, records.NotAnalyzed)})
			}
		}
		sources = append(sources, map[string]any{"source": source.Octet, "roles": source.Roles, "segments": segments})
	}
	requested := []map[string]any{}
	for _, b := range day.Requested {
		requested = append(requested, map[string]any{"start": instant(b.From), "end": instant(b.To)})
	}
	return map[string]any{"room": room.Name, "date": date, "zone": zone.String(), "sources": sources, "requested": requested}
}
