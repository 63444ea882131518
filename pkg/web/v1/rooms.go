package v1

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// badDate is the detail for a date that [records.CheckDate] refuses.
const badDate = "must be a day, like 2026-11-20"

// badInstant is the detail for a text that is no time of RFC 3339.
const badInstant = "must be a time with an offset, like 2026-11-20T15:10:00+03:00"

// listRooms is GET /rooms.
func (a *api) listRooms(w http.ResponseWriter, r *http.Request) {
	list, err := a.Records.ReadRooms(r.Context())
	if err != nil {
		a.serverError(w, r, "list the rooms", err)
		return
	}
	rooms := []map[string]any{}
	for i := range list.Rooms {
		room := &list.Rooms[i]
		if !auth.CallerOf(r).MayUse(room.Name) {
			continue
		}
		rooms = append(rooms, map[string]any{
			"name":    room.Name,
			"zone":    list.Zone(room.Name).String(),
			"sources": sources(room),
		})
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(rooms))
}

// sources returns a room's sources as the API answers them.
func sources(room *nvr.Room) []map[string]any {
	list := []map[string]any{}
	for _, source := range records.SourcesOf(room) {
		list = append(list, map[string]any{
			"source": source.Octet,
			"name":   source.Name,
			"roles":  source.Roles,
		})
	}
	return list
}

// The parts of a room follow its name in the path.
const (
	footageSuffix   = "/footage"
	thumbnailSuffix = "/thumbnail"
)

// showRoom is GET /rooms/{room}/footage and /rooms/{room}/thumbnail. The name may hold slashes, so the
// pattern takes the whole rest.
func (a *api) showRoom(w http.ResponseWriter, r *http.Request) {
	path, escaped := r.PathValue("path"), r.URL.EscapedPath()
	for suffix, show := range map[string]func(http.ResponseWriter, *http.Request, *nvr.Room){
		footageSuffix:   a.showFootage,
		thumbnailSuffix: a.showThumbnail,
	} {
		name, ok := strings.CutSuffix(path, suffix)
		// A room named "a/footage" is sent as a%2Ffootage; only a literal suffix ends the name.
		if !ok || !strings.HasSuffix(escaped, suffix) || name == "" || !utf8.ValidString(name) {
			continue
		}
		list, err := a.Records.ReadRooms(r.Context())
		if err != nil {
			a.serverError(w, r, "list the rooms", err)
			return
		}
		room := list.Find(name)
		if room == nil || !auth.CallerOf(r).MayUse(name) {
			httpapi.WriteProblem(w, r, http.StatusNotFound, "there is no such room")
			return
		}
		show(w, r, room)
		return
	}
	httpapi.WriteProblem(w, r, http.StatusNotFound, "there is nothing at this path")
}

// showFootage is GET /rooms/{room}/footage?date=.
func (a *api) showFootage(w http.ResponseWriter, r *http.Request, room *nvr.Room) {
	date := r.URL.Query().Get("date")
	if records.CheckDate(date) != "" {
		writeQueryErrors(w, httpapi.FieldDetail{Field: "date", Detail: badDate})
		return
	}
	day, err := a.Records.Day(r.Context(), room, date)
	if err != nil {
		a.serverError(w, r, "read a day's footage", err)
		return
	}
	view := footageView(room, &day)
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(view))
}

// showThumbnail is GET /rooms/{room}/thumbnail?source=&at=.
func (a *api) showThumbnail(w http.ResponseWriter, r *http.Request, room *nvr.Room) {
	query := r.URL.Query()
	source := query.Get("source")
	at, err := time.Parse(time.RFC3339, query.Get("at"))
	var found []httpapi.FieldDetail
	if source == "" {
		found = append(found, httpapi.FieldDetail{Field: "source", Detail: "is missing"})
	}
	if err != nil {
		found = append(found, httpapi.FieldDetail{Field: "at", Detail: badInstant})
	}
	if len(found) > 0 {
		writeQueryErrors(w, found...)
		return
	}
	may, err := a.Records.MayLook(r.Context(), auth.CallerOf(r), room, at)
	if err != nil {
		a.serverError(w, r, "read who may see a picture", err)
		return
	}
	if !may {
		httpapi.WriteProblem(w, r, http.StatusForbidden, "this picture may not be shown to you")
		return
	}
	segment, after, ok, err := a.Records.SegmentAt(r.Context(), room, source, at)
	if err != nil {
		a.serverError(w, r, "look for a segment", err)
		return
	}
	var jpg []byte
	if ok && a.Thumbnails != nil {
		jpg, err = a.Thumbnails.Of(r.Context(), segment, after)
	}
	switch {
	case errors.Is(err, records.ErrBusy):
		w.Header().Set("Retry-After", "5")
		httpapi.WriteProblem(w, r, http.StatusTooManyRequests, "too many pictures are requested at the moment")
	case err != nil:
		a.serverError(w, r, "take a picture out of a segment", err)
	case len(jpg) == 0:
		httpapi.WriteProblem(w, r, http.StatusNotFound, "there is no picture of this source at this time")
	default:
		httpapi.WriteTagged(w, r, "image/jpeg", jpg)
	}
}

// footageView returns the answer of showFootage.
func footageView(room *nvr.Room, day *records.Day) map[string]any {
	date, zone := day.Date, room.Zone
	span := func(b records.Bar) map[string]any {
		return map[string]any{
			"start": instant(date, b.From, zone),
			"end":   instant(date, b.To, zone),
		}
	}
	sources := []map[string]any{}
	for _, source := range day.Sources {
		segments := []map[string]any{}
		screen := slices.Contains(source.Roles, string(nvr.Screen))
		for _, b := range records.BarsOf(day.Segments[source.Octet], screen, room.SegmentLength) {
			if b.Fault {
				continue
			}
			segment := span(b)
			segment["presentation"] = cmp.Or(b.Screen, records.NotAnalyzed)
			segment["kept_until"] = nil
			if !b.KeptUntil.IsZero() {
				segment["kept_until"] = b.KeptUntil.In(zone).Format(time.RFC3339)
			}
			segments = append(segments, segment)
		}
		sources = append(sources, map[string]any{
			"source":   source.Octet,
			"roles":    source.Roles,
			"segments": segments,
		})
	}
	requested := []map[string]any{}
	for _, b := range day.Requested {
		requested = append(requested, span(b))
	}
	return map[string]any{
		"room":      room.Name,
		"date":      date,
		"zone":      zone.String(),
		"sources":   sources,
		"requested": requested,
	}
}

// instant returns a second of a day on the room's clock as RFC 3339.
func instant(date string, second float64, zone *time.Location) string {
	at, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return date // showFootage has checked it
	}
	return time.Date(
		at.Year(),
		at.Month(),
		at.Day(),
		0,
		0,
		int(second),
		0,
		zone,
	).Format(time.RFC3339)
}
