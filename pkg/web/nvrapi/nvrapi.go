package nvrapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// api serves the NVR's API.
type api struct {
	Options
}

// Options are what the API needs.
type Options struct {
	Records *records.Service
	Log     *slog.Logger
	Limits  *httpapi.Limits // of each key
	Failed  *httpapi.Limits // of requests without a valid key, by address
}

// New returns the NVR's API. Every request needs a key. The name of a room is the percent-decoded
// rest of the path and may hold slashes.
func New(o Options) http.Handler {
	a := &api{Options: o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rooms", a.listRooms)
	mux.HandleFunc("GET /rooms/{room...}", withName("room", a.showRoom))
	mux.HandleFunc("GET /records/{email...}", withName("email", a.listRecords))
	mux.HandleFunc("POST /montage-event/{room...}", withName("room", a.create))
	routes := httpapi.Routes(mux, httpapi.WriteError)
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.Limits.Admit(w, r, auth.CallerOf(r).ID, httpapi.WriteError) {
			routes.ServeHTTP(w, r)
		}
	})
	return auth.RequireKey(o.Records.Store.Keys, o.Failed, o.Log, httpapi.WriteError, limited)
}

// Handles reports whether a path belongs to the NVR's API.
func Handles(path string) bool {
	for _, prefix := range []string{"/rooms/", "/records/", "/montage-event/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == "/rooms"
}

// withName passes a wildcard of the path to a handler. An empty name, or one that is not UTF-8, is
// answered 404.
func withName(wildcard string, next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue(wildcard)
		if name == "" || !utf8.ValidString(name) {
			httpapi.WriteError(w, r, http.StatusNotFound, "there is nothing at this path")
			return
		}
		next(w, r, name)
	}
}

// create is POST /montage-event/{room}.
func (a *api) create(w http.ResponseWriter, r *http.Request, name string) {
	body, ok := httpapi.ReadBodyOrFail(w, r, httpapi.WriteError)
	if !ok {
		return
	}
	caller := auth.CallerOf(r)
	request, detail := readEvent(body, caller.Email)
	if detail != "" {
		httpapi.WriteError(w, r, http.StatusBadRequest, detail)
		return
	}
	request.Room = name
	if !a.admit(w, r, request) {
		return
	}
	_, _, err := a.Records.Insert(r.Context(), caller, request, nil)
	if errors.Is(err, store.ErrQuota) {
		httpapi.WriteError(w, r, http.StatusTooManyRequests, records.QuotaDetail)
		return
	}
	if err != nil {
		a.serverError(w, r, "store a request", err)
		return
	}
	message := "Merge event '" + request.Title + "' added to queue"
	httpapi.WriteJSON(w, http.StatusCreated, map[string]string{"message": message})
}

// admit checks a request against its room and its caller. It answers 400 or 403 if it returns
// false.
func (a *api) admit(w http.ResponseWriter, r *http.Request, request records.Request) bool {
	caller := auth.CallerOf(r)
	if !caller.MayUse(request.Room) { // whether there is such a room
		httpapi.WriteError(w, r, http.StatusForbidden, "this key may not use room '"+request.Room+"'")
		return false
	}
	room, ok, err := a.Records.Room(r.Context(), request.Room)
	switch {
	case err != nil:
		a.serverError(w, r, "look up a room", err)
		return false
	case !ok:
		httpapi.WriteError(w, r, http.StatusBadRequest, "unknown room '"+request.Room+"'")
		return false
	}
	if found := records.Check(request, room.Zone, a.Records.Now()); len(found) > 0 {
		text := found[0].Text(a.Records.Catalog.For("en"))
		httpapi.WriteError(w, r, http.StatusBadRequest, "'"+columnOf(found[0].Field)+"': "+text)
		return false
	}
	if !a.mayName(r, request.Email) {
		httpapi.WriteError(
			w,
			r,
			http.StatusForbidden,
			"this key may not name another person's user_email",
		)
		return false
	}
	return a.allowed(w, r, request, &room)
}

// allowed answers why a valid request is not accepted if it returns false.
func (a *api) allowed(w http.ResponseWriter, r *http.Request, request records.Request, room *nvr.Room) bool {
	denial, err := a.Records.CheckAllowed(r.Context(), auth.CallerOf(r), request, room)
	if err != nil {
		a.serverError(w, r, "read the opt-outs", err)
		return false
	}
	if denial.Code == "" {
		return true
	}
	status := http.StatusBadRequest
	if denial.Forbidden {
		status = http.StatusForbidden
	}
	httpapi.WriteError(w, r, status, denial.Text(a.Records.Catalog.For("en")))
	return false
}

// mayName reports whether the caller may act for a person's address.
func (a *api) mayName(r *http.Request, email string) bool {
	caller := auth.CallerOf(r)
	return caller.AnyAddress || strings.EqualFold(email, caller.Email)
}

// serverError logs a failure of the database and answers 503 with {"error"}.
func (a *api) serverError(w http.ResponseWriter, r *http.Request, action string, err error) {
	httpapi.ServerError(w, r, a.Log, httpapi.WriteError, action, err)
}

// columnOf returns the name that this API gives to a field of a request.
func columnOf(field string) string {
	switch field {
	case "start":
		return "start_time"
	case "end":
		return "end_time"
	case "title":
		return "event_name"
	case "email":
		return "user_email"
	}
	return field
}

// readEvent reads the body of POST /montage-event/{room}. The detail is what is wrong with it, if
// anything. Unknown fields are ignored, as the recorder does. Without user_email, the event
// belongs to the owner of the key.
func readEvent(body []byte, owner string) (request records.Request, detail string) {
	request.Email = owner
	fields, ok := httpapi.ReadObject(body)
	if !ok {
		return request, "the body is no JSON object"
	}
	for _, field := range []struct {
		name     string
		value    *string
		optional bool
	}{
		{"event_name", &request.Title, false},
		{"date", &request.Date, false},
		{"start_time", &request.Start, false},
		{"end_time", &request.End, false},
		{"user_email", &request.Email, true},
	} {
		raw, present := fields[field.name]
		missing := !present || string(raw) == "null"
		switch {
		case missing && field.optional:
		case missing:
			return request, "'" + field.name + "' required"
		case json.Unmarshal(raw, field.value) != nil:
			return request, "'" + field.name + "' must be a string"
		case *field.value == "":
			return request, "'" + field.name + "' is empty"
		}
	}
	return request, ""
}

// listRooms is GET /rooms.
func (a *api) listRooms(w http.ResponseWriter, r *http.Request) {
	rooms, err := a.Records.Store.Rooms.List(r.Context())
	if err != nil {
		a.serverError(w, r, "list the rooms", err)
		return
	}
	rows := []roomRow{}
	for i := range rooms {
		if auth.CallerOf(r).MayUse(rooms[i].Name) {
			rows = append(rows, newRoomRow(&rooms[i]))
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, rows)
}

// showRoom is GET /rooms/{room}.
func (a *api) showRoom(w http.ResponseWriter, r *http.Request, name string) {
	room, ok, err := a.Records.Room(r.Context(), name)
	switch {
	case err != nil:
		a.serverError(w, r, "look up a room", err)
	case !ok || !auth.CallerOf(r).MayUse(name):
		httpapi.WriteError(w, r, http.StatusNotFound, "unknown room '"+name+"'")
	default:
		httpapi.WriteJSON(w, http.StatusOK, newRoomRow(&room))
	}
}

// listRecords is GET /records/{user_email}.
func (a *api) listRecords(w http.ResponseWriter, r *http.Request, email string) {
	if !a.mayName(r, email) {
		httpapi.WriteError(
			w,
			r,
			http.StatusForbidden,
			"this key may not name another person's address",
		)
		return
	}
	list := httpapi.NewArray(w)
	for after := int64(0); ; {
		found, err := a.Records.Store.Records.ByUserPage(r.Context(), email, after, listPage)
		if err != nil {
			if !list.Begun() {
				a.serverError(w, r, "list records", err)
				return
			}
			a.Log.ErrorContext(r.Context(), "a list of records breaks off", "err", err)
			panic(http.ErrAbortHandler) // a list that is cut off must not look complete
		}
		for i := range found {
			after = found[i].ID
			if auth.CallerOf(r).MayUse(found[i].Room) {
				list.Add(newRecordRow(&found[i]))
			}
		}
		if len(found) < listPage {
			list.End()
			return
		}
		if !list.Flush() {
			panic(http.ErrAbortHandler) // the client does not read
		}
	}
}

// listPage is how many records of a list are in memory at once.
const listPage = 500
