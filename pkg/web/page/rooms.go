package page

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// What the columns of rooms and sources hold, in characters.
const (
	maxName    = 100
	maxAddress = 100
	maxLink    = 200
)

// roomPage is a room with its sources and settings, to be changed.
type roomPage struct {
	Said    string
	New     bool
	ID      int64
	Fields  []roomField
	Errors  []fieldText
	Sources []sourceForm
}

// roomField is one input of the room's form.
type roomField struct {
	Name, Label, Hint, Value, Wrong string
	List                            []string // suggestions
}

// sourceForm is the form of a source; ID 0 is a new one.
type sourceForm struct {
	ID     int64
	Legend string
	Fields []roomField
}

// roomValues are the texts of the room's form by field, in order.
func roomValues(room *nvr.Room) [][2]string {
	zone := ""
	if room.Zone != nil {
		zone = room.Zone.String()
	}
	return [][2]string{
		{"name", room.Name}, {"drive", room.Drive}, {"calendar", room.Calendar},
		{"main_source", room.MainSource}, {"screen_source", room.ScreenSource}, {"sound_source", room.SoundSource},
		{"zone", zone}, {"language", room.Language}, {"segment", minutesText(room.SegmentLength)},
	}
}

func minutesText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Minutes(), 'f', -1, 64)
}

func sourceValues(source *nvr.Source) [][2]string {
	return [][2]string{{"name", source.Name}, {"ip", source.IP}, {"port", source.Port}, {"rtsp", source.RTSP}, {"audio", source.Audio}, {"merge", source.Merge}}
}

// roomByID finds the room of a path; "new" is one that is not there yet.
func (s *site) roomByID(w http.ResponseWriter, r *http.Request) (room nvr.Room, ok bool) {
	text := r.PathValue("id")
	if text == "new" {
		return nvr.Room{}, true
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.sayPage(w, r, http.StatusNotFound, "")
		return room, false
	}
	rooms, err := s.records.Store.Rooms.List(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "list the rooms", err)
		return room, false
	}
	at := slices.IndexFunc(rooms, func(room nvr.Room) bool { return room.ID == id })
	if at < 0 {
		s.sayPage(w, r, http.StatusNotFound, "")
		return room, false
	}
	return rooms[at], true
}

// showRoom is GET /operators/rooms/{id}.
func (s *site) showRoom(w http.ResponseWriter, r *http.Request) {
	room, ok := s.roomByID(w, r)
	if !ok {
		return
	}
	said := ""
	if r.URL.Query().Get("said") == "saved" {
		said = "room.saved"
	}
	s.renderRoom(w, r, http.StatusOK, &room, roomValues(&room), nil, said)
}

func (s *site) renderRoom(w http.ResponseWriter, r *http.Request, status int, room *nvr.Room, values [][2]string, wrongs []records.FieldError, said string) {
	language := s.words.Language(r)
	page := roomPage{New: room.ID == 0, ID: room.ID}
	if said != "" {
		page.Said = s.words.T(language, said)
	}
	for _, each := range wrongs {
		page.Errors = append(page.Errors, fieldText{each.Field, s.words.T(language, "wrong."+each.Code)})
	}
	page.Fields = s.roomFields(language, "room", values, page.Errors)
	if room.ID != 0 {
		for i := range room.Sources {
			source := &room.Sources[i]
			page.Sources = append(page.Sources, sourceForm{source.ID, source.Name + " " + source.IP, s.roomFields(language, "source", sourceValues(source), nil)})
		}
		page.Sources = append(page.Sources, sourceForm{0, s.words.T(language, "source.new"), s.roomFields(language, "source", sourceValues(&nvr.Source{}), nil)})
	}
	title := s.words.T(language, "room.new")
	if room.ID != 0 {
		title = s.words.T(language, "room.title", room.Name)
	}
	s.render(w, r, status, "room", shown{Title: title, Nav: "operators", User: s.user(r), Body: page})
}

func (s *site) roomFields(language, of string, values [][2]string, wrongs []fieldText) []roomField {
	fields := make([]roomField, len(values))
	for i, v := range values {
		f := roomField{Name: v[0], Label: s.words.T(language, of+"."+v[0]), Value: v[1]}
		if hint := of + "." + v[0] + ".hint"; s.words.Has(language, hint) {
			f.Hint = s.words.T(language, hint)
		}
		for _, each := range wrongs {
			if each.Field == f.Name {
				f.Wrong = each.Text
			}
		}
		fields[i] = f
	}
	return fields
}

// postRoom is POST /operators/rooms/{id}.
func (s *site) postRoom(w http.ResponseWriter, r *http.Request) {
	room, ok := s.roomByID(w, r)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		s.sayPage(w, r, statusOfForm(err), "")
		return
	}
	values := formValues(r, roomValues(&room))
	changed, wrongs := readRoom(room, values)
	if other, there, err := s.records.Room(r.Context(), changed.Name); err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "look up a room", err)
		return
	} else if there && other.ID != room.ID {
		wrongs = append(wrongs, records.FieldError{Field: "name", Code: "room-taken"})
	}
	if len(wrongs) > 0 {
		s.renderRoom(w, r, http.StatusUnprocessableEntity, &room, values, wrongs, "")
		return
	}
	id, err := s.records.Store.Rooms.Save(r.Context(), changed)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		httpapi.ServerError(w, r, s.log, s.sayPage, "save a room", err)
		return
	}
	s.records.ForgetRooms()
	http.Redirect(w, r, "/operators/rooms/"+strconv.FormatInt(id, 10)+"?said=saved", http.StatusSeeOther)
}

// formValues are the texts that a form sent for the fields of values.
func formValues(r *http.Request, values [][2]string) [][2]string {
	sent := make([][2]string, len(values))
	for i, v := range values {
		sent[i] = [2]string{v[0], strings.TrimSpace(strings.ToValidUTF8(r.PostForm.Get(v[0]), ""))}
	}
	return sent
}

// readRoom writes a form's texts into a room.
func readRoom(room nvr.Room, values [][2]string) (nvr.Room, []records.FieldError) {
	text := map[string]string{}
	var wrongs []records.FieldError
	for _, v := range values {
		limit := map[string]int{"name": maxName, "drive": maxLink, "calendar": maxLink}[v[0]]
		if limit == 0 {
			limit = maxAddress
		}
		if utf8.RuneCountInString(v[1]) > limit || strings.ContainsFunc(v[1], unicode.IsControl) {
			wrongs = append(wrongs, records.FieldError{Field: v[0], Code: "text"})
		}
		text[v[0]] = v[1]
	}
	room.Name, room.Drive, room.Calendar = text["name"], text["drive"], text["calendar"]
	if room.Name == "" {
		wrongs = append(wrongs, records.FieldError{Field: "name", Code: "room-name"})
	}
	for name, into := range map[string]*string{"main_source": &room.MainSource, "screen_source": &room.ScreenSource, "sound_source": &room.SoundSource} {
		if *into = text[name]; *into != "" && nvr.Octet(*into) == "" {
			wrongs = append(wrongs, records.FieldError{Field: name, Code: "address"})
		}
	}
	room.Zone = nil
	if zone := text["zone"]; zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			wrongs = append(wrongs, records.FieldError{Field: "zone", Code: "zone"})
		}
		room.Zone = location
	}
	if room.Language = text["language"]; room.Language != "" && room.Language != "ru" && room.Language != "en" {
		wrongs = append(wrongs, records.FieldError{Field: "language", Code: "language"})
	}
	room.SegmentLength = 0
	if length := text["segment"]; length != "" {
		minutes, err := strconv.ParseFloat(length, 64)
		if err != nil || !(minutes >= 0.1 && minutes <= 24*60) {
			wrongs = append(wrongs, records.FieldError{Field: "segment", Code: "segment"})
		} else {
			room.SegmentLength = time.Duration(minutes * float64(time.Minute))
		}
	}
	return room, wrongs
}

// postSource is POST /operators/rooms/{id}/sources/{source}: a source saved, or deleted.
func (s *site) postSource(w http.ResponseWriter, r *http.Request) {
	room, ok := s.roomByID(w, r)
	if !ok {
		return
	}
	id, err := strconv.ParseInt(r.PathValue("source"), 10, 64)
	if err != nil || room.ID == 0 {
		s.sayPage(w, r, http.StatusNotFound, "")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.sayPage(w, r, statusOfForm(err), "")
		return
	}
	if r.PostForm.Get("delete") != "" {
		err = s.records.Store.Rooms.DeleteSource(r.Context(), room.ID, id)
	} else {
		text := map[string]string{}
		for _, v := range formValues(r, sourceValues(&nvr.Source{})) {
			if utf8.RuneCountInString(v[1]) > maxAddress || strings.ContainsFunc(v[1], unicode.IsControl) {
				s.renderRoom(w, r, http.StatusUnprocessableEntity, &room, roomValues(&room), nil, "source.wrong")
				return
			}
			text[v[0]] = v[1]
		}
		if nvr.Octet(text["ip"]) == "" {
			s.renderRoom(w, r, http.StatusUnprocessableEntity, &room, roomValues(&room), nil, "source.wrong")
			return
		}
		_, err = s.records.Store.Rooms.SaveSource(r.Context(), room.ID, nvr.Source{ID: id, Name: text["name"], IP: text["ip"], Port: text["port"], RTSP: text["rtsp"], Audio: text["audio"], Merge: text["merge"]})
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		httpapi.ServerError(w, r, s.log, s.sayPage, "save a source", err)
		return
	}
	s.records.ForgetRooms()
	http.Redirect(w, r, "/operators/rooms/"+strconv.FormatInt(room.ID, 10)+"?said=saved", http.StatusSeeOther)
}
