package page

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Lengths of the columns of rooms and sources, in characters.
const (
	maxName = 100
	maxLink = 200
)

// Bounds of a segment's length, in minutes.
const (
	minSegment = 0.1
	maxSegment = 24 * 60
)

// roomPage is the form of a room, its settings and its sources.
type roomPage struct {
	Said    string
	New     bool
	ID      int64
	Title   string
	Fields  []roomField
	Errors  []fieldText
	Sources []sourceForm
	Typed   *typedSource // a source that could not be saved; nil: none
}

// typedSource is what was typed into the form of a source, and what is wrong with it.
type typedSource struct {
	id     int64
	inputs []input
	errors []fieldText
}

// roomField is one input of a form.
type roomField struct {
	Name, Label, Hint, Value, Wrong string

	Choices []choice // to select from; empty: a text
	Listed  []string // proposals for a text; empty: none
}

// choice is an option of a field.
type choice struct{ Value, Text string }

// sourceForm is the form of a source. ID 0 is a new one.
type sourceForm struct {
	ID     int64
	Legend string
	Fields []roomField
}

// input is a field of a form with its text.
type input struct{ name, value string }

// roomInputs returns the fields of the room's form, in order.
func roomInputs(room *nvr.Room) []input {
	zone := ""
	if room.Zone != nil {
		zone = room.Zone.String()
	}
	return []input{
		{"name", room.Name},
		{"drive", room.Drive},
		{"calendar", room.Calendar},
		{"main_source", room.MainSource},
		{"screen_source", room.ScreenSource},
		{"board_source", room.Board()},
		{"sound_source", room.SoundSource},
		{"zone", zone},
		{"language", room.Language},
		{"segment", minutesText(room.SegmentLength)},
	}
}

// minutesText returns a duration in minutes. It is empty for 0, which means the default.
func minutesText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Minutes(), 'f', -1, 64)
}

// sourceInputs returns the fields of a source's form, in order.
func sourceInputs(source *nvr.Source) []input {
	return []input{
		{"name", source.Name},
		{"ip", source.IP},
		{"port", source.Port},
		{"rtsp", source.RTSP},
		{"audio", source.Audio},
		{"merge", source.Merge},
	}
}

// readInputs replaces the texts by those that the parsed form holds.
func readInputs(r *http.Request, inputs []input) []input {
	sent := make([]input, len(inputs))
	for i, in := range inputs {
		sent[i] = input{name: in.name, value: formText(r, in.name)}
	}
	return sent
}

// pathRoom reads the room of the path. "new" is one that is not stored yet. It answers 404 if it
// returns false.
func (s *site) pathRoom(w http.ResponseWriter, r *http.Request) (room nvr.Room, ok bool) {
	number := r.PathValue("id")
	if number == "new" {
		return nvr.Room{}, true
	}
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		s.failPage(w, r, http.StatusNotFound, "")
		return room, false
	}
	list, err := s.Records.ReadRooms(r.Context())
	if err != nil {
		s.serverError(w, r, "list the rooms", err)
		return room, false
	}
	i := slices.IndexFunc(list.Rooms, func(room nvr.Room) bool { return room.ID == id })
	if i < 0 {
		s.failPage(w, r, http.StatusNotFound, "")
		return room, false
	}
	return list.Rooms[i], true
}

// showRoom is GET /operators/rooms/{id}.
func (s *site) showRoom(w http.ResponseWriter, r *http.Request) {
	room, ok := s.pathRoom(w, r)
	if !ok {
		return
	}
	page := roomPage{}
	if r.URL.Query().Get("said") == "saved" {
		page.Said = s.localizer(r).T("page.room.saved")
	}
	s.renderRoom(w, r, http.StatusOK, &room, roomInputs(&room), page)
}

// renderRoom answers with the form of a room. The page holds what was said and the errors.
func (s *site) renderRoom(
	w http.ResponseWriter,
	r *http.Request,
	status int,
	room *nvr.Room,
	inputs []input,
	page roomPage,
) {
	l := s.localizer(r)
	page.New = room.ID == 0
	page.ID = room.ID
	page.Title = l.T("page.room.new")
	page.Fields = s.formFields(l, "page.room.", inputs, page.Errors)
	for i := range page.Fields {
		switch field := &page.Fields[i]; field.Name {
		case "language":
			field.Choices = s.languageChoices(l)
		case "zone":
			field.Listed = zones()
		}
	}
	if !page.New {
		page.Title = l.T("page.room.title", "room", room.Name)
		page.Sources = s.sourceForms(l, room, page.Typed)
	}
	s.render(w, r, status, "room", frame{
		Title: page.Title,
		Nav:   "operators",
		Body:  page,
	})
}

// sourceForms returns one form a source, and one for a new source.
func (s *site) sourceForms(l *i18n.Localizer, room *nvr.Room, typed *typedSource) []sourceForm {
	form := func(source *nvr.Source, legend string) sourceForm {
		inputs, errors := sourceInputs(source), []fieldText(nil)
		if typed != nil && typed.id == source.ID {
			inputs, errors = typed.inputs, typed.errors
		}
		return sourceForm{ID: source.ID, Legend: legend, Fields: s.formFields(l, "page.source.", inputs, errors)}
	}
	var forms []sourceForm
	for i := range room.Sources {
		source := &room.Sources[i]
		forms = append(forms, form(source, source.Name+" "+source.IP))
	}
	return append(forms, form(&nvr.Source{}, l.T("page.source.new")))
}

// languageChoices returns the languages of notices. The first choice is the default.
func (s *site) languageChoices(l *i18n.Localizer) []choice {
	choices := []choice{{Value: "", Text: l.T("page.room.default")}}
	for _, tag := range s.catalog.Languages() {
		choices = append(choices, choice{Value: tag, Text: s.catalog.For(tag).T("page.language-name")})
	}
	return choices
}

// zones returns the time zones that the form proposes. It takes any other IANA name, too.
func zones() []string {
	return []string{
		"Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk",
		"Asia/Novosibirsk", "Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok",
		"Asia/Magadan", "Asia/Kamchatka", "Europe/Lisbon", "Europe/London", "Europe/Paris", "Europe/Berlin",
		"Europe/Rome", "Europe/Warsaw", "Europe/Athens", "Europe/Helsinki", "Europe/Istanbul",
		"Asia/Tbilisi", "Asia/Yerevan", "Asia/Almaty", "Asia/Tashkent", "Asia/Kolkata", "Asia/Shanghai",
		"Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo", "America/New_York", "America/Chicago",
		"America/Denver", "America/Los_Angeles", "UTC",
	}
}

// formFields returns the inputs with their labels, hints and errors. The label's text is the
// prefix and the name.
func (s *site) formFields(l *i18n.Localizer, prefix string, inputs []input, errors []fieldText) []roomField {
	languages := strings.Join(s.catalog.Languages(), ", ")
	fields := make([]roomField, len(inputs))
	for i, in := range inputs {
		fields[i] = roomField{
			Name:  in.name,
			Label: l.T(prefix + in.name),
			Value: in.value,
			Wrong: errorOf(errors, in.name),
		}
		if hint := prefix + in.name + ".hint"; l.Has(hint) {
			fields[i].Hint = l.T(hint, "languages", languages)
		}
	}
	return fields
}

// postRoom is POST /operators/rooms/{id}.
func (s *site) postRoom(w http.ResponseWriter, r *http.Request) {
	room, ok := s.pathRoom(w, r)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		s.failPage(w, r, httpapi.FormStatus(err), "")
		return
	}
	inputs := readInputs(r, roomInputs(&room))
	changed, found := s.readRoom(room, inputs)
	other, exists, err := s.Records.Room(r.Context(), changed.Name)
	if err != nil {
		s.serverError(w, r, "look up a room", err)
		return
	}
	if exists && other.ID != room.ID {
		found = append(found, records.FieldError{Field: "name", Code: "room-taken"})
	}
	if len(found) > 0 {
		page := roomPage{Errors: fieldTexts(s.localizer(r), found)}
		s.renderRoom(w, r, http.StatusUnprocessableEntity, &room, inputs, page)
		return
	}
	id, err := s.Records.Store.Rooms.Save(r.Context(), changed)
	if err == nil {
		err = s.saveBoard(r.Context(), id, &room, changed.Name, valueOf(inputs, "board_source"))
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.serverError(w, r, "save a room", err)
		return
	}
	s.saved(w, r, id)
}

// valueOf returns the text of an input.
func valueOf(inputs []input, name string) string {
	for _, in := range inputs {
		if in.name == name {
			return in.value
		}
	}
	return ""
}

// saveBoard makes an address the board camera of a room. An empty address means that the room has none. The
// room is as it was before.
func (s *site) saveBoard(ctx context.Context, id int64, room *nvr.Room, name, address string) error {
	if address == room.Board() {
		return nil
	}
	board := nvr.Source{Name: name + " board", IP: address, Merge: "right"}
	for _, source := range room.Sources {
		switch {
		case address != "" && nvr.Octet(source.IP) == nvr.Octet(address):
			board = source
			board.Merge = "right"
		case source.IsBoard():
			source.Merge = ""
			if _, err := s.Records.Store.Rooms.SaveSource(ctx, id, source); err != nil {
				return err
			}
		}
	}
	if address == "" {
		return nil
	}
	_, err := s.Records.Store.Rooms.SaveSource(ctx, id, board)
	return err
}

// saved returns to the form of a room that has changed.
func (s *site) saved(w http.ResponseWriter, r *http.Request, id int64) {
	s.Records.ForgetRooms()
	http.Redirect(
		w,
		r,
		"/operators/rooms/"+strconv.FormatInt(id, 10)+"?said=saved",
		http.StatusSeeOther,
	)
}

// readRoom writes a form's texts into a room and returns what is wrong with them.
func (s *site) readRoom(room nvr.Room, inputs []input) (nvr.Room, []records.FieldError) {
	var found []records.FieldError
	wrong := func(field, code string) {
		found = append(found, records.FieldError{Field: field, Code: code})
	}
	text := map[string]string{}
	for _, in := range inputs {
		limit := maxName
		if in.name == "drive" || in.name == "calendar" {
			limit = maxLink
		}
		if !isPlainText(in.value, limit) {
			wrong(in.name, "text")
		}
		text[in.name] = in.value
	}
	room.Name = text["name"]
	room.Drive = text["drive"]
	room.Calendar = text["calendar"]
	room.MainSource = text["main_source"]
	room.ScreenSource = text["screen_source"]
	room.SoundSource = text["sound_source"]
	if !records.IsRoomName(room.Name) {
		wrong("name", "room-name")
	}
	for _, field := range []string{"main_source", "screen_source", "board_source", "sound_source"} {
		if address := text[field]; address != "" && nvr.Octet(address) == "" {
			wrong(field, "address")
		}
	}
	zone, ok := readZone(text["zone"])
	if !ok {
		wrong("zone", "zone")
	}
	room.Zone = zone
	room.Language = text["language"]
	if room.Language != "" && !s.catalog.Has(room.Language) {
		wrong("language", "language")
	}
	length, ok := readMinutes(text["segment"])
	if !ok {
		wrong("segment", "segment")
	}
	room.SegmentLength = length
	return room, found
}

// isPlainText reports whether a text is printable and has at most limit characters.
func isPlainText(text string, limit int) bool {
	return utf8.RuneCountInString(text) <= limit && records.IsPrintable(text)
}

// readZone returns the location of an IANA name. An empty name means the default and is nil.
func readZone(name string) (zone *time.Location, ok bool) {
	if name == "" {
		return nil, true
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil && name != "Local"
}

// readMinutes returns a duration in minutes. An empty text means the default and is 0.
func readMinutes(text string) (length time.Duration, ok bool) {
	if text == "" {
		return 0, true
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil || !(minutes >= minSegment && minutes <= maxSegment) { // NaN fails both comparisons
		return 0, false
	}
	return time.Duration(minutes * float64(time.Minute)), true
}

// postSource is POST /operators/rooms/{id}/sources/{source}. It saves or deletes a source; number
// 0 is a new one.
func (s *site) postSource(w http.ResponseWriter, r *http.Request) {
	room, ok := s.pathRoom(w, r)
	if !ok {
		return
	}
	id, err := strconv.ParseInt(r.PathValue("source"), 10, 64)
	if err != nil || room.ID == 0 {
		s.failPage(w, r, http.StatusNotFound, "")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.failPage(w, r, httpapi.FormStatus(err), "")
		return
	}
	if r.PostForm.Get("delete") != "" {
		err = s.Records.Store.Rooms.DeleteSource(r.Context(), room.ID, id)
	} else {
		source, inputs, found := readSource(r, id)
		if len(found) > 0 {
			errors := fieldTexts(s.localizer(r), found)
			page := roomPage{Typed: &typedSource{id: id, inputs: inputs, errors: errors}}
			s.renderRoom(w, r, http.StatusUnprocessableEntity, &room, roomInputs(&room), page)
			return
		}
		_, err = s.Records.Store.Rooms.SaveSource(r.Context(), room.ID, source)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.serverError(w, r, "save a source", err)
		return
	}
	s.saved(w, r, room.ID)
}

// readSource returns the source that the parsed form holds, its texts, and what is wrong with them.
func readSource(r *http.Request, id int64) (source nvr.Source, inputs []input, found []records.FieldError) {
	text := map[string]string{}
	inputs = readInputs(r, sourceInputs(&nvr.Source{}))
	for _, in := range inputs {
		if !isPlainText(in.value, maxName) {
			found = append(found, records.FieldError{Field: in.name, Code: "text"})
		}
		text[in.name] = in.value
	}
	source = nvr.Source{
		ID:    id,
		Name:  text["name"],
		IP:    text["ip"],
		Port:  text["port"],
		RTSP:  text["rtsp"],
		Audio: text["audio"],
		Merge: text["merge"],
	}
	if nvr.Octet(source.IP) == "" {
		found = append(found, records.FieldError{Field: "ip", Code: "address"})
	}
	return source, inputs, found
}
