package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxScanned   = 5000 // rows that one page may look through for a state that only the clock decides
	maxKey       = 255  // characters of an Idempotency-Key
)

// ownRecord reads a record that the caller may see; another's is answered as if it were not there.
func (s *site) ownRecord(w http.ResponseWriter, r *http.Request, id int64, say sayFunc) (nvr.Record, bool) {
	record, err := s.Store.Records.Get(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !callerOf(r).owns(&record):
		say(w, r, http.StatusNotFound, "there is no such record")
	case err != nil:
		s.serverError(w, r, say, "read a record", err)
	default:
		return record, true
	}
	return nvr.Record{}, false
}

func (s *site) v1Record(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	v, err := s.view(r.Context(), &record)
	if err != nil {
		s.serverError(w, r, writeProblem, "read a record's room", err)
		return
	}
	s.writeTagged(w, r, jsonType, encode(v))
}

// v1Create is POST /records.
func (s *site) v1Create(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	switch {
	case errors.Is(err, errTooLarge):
		writeProblem(w, r, http.StatusRequestEntityTooLarge, err.Error())
		return
	case err != nil:
		writeProblem(w, r, http.StatusBadRequest, "the body did not arrive")
		return
	}
	once, ok := s.once(w, r, body)
	if !ok {
		return
	}
	a, wrongs, err := s.readNew(r, body)
	if err != nil {
		s.serverError(w, r, writeProblem, "look up a room", err)
		return
	}
	if len(wrongs) > 0 {
		status, detail := http.StatusBadRequest, "the request does not fit: "+wrongs[0].Field+" "+wrongs[0].Detail
		if wrongs[0].Detail == forbiddenRoom {
			status = http.StatusForbidden
		}
		sayFields(w, r, status, detail, wrongs)
		return
	}
	record, created, err := s.Store.Requests.Insert(r.Context(), a.record(), once)
	switch {
	case errors.Is(err, store.ErrConflict):
		sayFields(w, r, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request",
			[]fieldWords{{"Idempotency-Key", "was used for another request"}})
		return
	case err != nil:
		s.serverError(w, r, writeProblem, "file a request", err)
		return
	}
	if !created {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Header().Set("Location", v1Path+"/records/"+strconv.FormatInt(record.ID, 10))
	s.answerRecord(w, r, http.StatusCreated, &record)
}

// once reads the Idempotency-Key.
func (s *site) once(w http.ResponseWriter, r *http.Request, body []byte) (once *store.IdempotencyKey, ok bool) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, true
	}
	if key := values[0]; len(values) > 1 || key == "" || utf8.RuneCountInString(key) > maxKey || !utf8.ValidString(key) {
		sayFields(w, r, http.StatusBadRequest, "the Idempotency-Key does not fit", []fieldWords{{"Idempotency-Key", "must be one value of 1 to 255 characters"}})
		return nil, false
	}
	return &store.IdempotencyKey{Owner: callerOf(r).id, Key: values[0], Body: body}, true
}

const forbiddenRoom = "is not one that this key may ask for"

// readNew reads the body of POST /records and says, field by field, what is wrong with it.
func (s *site) readNew(r *http.Request, body []byte) (recordRequest, []fieldWords, error) {
	c := callerOf(r)
	a := recordRequest{Email: c.email}
	fields, ok := readObject(body)
	if !ok {
		return a, []fieldWords{{"body", "is no JSON object"}}, nil
	}
	var wrongs []fieldWords
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
			wrongs = append(wrongs, fieldWords{field.name, "is missing"})
		case json.Unmarshal(raw, field.into) != nil:
			wrongs = append(wrongs, fieldWords{field.name, "must be a string"})
		case *field.into == "" && !field.optional:
			wrongs = append(wrongs, fieldWords{field.name, "is empty"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		wrongs = append(wrongs, fieldWords{name, "is not known here"})
	}
	if len(wrongs) > 0 {
		return a, wrongs, nil
	}
	return s.checkNew(r, a, start, end)
}

// checkNew puts the instants into room time and checks the whole.
func (s *site) checkNew(r *http.Request, a recordRequest, start, end string) (recordRequest, []fieldWords, error) {
	room, ok, err := s.room(r, a.Room)
	switch {
	case err != nil:
		return a, nil, err
	case !ok:
		return a, []fieldWords{{"room", "is unknown"}}, nil
	case !callerOf(r).mayUse(a.Room):
		return a, []fieldWords{{"room", forbiddenRoom}}, nil
	}
	var wrongs []fieldWords
	var endDate, detail string
	if a.Date, a.Start, detail = roomTime(start, room.Zone); detail != "" {
		wrongs = append(wrongs, fieldWords{"start", detail})
	}
	if endDate, a.End, detail = roomTime(end, room.Zone); detail != "" {
		wrongs = append(wrongs, fieldWords{"end", detail})
	}
	if len(wrongs) > 0 {
		return a, wrongs, nil
	}
	if endDate > a.Date {
		return a, []fieldWords{{"end", "must lie on the same day as start, by the clock of the room (" + room.Zone.String() + ")"}}, nil
	}
	if endDate < a.Date {
		return a, []fieldWords{{"end", s.words.T("en", "wrong.end-not-after")}}, nil
	}
	for _, w := range checkAsked(a, room.Zone) {
		wrongs = append(wrongs, fieldWords{w.Field, s.words.T("en", "wrong."+w.Code)})
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

func (s *site) v1Cancel(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	s.v1Decide(w, r, record.ID, "a finished record cannot be withdrawn", func(ctx context.Context) error {
		return s.Store.Requests.Withdraw(ctx, record.ID, withdrawnBy(callerOf(r).email))
	})
}

func (s *site) v1Retry(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	s.v1Decide(w, r, record.ID, "only a failed or withdrawn record can be run again", func(ctx context.Context) error {
		return s.Store.Requests.Retry(ctx, record.ID)
	})
}

// withdrawnBy is the reason of a record that a person withdrew.
func withdrawnBy(email string) nvr.Reason {
	return nvr.Reason{En: "Withdrawn by " + email + ".", Ru: "Отозвано: " + email + "."}
}

func (s *site) v1Decide(w http.ResponseWriter, r *http.Request, id int64, conflict string, do func(context.Context) error) {
	err := do(r.Context())
	if errors.Is(err, store.ErrConflict) {
		writeProblem(w, r, http.StatusConflict, conflict)
		return
	}
	var record nvr.Record
	if err == nil {
		record, err = s.Store.Records.Get(r.Context(), id)
	}
	if err != nil {
		s.serverError(w, r, writeProblem, "change a record", err)
		return
	}
	s.answerRecord(w, r, http.StatusOK, &record)
}

func (s *site) answerRecord(w http.ResponseWriter, r *http.Request, status int, record *nvr.Record) {
	v, err := s.view(r.Context(), record)
	if err != nil {
		s.serverError(w, r, writeProblem, "read a record's room", err)
		return
	}
	writeJSON(w, status, v)
}

func (s *site) v1Report(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	var body []byte
	var err error
	if s.Report != nil {
		body, err = s.Report(r.Context(), record)
	}
	switch {
	case err != nil:
		s.log.ErrorContext(r.Context(), "could not read a report", "record", record.ID, "err", err)
		writeProblem(w, r, http.StatusServiceUnavailable, "the report cannot be read at the moment")
	case len(body) == 0:
		writeProblem(w, r, http.StatusNotFound, "there is no report of this record yet")
	default:
		s.writeTagged(w, r, jsonType, body)
	}
}

// v1Records is GET /records.
func (s *site) v1Records(w http.ResponseWriter, r *http.Request) {
	q, wrongs := readQuery(r.URL.Query())
	if len(wrongs) > 0 {
		sayFields(w, r, http.StatusBadRequest, "the query does not fit: "+wrongs[0].Field+" "+wrongs[0].Detail, wrongs)
		return
	}
	q.filter.UserEmail = callerOf(r).email
	views, next, err := s.list(r.Context(), q.filter, q.before, q.limit, func(v *recordView) bool {
		return callerOf(r).mayUse(v.Room) && (q.state == "" || v.State == q.state)
	})
	if err != nil {
		s.serverError(w, r, writeProblem, "list records", err)
		return
	}
	if next != nil {
		query := r.URL.Query()
		query.Set("cursor", *next)
		w.Header().Set("Link", "<"+v1Path+"/records?"+query.Encode()+`>; rel="next"`)
	}
	s.writeTagged(w, r, jsonType, encode(recordList{views, next}))
}

// recordList is the answer of v1Records.
type recordList struct {
	Records []recordView `json:"records"`
	Next    *string      `json:"next"`
}

// list gives the first records of a filter that pass, and the cursor of the next page.
func (s *site) list(ctx context.Context, filter store.Filter, before int64, limit int, pass func(*recordView) bool) (views []recordView, next *string, err error) {
	views = []recordView{}
	for scanned := 0; ; {
		records, more, err := s.Store.Records.List(ctx, filter, before, limit)
		if err != nil {
			return nil, nil, err
		}
		zones, err := s.zones(ctx, records...)
		if err != nil {
			return nil, nil, err
		}
		for i := range records {
			if len(views) == limit {
				return views, text(formatCursor(before)), nil
			}
			v := view(&records[i], zones.of(records[i].Room), s.Now())
			before = records[i].ID
			if pass(&v) {
				views = append(views, v)
			}
		}
		scanned += len(records)
		if more == 0 {
			return views, nil, nil
		}
		if len(views) == limit || scanned > maxScanned {
			return views, text(formatCursor(before)), nil
		}
	}
}

// formatCursor and readCursor make a row's number into what clients hand back without reading it.
func formatCursor(before int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("before " + strconv.FormatInt(before, 10)))
}

func readCursor(cursor string) (before int64, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	number, ok := strings.CutPrefix(string(raw), "before ")
	if err != nil || !ok {
		return 0, false
	}
	before, err = strconv.ParseInt(number, 10, 64)
	return before, err == nil && before > 0 && formatCursor(before) == cursor
}

// listQuery is the query of GET /records.
type listQuery struct {
	filter store.Filter
	state  State
	before int64
	limit  int
}

func readQuery(query url.Values) (q listQuery, wrongs []fieldWords) {
	q.limit = defaultLimit
	add := func(field, detail string) { wrongs = append(wrongs, fieldWords{field, detail}) }
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
			if q.before, ok = readCursor(value); !ok {
				add(name, "is not one that a page before gave")
			}
		case "room":
			if q.filter.Room = value; value == "" || !utf8.ValidString(value) {
				add(name, "must be the name of a room")
			}
		case "date":
			if q.filter.From, q.filter.To = value, value; checkDate(value) != "" {
				add(name, "must be a day, like 2026-11-20")
			}
		case "state":
			q.state = State(value)
			if q.filter.Steps = stepsOf(q.state); q.filter.Steps == nil {
				add(name, "must be one of waiting, queued, merging, uploading, linking, done, failed, withdrawn")
			}
		}
	}
	return q, wrongs
}

// stepsOf are the steps on which a record can be in a state; nil if it is none.
func stepsOf(state State) []nvr.Step {
	switch state {
	case Waiting:
		return []nvr.Step{nvr.StepStage}
	case Queued: // also what a person reset
		return []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink, nvr.StepDone}
	case Merging:
		return []nvr.Step{nvr.StepMerge}
	case Uploading:
		return []nvr.Step{nvr.StepUpload}
	case Linking:
		return []nvr.Step{nvr.StepLink}
	case Done:
		return []nvr.Step{nvr.StepDone}
	case Failed:
		return []nvr.Step{nvr.StepFailed}
	case Withdrawn:
		return []nvr.Step{nvr.StepWithdrawn}
	}
	return nil
}
