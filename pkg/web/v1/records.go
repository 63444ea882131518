package v1

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxKey       = 255 // characters of an Idempotency-Key
)

func (s *API) v1Record(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	v, err := s.records.View(r.Context(), &record)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "read a record's room", err)
		return
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(v))
}

// v1Create is POST /records.
func (s *API) v1Create(w http.ResponseWriter, r *http.Request) {
	body, err := httpapi.ReadBody(r)
	switch {
	case errors.Is(err, httpapi.ErrTooLarge):
		httpapi.WriteProblem(w, r, http.StatusRequestEntityTooLarge, err.Error())
		return
	case err != nil:
		httpapi.WriteProblem(w, r, http.StatusBadRequest, "the body did not arrive")
		return
	}
	once, ok := s.once(w, r, body)
	if !ok {
		return
	}
	a, wrongs, err := s.readNew(r, body)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "look up a room", err)
		return
	}
	if len(wrongs) > 0 {
		status, detail := http.StatusBadRequest, "the request does not fit: "+wrongs[0].Field+" "+wrongs[0].Detail
		if wrongs[0].Detail == forbiddenRoom {
			status = http.StatusForbidden
		}
		httpapi.WriteFieldErrors(w, r, status, detail, wrongs)
		return
	}
	record, created, err := s.records.Store.Requests.Insert(r.Context(), a.Record(), once)
	switch {
	case errors.Is(err, store.ErrConflict):
		httpapi.WriteFieldErrors(w, r, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request",
			[]httpapi.FieldDetail{{Field: "Idempotency-Key", Detail: "was used for another request"}})
		return
	case err != nil:
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "file a request", err)
		return
	}
	if !created {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Header().Set("Location", Path+"/records/"+strconv.FormatInt(record.ID, 10))
	s.answerRecord(w, r, http.StatusCreated, &record)
}

// once reads the Idempotency-Key.
func (s *API) once(w http.ResponseWriter, r *http.Request, body []byte) (once *store.IdempotencyKey, ok bool) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, true
	}
	if key := values[0]; len(values) > 1 || key == "" || utf8.RuneCountInString(key) > maxKey || !utf8.ValidString(key) {
		httpapi.WriteFieldErrors(w, r, http.StatusBadRequest, "the Idempotency-Key does not fit", []httpapi.FieldDetail{{Field: "Idempotency-Key", Detail: "must be one value of 1 to 255 characters"}})
		return nil, false
	}
	return &store.IdempotencyKey{Owner: auth.CallerOf(r).ID, Key: values[0], Body: body}, true
}

const forbiddenRoom = "is not one that this key may ask for"

// readNew reads the body of POST /records and says, field by field, what is wrong with it.
func (s *API) readNew(r *http.Request, body []byte) (records.Request, []httpapi.FieldDetail, error) {
	c := auth.CallerOf(r)
	a := records.Request{Email: c.Email}
	fields, ok := httpapi.ReadObject(body)
	if !ok {
		return a, []httpapi.FieldDetail{{Field: "body", Detail: "is no JSON object"}}, nil
	}
	var wrongs []httpapi.FieldDetail
	var start, end string
	for _, field := range []struct {
		name     string
		into     *string
		optional bool
	}{{"room", &a.Room, false}, {"title", &a.Title, true}, {"start", &start, false}, {"end", &end, false}} {
		raw, there := fields[field.name]
		delete(fields, field.name)
		switch {
		case (!there || string(raw) == "null") && field.optional:
		case !there || string(raw) == "null":
			wrongs = append(wrongs, httpapi.FieldDetail{Field: field.name, Detail: "is missing"})
		case json.Unmarshal(raw, field.into) != nil:
			wrongs = append(wrongs, httpapi.FieldDetail{Field: field.name, Detail: "must be a string"})
		case *field.into == "" && !field.optional:
			wrongs = append(wrongs, httpapi.FieldDetail{Field: field.name, Detail: "is empty"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		wrongs = append(wrongs, httpapi.FieldDetail{Field: name, Detail: "is not known here"})
	}
	if len(wrongs) > 0 {
		return a, wrongs, nil
	}
	return s.checkNew(r, a, start, end)
}

// checkNew puts the instants into room time and checks the whole.
func (s *API) checkNew(r *http.Request, a records.Request, start, end string) (records.Request, []httpapi.FieldDetail, error) {
	room, ok, err := s.records.Room(r.Context(), a.Room)
	switch {
	case err != nil:
		return a, nil, err
	case !ok:
		return a, []httpapi.FieldDetail{{Field: "room", Detail: "is unknown"}}, nil
	case !auth.CallerOf(r).MayUse(a.Room):
		return a, []httpapi.FieldDetail{{Field: "room", Detail: forbiddenRoom}}, nil
	}
	var wrongs []httpapi.FieldDetail
	var endDate, detail string
	if a.Date, a.Start, detail = roomTime(start, room.Zone); detail != "" {
		wrongs = append(wrongs, httpapi.FieldDetail{Field: "start", Detail: detail})
	}
	if endDate, a.End, detail = roomTime(end, room.Zone); detail != "" {
		wrongs = append(wrongs, httpapi.FieldDetail{Field: "end", Detail: detail})
	}
	if len(wrongs) > 0 {
		return a, wrongs, nil
	}
	if endDate > a.Date {
		return a, []httpapi.FieldDetail{{Field: "end", Detail: "must lie on the same day as start, by the clock of the room (" + room.Zone.String() + ")"}}, nil
	}
	if endDate < a.Date {
		return a, []httpapi.FieldDetail{{Field: "end", Detail: s.words.T("en", "wrong.end-not-after")}}, nil
	}
	for _, w := range records.Check(a, room.Zone) {
		wrongs = append(wrongs, httpapi.FieldDetail{Field: w.Field, Detail: s.words.T("en", "wrong."+w.Code)})
	}
	return a, wrongs, nil
}

// roomTime reads an instant as the date and the minute of a room; detail says why a row cannot hold it.
func roomTime(instant string, zone *time.Location) (date, clock, detail string) {
	at, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		return "", "", "must be a time with an offset, like 2026-11-20T15:10:00+03:00"
	}
	if !at.Equal(at.Truncate(time.Minute)) {
		return "", "", "must be a whole minute"
	}
	at = at.In(zone)
	date, clock = at.Format(time.DateOnly), at.Format("15:04")
	if named, err := nvr.Wall(date, clock, zone); err != nil || !named.Equal(at) {
		return "", "", "lies in the hour that the clock of the room repeats; its second pass is not recorded"
	}
	return date, clock, ""
}

func (s *API) v1Cancel(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	s.v1Decide(w, r, record.ID, "a finished record cannot be withdrawn", func(ctx context.Context) error {
		return s.records.Store.Requests.Withdraw(ctx, record.ID, records.WithdrawnBy(auth.CallerOf(r).Email))
	})
}

func (s *API) v1Retry(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	s.v1Decide(w, r, record.ID, "only a failed or withdrawn record can be run again", func(ctx context.Context) error {
		return s.records.Store.Requests.Retry(ctx, record.ID)
	})
}

func (s *API) v1Decide(w http.ResponseWriter, r *http.Request, id int64, conflict string, do func(context.Context) error) {
	err := do(r.Context())
	if errors.Is(err, store.ErrConflict) {
		httpapi.WriteProblem(w, r, http.StatusConflict, conflict)
		return
	}
	var record nvr.Record
	if err == nil {
		record, err = s.records.Store.Records.Get(r.Context(), id)
	}
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "change a record", err)
		return
	}
	s.answerRecord(w, r, http.StatusOK, &record)
}

func (s *API) answerRecord(w http.ResponseWriter, r *http.Request, status int, record *nvr.Record) {
	v, err := s.records.View(r.Context(), record)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "read a record's room", err)
		return
	}
	httpapi.WriteJSON(w, status, v)
}

func (s *API) v1Report(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	var body []byte
	var err error
	if s.Report != nil {
		body, err = s.Report(r.Context(), record)
	}
	switch {
	case err != nil:
		s.log.ErrorContext(r.Context(), "could not read a report", "record", record.ID, "err", err)
		httpapi.WriteProblem(w, r, http.StatusServiceUnavailable, "the report cannot be read at the moment")
	case len(body) == 0:
		httpapi.WriteProblem(w, r, http.StatusNotFound, "there is no report of this record yet")
	default:
		httpapi.WriteTagged(w, r, httpapi.JSONType, body)
	}
}

// v1Records is GET /records.
func (s *API) v1Records(w http.ResponseWriter, r *http.Request) {
	q, wrongs := readQuery(r.URL.Query())
	if len(wrongs) > 0 {
		httpapi.WriteFieldErrors(w, r, http.StatusBadRequest, "the query does not fit: "+wrongs[0].Field+" "+wrongs[0].Detail, wrongs)
		return
	}
	q.filter.UserEmail = auth.CallerOf(r).Email
	views, next, err := s.records.List(r.Context(), q.filter, q.before, q.limit, func(v *records.View) bool {
		return auth.CallerOf(r).MayUse(v.Room) && (q.state == "" || v.State == q.state)
	})
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "list records", err)
		return
	}
	if next != nil {
		query := r.URL.Query()
		query.Set("cursor", *next)
		w.Header().Set("Link", "<"+Path+"/records?"+query.Encode()+`>; rel="next"`)
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(recordList{views, next}))
}

// recordList is the answer of v1Records.
type recordList struct {
	Records []records.View `json:"records"`
	Next    *string        `json:"next"`
}

// listQuery is the query of GET /records.
type listQuery struct {
	filter store.Filter
	state  records.State
	before int64
	limit  int
}

func readQuery(query url.Values) (q listQuery, wrongs []httpapi.FieldDetail) {
	q.limit = defaultLimit
	add := func(field, detail string) { wrongs = append(wrongs, httpapi.FieldDetail{Field: field, Detail: detail}) }
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value := query.Get(name)
		var ok bool
		switch name {
		case "limit":
			var err error
			if q.limit, err = strconv.Atoi(value); err != nil || q.limit < 1 || q.limit > maxLimit {
				add(name, "must be a number from 1 to 200")
			}
		case "cursor":
			if q.before, ok = records.ReadCursor(value); !ok {
				add(name, "is not one that a page before gave")
			}
		case "room":
			if q.filter.Room = value; value == "" || !utf8.ValidString(value) {
				add(name, "must be the name of a room")
			}
		case "date":
			if q.filter.From, q.filter.To = value, value; records.CheckDate(value) != "" {
				add(name, "must be a day, like 2026-11-20")
			}
		case "state":
			q.state = records.State(value)
			if q.filter.Steps = stepsOf(q.state); q.filter.Steps == nil {
				add(name, "must be one of waiting, queued, merging, uploading, linking, done, failed, withdrawn")
			}
		}
	}
	return q, wrongs
}

// stepsOf are the steps on which a record can be in a state; nil if it is none.
func stepsOf(state records.State) []nvr.Step {
	switch state {
	case records.Waiting:
		return []nvr.Step{nvr.StepStage}
	case records.Queued: // also what a person reset
		return []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink, nvr.StepDone}
	case records.Merging:
		return []nvr.Step{nvr.StepMerge}
	case records.Uploading:
		return []nvr.Step{nvr.StepUpload}
	case records.Linking:
		return []nvr.Step{nvr.StepLink}
	case records.Done:
		return []nvr.Step{nvr.StepDone}
	case records.Failed:
		return []nvr.Step{nvr.StepFailed}
	case records.Withdrawn:
		return []nvr.Step{nvr.StepWithdrawn}
	}
	return nil
}
