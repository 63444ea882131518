package page

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// requestPage is the form at /.
type requestPage struct {
	Token  string // catches the double click
	Rooms  []string
	Room   string
	Date   string
	Start  string
	End    string
	Title  string
	Errors []fieldText
	Day    *dayView
}

// fieldText is what is wrong with a field, in the reader's language.
type fieldText struct{ Field, Text string }

// Error is what is wrong with one field; empty if nothing.
func (p *requestPage) Error(field string) string {
	for _, e := range p.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// showRequest is GET /: the form, filled in as the address says.
func (s *site) showRequest(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.renderRequest(w, r, http.StatusOK, requestPage{Room: query.Get("room"), Date: query.Get("date"), Start: query.Get("start"),
		End: query.Get("end"), Title: query.Get("title"), Token: query.Get("token")})
}

// renderRequest shows the form with what was typed.
func (s *site) renderRequest(w http.ResponseWriter, r *http.Request, status int, p requestPage) {
	list, err := s.records.ReadRooms(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "list the rooms", err)
		return
	}
	for i := range list.Rooms {
		p.Rooms = append(p.Rooms, list.Rooms[i].Name)
	}
	if p.Room == "" {
		p.Room = s.usualRoom(r, p.Rooms)
	}
	if p.Date == "" && status == http.StatusOK {
		p.Date = s.records.Now().In(list.Zone(p.Room)).Format(time.DateOnly)
	}
	if p.Token == "" || len(p.Token) > maxToken {
		p.Token = rand.Text()
	}
	if room := list.ByName[p.Room]; room != nil && records.CheckDate(p.Date) == "" {
		if p.Day, err = s.day(r.Context(), s.words.Language(r), room, p.Date); err != nil {
			s.log.ErrorContext(r.Context(), "could not show a day", "room", p.Room, "err", err) // the form works without
		}
	}
	title := s.words.T(s.words.Language(r), "request.title")
	s.render(w, r, status, "request", shown{Title: title, Nav: "request", User: s.user(r), Body: &p})
}

const maxToken = 64

// usualRoom is the room that the person asked for last, else the first.
func (s *site) usualRoom(r *http.Request, rooms []string) string {
	if last, _, err := s.records.Store.Records.List(r.Context(), store.Filter{UserEmail: auth.CallerOf(r).Email}, 0, 1); err == nil && len(last) > 0 {
		return last[0].Room
	}
	if len(rooms) > 0 {
		return rooms[0]
	}
	return ""
}

// postRequest is POST /: a record, or the form again with what is wrong.
func (s *site) postRequest(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.sayPage(w, r, statusOfForm(err), "")
		return
	}
	form := r.PostForm
	field := func(name string) string { return strings.TrimSpace(strings.ToValidUTF8(form.Get(name), "")) }
	a := records.Request{Room: form.Get("room"), Date: field("date"), Start: field("start"), End: field("end"), Title: field("title"), Email: auth.CallerOf(r).Email}
	p := requestPage{Room: a.Room, Date: a.Date, Start: a.Start, End: a.End, Title: a.Title, Token: form.Get("token")}
	list, err := s.records.ReadRooms(r.Context())
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "list the rooms", err)
		return
	}
	language := s.words.Language(r)
	var wrongs []records.FieldError
	if list.ByName[a.Room] == nil {
		wrongs = append(wrongs, records.FieldError{Field: "room", Code: "room"})
	}
	wrongs = append(wrongs, records.Check(a, list.Zone(a.Room))...)
	for _, each := range wrongs {
		p.Errors = append(p.Errors, fieldText{each.Field, s.words.T(language, "wrong."+each.Code)})
	}
	if len(wrongs) > 0 {
		s.renderRequest(w, r, http.StatusUnprocessableEntity, p)
		return
	}
	if _, _, err := s.records.Store.Requests.Insert(r.Context(), a.Record(), onceOf(r, a, p.Token)); err != nil {
		s.log.ErrorContext(r.Context(), "could not file a request", "err", err)
		p.Errors = []fieldText{{"room", s.words.T(language, "request.broken")}}
		s.renderRequest(w, r, http.StatusServiceUnavailable, p)
		return
	}
	http.Redirect(w, r, "/recordings?sent=1", http.StatusSeeOther)
}

// onceOf makes a form that was sent twice one request. Another content is another request, though the
// browser's way back brought the same form; and a program without a token means what it says each time.
func onceOf(r *http.Request, a records.Request, token string) *store.IdempotencyKey {
	if token == "" || len(token) > maxToken {
		return nil
	}
	content := url.Values{"token": {token}, "room": {a.Room}, "date": {a.Date}, "start": {a.Start}, "end": {a.End}, "title": {a.Title}}.Encode()
	return &store.IdempotencyKey{Owner: auth.CallerOf(r).ID, Key: content}
}

// statusOfForm is the answer to a form that cannot be read.
func statusOfForm(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// hours writes a record's hours.
func hours(r *nvr.Record) string { return r.StartTime + "–" + r.EndTime }
