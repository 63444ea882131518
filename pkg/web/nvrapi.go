package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// api is all that programs see.
func (s *site) api() http.Handler {
	nvrAPI := s.requireKey(writeError, http.HandlerFunc(s.serveNVR))
	v1 := s.requireKey(writeProblem, http.HandlerFunc(s.serveV1))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say, next := sayFunc(writeError), nvrAPI
		switch path := r.URL.Path; {
		case path == openAPIPath:
			say, next = writeProblem, http.HandlerFunc(s.serveOpenAPI)
		case isV1(path):
			say, next = writeProblem, v1
		case path == notificationsPath || path+"/" == notificationsPath:
			next = http.HandlerFunc(s.serveNotification)
		}
		s.guard(say, next).ServeHTTP(w, r)
	})
}

// isNVR tells whether a path is one of the NVR's API.
func isNVR(path string) bool {
	return path == "/rooms" || strings.HasPrefix(path, "/rooms/") ||
		strings.HasPrefix(path, "/records/") || strings.HasPrefix(path, "/montage-event/")
}

// serveNVR is the NVR's API. A room's name is the percent-decoded rest of the path, so the path is taken
// apart as it was sent.
func (s *site) serveNVR(w http.ResponseWriter, r *http.Request) {
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
			writeError(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here")
			return
		}
		route.serve(w, r, name)
		return
	}
	writeError(w, r, http.StatusNotFound, "there is nothing at this path")
}

// nvrCreate is POST /montage-event/{room}.
func (s *site) nvrCreate(w http.ResponseWriter, r *http.Request, name string) {
	body, err := readAll(r)
	if errors.Is(err, errTooLarge) {
		writeError(w, r, http.StatusRequestEntityTooLarge, err.Error())
		return
	}
	if err != nil {
		writeError(w, r, http.StatusBadRequest, "the body did not arrive")
		return
	}
	c := callerOf(r)
	a, detail := readMontage(body, c.email)
	if detail != "" {
		writeError(w, r, http.StatusBadRequest, detail)
		return
	}
	a.Room = name
	room, ok, err := s.room(r, name)
	switch {
	case err != nil:
		s.serverError(w, r, writeError, "look up a room", err)
		return
	case !ok:
		writeError(w, r, http.StatusBadRequest, "unknown room '"+name+"'")
		return
	case !c.mayUse(name):
		writeError(w, r, http.StatusForbidden, "this key may not ask for room '"+name+"'")
		return
	}
	if wrongs := checkAsked(a, room.Zone); len(wrongs) > 0 {
		field := map[string]string{"date": "date", "start": "start_time", "end": "end_time", "title": "event_name", "email": "user_email"}[wrongs[0].Field]
		writeError(w, r, http.StatusBadRequest, "'"+field+"': "+s.words.T("en", "wrong."+wrongs[0].Code))
		return
	}
	if !strings.EqualFold(a.Email, c.email) && !c.anyAddress {
		writeError(w, r, http.StatusForbidden, "this key may not name another person's user_email")
		return
	}
	if _, _, err := s.Store.Requests.Insert(r.Context(), a.record(), nil); err != nil {
		s.serverError(w, r, writeError, "file a request", err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"message": "Merge event '" + a.Title + "' added to queue"})
}

// readMontage reads the body of POST /montage-event/{room}; detail says what is wrong with it. Fields that
// it does not know it leaves alone, as the NVR does.
func readMontage(body []byte, owner string) (a recordRequest, detail string) {
	fields, ok := readObject(body)
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

// readObject reads one JSON object, nothing after it, names as they are written.
func readObject(body []byte) (fields map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(body) || json.Unmarshal(body, &fields) != nil || fields == nil {
		return nil, false
	}
	return fields, bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// nvrRooms is GET /rooms.
func (s *site) nvrRooms(w http.ResponseWriter, r *http.Request, _ string) {
	rooms, err := s.rooms(r)
	if err != nil {
		s.serverError(w, r, writeError, "list the rooms", err)
		return
	}
	rows := []nvrRoomRow{}
	for i := range rooms {
		if callerOf(r).mayUse(rooms[i].Name) {
			rows = append(rows, roomRow(&rooms[i]))
		}
	}
	writeJSON(w, http.StatusOK, rows)
}

// nvrRoom is GET /rooms/{room}.
func (s *site) nvrRoom(w http.ResponseWriter, r *http.Request, name string) {
	room, ok, err := s.room(r, name)
	switch {
	case err != nil:
		s.serverError(w, r, writeError, "look up a room", err)
	case !ok || !callerOf(r).mayUse(name):
		writeError(w, r, http.StatusNotFound, "unknown room '"+name+"'")
	default:
		writeJSON(w, http.StatusOK, roomRow(&room))
	}
}

// nvrRecords is GET /records/{user_email}.
func (s *site) nvrRecords(w http.ResponseWriter, r *http.Request, email string) {
	c := callerOf(r)
	if !strings.EqualFold(email, c.email) && !c.anyAddress {
		writeError(w, r, http.StatusForbidden, "this key may not name another person's address")
		return
	}
	rows := []nvrRecordRow{}
	records, err := s.Store.Records.ByUser(r.Context(), email)
	if err != nil {
		s.serverError(w, r, writeError, "list records", err)
		return
	}
	for i := range records {
		if c.mayUse(records[i].Room) {
			rows = append(rows, recordRow(&records[i]))
		}
	}
	writeJSON(w, http.StatusOK, rows)
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
	return nvrRoomRow{room.ID, room.Name, text(room.Drive), text(room.Calendar), text(room.MainSource), text(room.ScreenSource), text(room.SoundSource)}
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
	return nvrRecordRow{r.ID, text(r.Title), r.Room, r.Date, r.StartTime, r.EndTime, r.UserEmail, text(r.EventID), r.Done, r.Processing}
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set(contentLabel, jsonType)
	w.Header().Set(cacheLabel, noStore)
	w.WriteHeader(status)
	_, _ = w.Write(encode(value)) // a client that is gone reads nothing
}

// rooms lists the rooms by name.
func (s *site) rooms(r *http.Request) ([]nvr.Room, error) { return s.Store.Rooms.List(r.Context()) }

// room finds a room by its exact name.
func (s *site) room(r *http.Request, name string) (room nvr.Room, ok bool, err error) {
	room, err = s.Store.Rooms.Get(r.Context(), name)
	if errors.Is(err, store.ErrNotFound) {
		return room, false, nil
	}
	return room, err == nil, err
}
