package nvrapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// isNVR tells whether a path is one of the NVR's API.
func Handles(path string) bool {
	return path == "/rooms" || strings.HasPrefix(path, "/rooms/") ||
		strings.HasPrefix(path, "/records/") || strings.HasPrefix(path, "/montage-event/")
}

// serveNVR is the NVR's API. A room's name is the percent-decoded rest of the path, so the path is taken
// apart as it was sent.
func (s *API) serveNVR(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	for _, route := range []struct {
		prefix, method string
		serve          func(w http.ResponseWriter, r *http.Request, name string)
	}{
		{"/montage-event/", http.MethodPost, s.nvrCreate},
		{"/rooms/", http.MethodGet, s.nvrRoom},
		{"/records/", http.MethodGet, s.nvrRecords},
		{"/rooms", http.MethodGet, s.nvrRooms},
	} {
		rest, ok := strings.CutPrefix(path, route.prefix)
		if !ok || strings.HasSuffix(route.prefix, "/") == (rest == "") {
			continue
		}
		name, err := url.PathUnescape(rest)
		if err != nil || !utf8.ValidString(name) {
			break
		}
		if r.Method != route.method && (r.Method != http.MethodHead || route.method != http.MethodGet) {
			w.Header().Set("Allow", route.method)
			httpapi.WriteError(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here")
			return
		}
		route.serve(w, r, name)
		return
	}
	httpapi.WriteError(w, r, http.StatusNotFound, "there is nothing at this path")
}

// nvrCreate is POST /montage-event/{room}.
func (s *API) nvrCreate(w http.ResponseWriter, r *http.Request, name string) {
	body, err := httpapi.ReadBody(r)
	if errors.Is(err, httpapi.ErrTooLarge) {
		httpapi.WriteError(w, r, http.StatusRequestEntityTooLarge, err.Error())
		return
	}
	if err != nil {
		httpapi.WriteError(w, r, http.StatusBadRequest, "the body did not arrive")
		return
	}
	c := auth.CallerOf(r)
	a, detail := readMontage(body, c.Email)
	if detail != "" {
		httpapi.WriteError(w, r, http.StatusBadRequest, detail)
		return
	}
	a.Room = name
	room, ok, err := s.records.Room(r.Context(), name)
	switch {
	case err != nil:
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "look up a room", err)
		return
	case !ok:
		httpapi.WriteError(w, r, http.StatusBadRequest, "unknown room '"+name+"'")
		return
	case !c.MayUse(name):
		httpapi.WriteError(w, r, http.StatusForbidden, "this key may not ask for room '"+name+"'")
		return
	}
	if wrongs := records.Check(a, room.Zone); len(wrongs) > 0 {
		field := map[string]string{"date": "date", "start": "start_time", "end": "end_time", "title": "event_name", "email": "user_email"}[wrongs[0].Field]
		httpapi.WriteError(w, r, http.StatusBadRequest, "'"+field+"': "+s.words.T("en", "wrong."+wrongs[0].Code))
		return
	}
	if !strings.EqualFold(a.Email, c.Email) && !c.AnyAddress {
		httpapi.WriteError(w, r, http.StatusForbidden, "this key may not name another person's user_email")
		return
	}
	if _, _, err := s.records.Store.Requests.Insert(r.Context(), a.Record(), nil); err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "file a request", err)
		return
	}
	httpapi.WriteJSON(w, http.StatusCreated, map[string]string{"message": "Merge event '" + a.Title + "' added to queue"})
}

// readMontage reads the body of POST /montage-event/{room}; detail says what is wrong with it. Fields that
// it does not know it leaves alone, as the NVR does.
func readMontage(body []byte, owner string) (a records.Request, detail string) {
	fields, ok := httpapi.ReadObject(body)
	if !ok {
		return a, "the body is no JSON object"
	}
	a.Email = owner
	for _, field := range []struct {
		name     string
		into     *string
		optional bool
	}{{"event_name", &a.Title, false}, {"date", &a.Date, false}, {"start_time", &a.Start, false}, {"end_time", &a.End, false}, {"user_email", &a.Email, true}} {
		raw, there := fields[field.name]
		if !there || string(raw) == "null" {
			if field.optional {
				continue
			}
			return a, "'" + field.name + "' required"
		}
		if json.Unmarshal(raw, field.into) != nil {
			return a, "'" + field.name + "' must be a string"
		}
		if *field.into == "" {
			return a, "'" + field.name + "' is empty"
		}
	}
	return a, ""
}

// nvrRooms is GET /rooms.
func (s *API) nvrRooms(w http.ResponseWriter, r *http.Request, _ string) {
	rooms, err := s.records.Store.Rooms.List(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "list the rooms", err)
		return
	}
	rows := []nvrRoomRow{}
	for i := range rooms {
		if auth.CallerOf(r).MayUse(rooms[i].Name) {
			rows = append(rows, roomRow(&rooms[i]))
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, rows)
}

// nvrRoom is GET /rooms/{room}.
func (s *API) nvrRoom(w http.ResponseWriter, r *http.Request, name string) {
	room, ok, err := s.records.Room(r.Context(), name)
	switch {
	case err != nil:
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "look up a room", err)
	case !ok || !auth.CallerOf(r).MayUse(name):
		httpapi.WriteError(w, r, http.StatusNotFound, "unknown room '"+name+"'")
	default:
		httpapi.WriteJSON(w, http.StatusOK, roomRow(&room))
	}
}

// nvrRecords is GET /records/{user_email}.
func (s *API) nvrRecords(w http.ResponseWriter, r *http.Request, email string) {
	c := auth.CallerOf(r)
	if !strings.EqualFold(email, c.Email) && !c.AnyAddress {
		httpapi.WriteError(w, r, http.StatusForbidden, "this key may not name another person's address")
		return
	}
	rows := []nvrRecordRow{}
	records, err := s.records.Store.Records.ByUser(r.Context(), email)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "list records", err)
		return
	}
	for i := range records {
		if c.MayUse(records[i].Room) {
			rows = append(rows, recordRow(&records[i]))
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, rows)
}

// nvrRoomRow and nvrRecordRow have the columns of the NVR's tables.
type nvrRoomRow struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Drive        *string `json:"drive"`
	Calendar     *string `json:"calendar"`
	MainSource   *string `json:"main_source"`
	ScreenSource *string `json:"screen_source"`
	SoundSource  *string `json:"sound_source"`
}

func roomRow(room *nvr.Room) nvrRoomRow {
	return nvrRoomRow{room.ID, room.Name, httpapi.Nullable(room.Drive), httpapi.Nullable(room.Calendar), httpapi.Nullable(room.MainSource), httpapi.Nullable(room.ScreenSource), httpapi.Nullable(room.SoundSource)}
}

type nvrRecordRow struct {
	ID         int64   `json:"id"`
	EventName  *string `json:"event_name"`
	RoomName   string  `json:"room_name"`
	Date       string  `json:"date"`
	StartTime  string  `json:"start_time"`
	EndTime    string  `json:"end_time"`
	UserEmail  string  `json:"user_email"`
	EventID    *string `json:"event_id"`
	Done       bool    `json:"done"`
	Processing bool    `json:"processing"`
}

func recordRow(r *nvr.Record) nvrRecordRow {
	return nvrRecordRow{r.ID, httpapi.Nullable(r.Title), r.Room, r.Date, r.StartTime, r.EndTime, r.UserEmail, httpapi.Nullable(r.EventID), r.Done, r.Processing}
}
