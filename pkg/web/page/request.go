package page

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// maxToken is the length of the longest accepted token, in bytes.
const maxToken = 64

// requestPage is the form at /.
type requestPage struct {
	Token  string // makes a double click one request
	Rooms  []string
	Room   string
	Date   string
	Start  string
	End    string
	Title  string
	Errors []fieldText
	Day    *dayView // nil: no room, or no valid date

	Unknown  bool // the room of the address does not exist
	Cautions []records.Caution
	Events   []records.Event
}

// fieldText is what is wrong with a field, in the reader's language.
type fieldText struct{ Field, Text string }

// fieldTexts returns errors in the reader's language.
func fieldTexts(l *i18n.Localizer, found []records.FieldError) []fieldText {
	var texts []fieldText
	for _, each := range found {
		texts = append(texts, fieldText{Field: each.Field, Text: each.Text(l)})
	}
	return texts
}

// Error returns what is wrong with one field. It is empty if nothing is.
func (p *requestPage) Error(field string) string {
	return errorOf(p.Errors, field)
}

// errorOf returns the text of a field's error. It is empty if there is none.
func errorOf(errors []fieldText, field string) string {
	for _, e := range errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// showRequest is GET /: the form, filled in from the query.
func (s *site) showRequest(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.renderRequest(w, r, http.StatusOK, requestPage{
		Room:  query.Get("room"),
		Date:  query.Get("date"),
		Start: query.Get("start"),
		End:   query.Get("end"),
		Title: query.Get("title"),
		Token: query.Get("token"),
	})
}

// renderRequest answers with the form. It fills in what is missing: a room, today, a token and the
// drawn day.
func (s *site) renderRequest(w http.ResponseWriter, r *http.Request, status int, p requestPage) {
	list, err := s.Records.ReadRooms(r.Context())
	if err != nil {
		s.serverError(w, r, "list the rooms", err)
		return
	}
	for i := range list.Rooms {
		p.Rooms = append(p.Rooms, list.Rooms[i].Name)
	}
	if p.Room == "" {
		p.Room = s.usualRoom(r, p.Rooms)
	}
	if p.Date == "" && status == http.StatusOK {
		p.Date = s.Records.Now().In(list.Zone(p.Room)).Format(time.DateOnly)
	}
	if p.Token == "" || len(p.Token) > maxToken {
		p.Token = rand.Text()
	}
	room := list.Find(p.Room)
	p.Unknown = room == nil && p.Room != "" && status == http.StatusOK
	l := s.localizer(r)
	if room != nil && records.CheckDate(p.Date) == "" {
		if err := s.showDay(r, l, room, &p); err != nil { // the form works without the drawn day
			s.Log.ErrorContext(r.Context(), "could not show a day", "room", p.Room, "err", err)
		}
	}
	s.render(w, r, status, "request", frame{
		Title: l.T("page.request.title"),
		Nav:   "request",
		Form:  "ask",
		Body:  &p,
	})
}

// showDay fills in what the form says about a room's day: the footage, the events, and cautions about the
// chosen hours.
func (s *site) showDay(r *http.Request, l *i18n.Localizer, room *nvr.Room, p *requestPage) (err error) {
	ctx, caller := r.Context(), auth.CallerOf(r)
	day, err := s.Records.Day(ctx, room, p.Date)
	if err != nil {
		return err
	}
	p.Events, err = s.Records.Events(ctx, caller, room, &day)
	if err != nil {
		return err
	}
	p.Day = s.day(l, room, &day, p.Events)
	if len(p.Errors) > 0 {
		return nil
	}
	p.Cautions, err = s.Records.Cautions(ctx, caller, records.Request{
		Room:  p.Room,
		Date:  p.Date,
		Start: p.Start,
		End:   p.End,
		Email: caller.Email,
	}, room, &day)
	return err
}

// usualRoom returns the room of the person's last request, else the first one.
func (s *site) usualRoom(r *http.Request, rooms []string) string {
	own := store.Filter{UserEmail: auth.CallerOf(r).Email}
	last, _, err := s.Records.Store.Records.List(r.Context(), own, 0, 1)
	if err == nil && len(last) > 0 {
		return last[0].Room
	}
	if len(rooms) > 0 {
		return rooms[0]
	}
	return ""
}

// postRequest is POST /. It stores a record, or shows the form again with what is wrong.
func (s *site) postRequest(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.failPage(w, r, httpapi.FormStatus(err), "")
		return
	}
	request := readForm(r)
	p := requestPage{
		Room:  request.Room,
		Date:  request.Date,
		Start: request.Start,
		End:   request.End,
		Title: request.Title,
		Token: r.PostForm.Get("token"),
	}
	list, err := s.Records.ReadRooms(r.Context())
	if err != nil {
		s.serverError(w, r, "list the rooms", err)
		return
	}
	status, found, err := s.checkRequest(r, request, list)
	if err != nil {
		s.serverError(w, r, "read the opt-outs", err)
		return
	}
	l := s.localizer(r)
	if len(found) > 0 {
		p.Errors = fieldTexts(l, found)
		s.renderRequest(w, r, status, p)
		return
	}
	_, _, err = s.Records.Insert(r.Context(), auth.CallerOf(r), request, onceOf(r, request, p.Token))
	if errors.Is(err, store.ErrQuota) {
		p.Errors = fieldTexts(l, []records.FieldError{{Field: "room", Code: "quota"}})
		s.renderRequest(w, r, http.StatusTooManyRequests, p)
		return
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "could not store a request", "err", err)
		p.Errors = []fieldText{{Field: "room", Text: l.T("page.request.broken")}}
		s.renderRequest(w, r, http.StatusServiceUnavailable, p)
		return
	}
	http.Redirect(w, r, "/recordings?sent=1", http.StatusSeeOther)
}

// checkRequest returns what is wrong with a request, and the status of the answer.
func (s *site) checkRequest(
	r *http.Request, request records.Request, list *records.RoomList,
) (status int, found []records.FieldError, err error) {
	status = http.StatusUnprocessableEntity
	room := list.Find(request.Room)
	if room == nil {
		found = append(found, records.FieldError{Field: "room", Code: "room"})
	}
	found = append(found, records.Check(request, list.Zone(request.Room), s.Records.Now())...)
	if len(found) > 0 {
		return status, found, nil
	}
	denial, err := s.Records.CheckAllowed(r.Context(), auth.CallerOf(r), request, room)
	if denial.Forbidden {
		status = http.StatusForbidden
	}
	if denial.Code != "" {
		found = append(found, denial.FieldError)
	}
	return status, found, err
}

// readForm returns the request that the parsed form holds. The button of an event gives its hours and title.
func readForm(r *http.Request) records.Request {
	request := records.Request{
		Room:  r.PostForm.Get("room"),
		Date:  formText(r, "date"),
		Start: formText(r, "start"),
		End:   formText(r, "end"),
		Title: formText(r, "title"),
		Email: auth.CallerOf(r).Email,
	}
	if event := strings.SplitN(formText(r, "event"), " ", 3); len(event) >= 2 {
		request.Start, request.End, request.Title = event[0], event[1], strings.Join(event[2:], "")
	}
	return request
}

// formText returns a field of the parsed form without surrounding space and bytes that are not
// UTF-8.
func formText(r *http.Request, name string) string {
	return strings.TrimSpace(strings.ToValidUTF8(r.PostForm.Get(name), ""))
}

// onceOf returns what makes a form that was sent twice one request. The content is part of it,
// since going back in the browser shows the same token. A program that sends no token means each
// request.
func onceOf(r *http.Request, request records.Request, token string) *store.IdempotencyKey {
	if token == "" || len(token) > maxToken {
		return nil
	}
	content := url.Values{
		"token": {token},
		"room":  {request.Room},
		"date":  {request.Date},
		"start": {request.Start},
		"end":   {request.End},
		"title": {request.Title},
	}
	return &store.IdempotencyKey{Owner: auth.CallerOf(r).ID, Key: content.Encode()}
}
