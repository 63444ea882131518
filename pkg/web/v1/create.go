package v1

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
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
	maxKey    = 255 // characters of an Idempotency-Key
	maxErrors = 20  // errors that one answer names
)

// refusal is why a new request is not accepted: a status and the fields at fault. Nil means that
// it is accepted.
type refusal struct {
	status int
	fields []httpapi.FieldDetail
	denied bool // the request is valid
}

// refuse returns a refusal with status 400 that names at most [maxErrors] fields.
func refuse(fields ...httpapi.FieldDetail) *refusal {
	return &refusal{
		status: http.StatusBadRequest,
		fields: fields[:min(len(fields), maxErrors)],
	}
}

// refuseField is [refuse] for one field.
func refuseField(field, detail string) *refusal {
	return refuse(httpapi.FieldDetail{Field: field, Detail: detail})
}

// createRecord is POST /records.
func (a *api) createRecord(w http.ResponseWriter, r *http.Request) {
	body, ok := httpapi.ReadBodyOrFail(w, r, httpapi.WriteProblem)
	if !ok {
		return
	}
	once, refused := readIdempotencyKey(r, body)
	if refused != nil {
		httpapi.WriteFieldErrors(
			w,
			refused.status,
			"the Idempotency-Key is invalid",
			refused.fields...,
		)
		return
	}
	request, refused, err := a.readRequest(r, body)
	if err != nil {
		a.serverError(w, r, "look up a room", err)
		return
	}
	if refused != nil {
		first := refused.fields[0]
		detail := "the request is invalid: " + first.Field + " " + first.Detail
		if refused.denied {
			detail = first.Detail
		}
		httpapi.WriteFieldErrors(w, refused.status, detail, refused.fields...)
		return
	}
	record, created, err := a.Records.Insert(r.Context(), auth.CallerOf(r), request, once)
	if errors.Is(err, store.ErrQuota) {
		httpapi.WriteProblem(w, r, http.StatusTooManyRequests, records.QuotaDetail)
		return
	}
	if errors.Is(err, store.ErrConflict) {
		httpapi.WriteFieldErrors(w, http.StatusUnprocessableEntity,
			"this Idempotency-Key was used for another request",
			httpapi.FieldDetail{Field: "Idempotency-Key", Detail: "was used for another request"})
		return
	}
	if err != nil {
		a.serverError(w, r, "store a request", err)
		return
	}
	if !created {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Header().Set("Location", Path+"/records/"+strconv.FormatInt(record.ID, 10))
	a.answerRecord(w, r, http.StatusCreated, &record)
}

// readIdempotencyKey returns what makes a repeated request one record. It is nil if the client
// sent no key.
func readIdempotencyKey(r *http.Request, body []byte) (*store.IdempotencyKey, *refusal) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	length := utf8.RuneCountInString(key)
	if len(values) > 1 || length == 0 || length > maxKey || !utf8.ValidString(key) {
		return nil, refuseField("Idempotency-Key", "must be one value of 1 to 255 characters")
	}
	return &store.IdempotencyKey{
		Owner: auth.CallerOf(r).ID,
		Key:   key,
		Body:  body,
	}, nil
}

// readRequest reads and checks the body of POST /records.
func (a *api) readRequest(r *http.Request, body []byte) (records.Request, *refusal, error) {
	request := records.Request{Email: auth.CallerOf(r).Email}
	fields, ok := httpapi.ReadObject(body)
	if !ok {
		return request, refuseField("body", "is no JSON object"), nil
	}
	var start, end string
	var found []httpapi.FieldDetail
	for _, field := range []struct {
		name     string
		value    *string
		optional bool
	}{
		{"room", &request.Room, false},
		{"title", &request.Title, true},
		{"start", &start, false},
		{"end", &end, false},
	} {
		detail := readString(fields, field.name, field.value, field.optional)
		delete(fields, field.name)
		if detail != "" {
			found = append(found, httpapi.FieldDetail{Field: field.name, Detail: detail})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		found = append(found, httpapi.FieldDetail{Field: name, Detail: "is not a known field"})
	}
	if len(found) > 0 {
		return request, refuse(found...), nil
	}
	return a.checkRequest(r, request, start, end)
}

// readString reads a field of a JSON object into value. It returns what is wrong with the field,
// if anything.
func readString(fields map[string]json.RawMessage, name string, value *string, optional bool) string {
	raw, present := fields[name]
	missing := !present || string(raw) == "null"
	switch {
	case missing && optional:
		return ""
	case missing:
		return "is missing"
	case json.Unmarshal(raw, value) != nil:
		return "must be a string"
	case *value == "" && !optional:
		return "is empty"
	}
	return ""
}

// checkRequest converts the instants to the room's clock and checks the request.
func (a *api) checkRequest(
	r *http.Request,
	q records.Request,
	start, end string,
) (records.Request, *refusal, error) {
	if !auth.CallerOf(r).MayUse(q.Room) { // whether there is such a room
		outside := refuseField("room", "is outside of this key's scope")
		outside.status = http.StatusForbidden
		return q, outside, nil
	}
	room, ok, err := a.Records.Room(r.Context(), q.Room)
	switch {
	case err != nil:
		return q, nil, err
	case !ok:
		return q, refuseField("room", "is unknown"), nil
	}
	date, from, startDetail := roomTime(start, room.Zone)
	endDate, to, endDetail := roomTime(end, room.Zone)
	q.Date, q.Start, q.End = date, from, to
	var found []httpapi.FieldDetail
	if startDetail != "" {
		found = append(found, httpapi.FieldDetail{Field: "start", Detail: startDetail})
	}
	if endDetail != "" {
		found = append(found, httpapi.FieldDetail{Field: "end", Detail: endDetail})
	}
	if len(found) > 0 {
		return q, refuse(found...), nil
	}
	english := a.Records.Catalog.For("en")
	if endDate > date {
		detail := "must be on the same day as start, on the room's clock (" + room.Zone.String() + ")"
		return q, refuseField("end", detail), nil
	}
	if endDate < date {
		before := records.FieldError{Field: "end", Code: "end-not-after"}
		return q, refuseField("end", before.Text(english)), nil
	}
	for _, each := range records.Check(q, room.Zone, a.Records.Now()) {
		found = append(found, httpapi.FieldDetail{Field: each.Field, Detail: each.Text(english), Code: each.Code})
	}
	if len(found) > 0 {
		return q, refuse(found...), nil
	}
	denied, err := a.checkAllowed(r, q, &room)
	return q, denied, err
}

// checkAllowed returns why a valid request is not accepted.
func (a *api) checkAllowed(r *http.Request, q records.Request, room *nvr.Room) (*refusal, error) {
	denial, err := a.Records.CheckAllowed(r.Context(), auth.CallerOf(r), q, room)
	if err != nil || denial.Code == "" {
		return nil, err
	}
	refused := refuse(httpapi.FieldDetail{
		Field:  denial.Field,
		Detail: denial.Text(a.Records.Catalog.For("en")),
		Code:   denial.Code,
	})
	refused.denied = true
	if denial.Forbidden {
		refused.status = http.StatusForbidden
	}
	return refused, nil
}

// roomTime returns an instant (RFC 3339) as date and time of day on a room's clock. The detail is
// why a row cannot hold the instant, if it cannot.
func roomTime(instant string, zone *time.Location) (date, clock, detail string) {
	at, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		return "", "", badInstant
	}
	if !at.Equal(at.Truncate(time.Minute)) {
		return "", "", "must be a whole minute"
	}
	at = at.In(zone)
	date, clock = at.Format(time.DateOnly), at.Format("15:04")
	// A row holds no offset. When the clock is set back, an hour occurs twice, and a row means the
	// first one.
	named, err := nvr.Wall(date, clock, zone)
	if err != nil || !named.Equal(at) {
		return "", "", "is in the hour that the room's clock repeats; only its first pass can be requested"
	}
	return date, clock, ""
}
