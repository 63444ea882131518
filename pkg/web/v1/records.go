package v1

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Records on one page of GET /records.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// showRecord is GET /records/{id}.
func (a *api) showRecord(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	view, err := a.Records.Encode(r.Context(), &record)
	if err != nil {
		a.serverError(w, r, "read a record's room", err)
		return
	}
	httpapi.WriteTaggedAs(w, r, httpapi.JSONType, records.RequestTag(&record), view)
}

// cancel is POST /records/{id}/cancel. Cancelling a cancelled record changes nothing.
func (a *api) cancel(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	reason := records.WithdrawnBy(auth.CallerOf(r).Email)
	err := a.Records.Store.Requests.Withdraw(r.Context(), record.ID, reason)
	a.answerChange(w, r, http.StatusOK, record.ID, "a record whose video was delivered cannot be cancelled", err)
}

// retry is POST /records/{id}/retry.
func (a *api) retry(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	err := a.Records.Store.Requests.Retry(r.Context(), record.ID)
	a.answerChange(w, r, http.StatusOK, record.ID, "only a failed or cancelled record can be retried", err)
}

// takeBack is POST /records/{id}/takeback. Taking back what is taken back changes nothing.
func (a *api) takeBack(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	err := a.Records.Store.Requests.TakeBack(r.Context(), record.ID, auth.CallerOf(r).Operator)
	a.answerChange(w, r, http.StatusAccepted, record.ID, "this record has no video", err)
}

// post is POST /records/{id}/post.
func (a *api) post(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	err := a.Records.Store.Requests.Post(r.Context(), record.ID)
	a.answerChange(w, r, http.StatusAccepted, record.ID, "this record is not delivered, or it is held", err)
}

// release is POST /records/{id}/release. Releasing a record that is not held changes nothing.
func (a *api) release(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	err := a.Records.Store.Requests.Release(r.Context(), record.ID)
	a.answerChange(w, r, http.StatusAccepted, record.ID, "this record cannot be released", err)
}

// restore is POST /records/{id}/restore.
func (a *api) restore(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	err := a.Records.Store.Requests.Restore(r.Context(), record.ID, auth.CallerOf(r).Operator)
	a.answerChange(w, r, http.StatusAccepted, record.ID, "the video of this record is not taken back, or an operator took it back", err)
}

// answerChange answers with a record after a change, or with the error of the change. The conflict
// is the detail for [store.ErrConflict].
func (a *api) answerChange(
	w http.ResponseWriter, r *http.Request, status int, id int64, conflict string, err error,
) {
	if errors.Is(err, store.ErrConflict) {
		httpapi.WriteProblem(w, r, http.StatusConflict, conflict)
		return
	}
	var record nvr.Record
	if err == nil {
		record, err = a.Records.Store.Records.Get(r.Context(), id)
	}
	if err != nil {
		a.serverError(w, r, "change a record", err)
		return
	}
	a.answerRecord(w, r, status, &record)
}

// answerRecord answers with a record as it is now.
func (a *api) answerRecord(w http.ResponseWriter, r *http.Request, status int, record *nvr.Record) {
	view, err := a.Records.View(r.Context(), record)
	if err != nil {
		a.serverError(w, r, "read a record's room", err)
		return
	}
	httpapi.WriteJSON(w, status, view)
}

// showReport is GET /records/{id}/report.
func (a *api) showReport(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	if body, ok := a.readReport(w, r, record); ok {
		httpapi.WriteTagged(w, r, httpapi.JSONType, body)
	}
}

// showSlides is GET /records/{id}/slides: those of the report. Reports of former versions have none.
func (a *api) showSlides(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	body, ok := a.readReport(w, r, record)
	if !ok {
		return
	}
	var report struct {
		Slides []json.RawMessage `json:"slides"`
	}
	if err := json.Unmarshal(body, &report); err != nil {
		a.serverError(w, r, "read the slides of a report", err)
		return
	}
	if report.Slides == nil {
		report.Slides = []json.RawMessage{}
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(report.Slides))
}

// readReport reads the report of a record's merge. If there is none, it answers why and returns false.
func (a *api) readReport(w http.ResponseWriter, r *http.Request, record nvr.Record) (body []byte, ok bool) {
	var err error
	if a.Report != nil {
		body, err = a.Report(r.Context(), record)
	}
	switch {
	case err != nil:
		a.Log.ErrorContext(r.Context(), "could not read a report", "record", record.ID, "err", err)
		httpapi.WriteProblem(
			w,
			r,
			http.StatusServiceUnavailable,
			"the report cannot be read at the moment",
		)
	case len(body) == 0:
		httpapi.WriteProblem(w, r, http.StatusNotFound, "this record has no report yet")
	}
	return body, err == nil && len(body) > 0
}

// listRecords is GET /records.
func (a *api) listRecords(w http.ResponseWriter, r *http.Request) {
	caller := auth.CallerOf(r)
	query, found := readQuery(r.URL.Query())
	if len(found) > 0 {
		writeQueryErrors(w, found...)
		return
	}
	query.Filter.UserEmail = caller.Email
	query.MayUse = caller.MayUse
	page, err := a.Records.List(r.Context(), query)
	if err != nil {
		a.serverError(w, r, "list records", err)
		return
	}
	if page.Next != nil {
		next := r.URL.Query()
		next.Set("cursor", *page.Next)
		w.Header().Set("Link", "<"+Path+"/records?"+next.Encode()+`>; rel="next"`)
	}
	httpapi.WriteTagged(w, r, httpapi.JSONType, httpapi.Encode(page))
}

// writeQueryErrors answers 400 for the parameters of a query.
func writeQueryErrors(w http.ResponseWriter, found ...httpapi.FieldDetail) {
	detail := "the query is invalid: " + found[0].Field + " " + found[0].Detail
	httpapi.WriteFieldErrors(w, http.StatusBadRequest, detail, found...)
}

// readQuery reads the query of GET /records. Unknown parameters are ignored.
func readQuery(values url.Values) (query records.Query, found []httpapi.FieldDetail) {
	query.Limit = defaultLimit
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values.Get(name)
		if detail := readParameter(&query, name, value); detail != "" {
			found = append(found, httpapi.FieldDetail{Field: name, Detail: detail})
		}
	}
	return query, found
}

// readParameter reads one parameter into a query. It returns what is wrong with it, if anything.
func readParameter(query *records.Query, name, value string) (detail string) {
	switch name {
	case "limit":
		limit, err := strconv.Atoi(value)
		if err != nil || limit < 1 || limit > maxLimit {
			return "must be a number from 1 to 200"
		}
		query.Limit = limit
	case "cursor":
		before, ok := records.ReadCursor(value)
		if !ok {
			return "must be a value of next from an earlier page"
		}
		query.Before = before
	case "room":
		if value == "" || !utf8.ValidString(value) {
			return "must be the name of a room"
		}
		query.Filter.Room = value
	case "q", "course":
		if !records.IsSearchText(value) {
			return "must have at most 100 characters"
		}
		if name == "q" {
			query.Filter.Text = value
		} else {
			query.Filter.Course = value
		}
	case "from", "to":
		if records.CheckDate(value) != "" {
			return badDate
		}
		if name == "from" {
			query.Filter.From = value
		} else {
			query.Filter.To = value
		}
	case "date":
		if records.CheckDate(value) != "" {
			return badDate
		}
		query.Filter.From, query.Filter.To = value, value
	case "state":
		query.State = records.State(value)
		query.Filter.Steps = records.StepsOf(query.State)
		if query.Filter.Steps == nil {
			return "must be one of waiting, queued, merging, uploading, linking, done, failed, withdrawn"
		}
	}
	return ""
}
