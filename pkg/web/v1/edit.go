package v1

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// editRecord is PATCH /records/{id}: the video is made again, under the same link.
func (a *api) editRecord(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	tags, present := httpapi.IfMatch(r)
	if !present {
		httpapi.WriteProblem(w, r, http.StatusPreconditionRequired, "If-Match with the record's ETag is missing")
		return
	}
	body, ok := httpapi.ReadBodyOrFail(w, r, httpapi.WriteProblem)
	if !ok {
		return
	}
	edit, found := readEdit(body)
	if len(found) > 0 {
		writeEditErrors(w, http.StatusBadRequest, found)
		return
	}
	matches := func(r *nvr.Record) bool {
		return slices.Contains(tags, "*") || slices.Contains(tags, records.RequestTag(r))
	}
	edited, err := a.Records.Edit(r.Context(), auth.CallerOf(r), record.ID, edit, matches)
	if err != nil {
		a.refuseEdit(w, r, err)
		return
	}
	w.Header().Set("ETag", `"`+records.RequestTag(&edited)+`"`)
	a.answerRecord(w, r, http.StatusAccepted, &edited)
}

// refuseEdit answers with the error of an edit.
func (a *api) refuseEdit(w http.ResponseWriter, r *http.Request, err error) {
	var refused *records.EditRefused
	switch {
	case errors.As(err, &refused):
		var found []httpapi.FieldDetail
		english := a.Records.Catalog.For("en")
		for _, each := range refused.Fields {
			found = append(found, httpapi.FieldDetail{Field: each.Field, Detail: each.Text(english), Code: each.Code})
		}
		status := http.StatusBadRequest
		if refused.Forbidden {
			status = http.StatusForbidden
		}
		writeEditErrors(w, status, found)
	case errors.Is(err, records.ErrEdited):
		httpapi.WriteProblem(w, r, http.StatusPreconditionFailed, "the request was changed since this ETag was read")
	case errors.Is(err, records.ErrFootageGone):
		httpapi.WriteProblem(w, r, http.StatusConflict, "the footage of the record is deleted")
	case errors.Is(err, store.ErrQuota):
		httpapi.WriteProblem(w, r, http.StatusTooManyRequests, records.QuotaDetail)
	case errors.Is(err, store.ErrConflict):
		httpapi.WriteProblem(w, r, http.StatusConflict, "a cancelled record cannot be changed")
	default:
		a.serverError(w, r, "change a record", err)
	}
}

// writeEditErrors answers with the fields that are wrong, at most [maxErrors] of them. The detail names the
// first.
func writeEditErrors(w http.ResponseWriter, status int, found []httpapi.FieldDetail) {
	detail := "the change is invalid: " + found[0].Field + " " + found[0].Detail
	httpapi.WriteFieldErrors(w, status, detail, found[:min(len(found), maxErrors)]...)
}

// readEdit reads the body of PATCH /records/{id}. It returns what is wrong with its fields.
func readEdit(body []byte) (edit records.Edit, found []httpapi.FieldDetail) {
	fields, ok := httpapi.ReadObject(body)
	if !ok || len(fields) == 0 {
		return edit, []httpapi.FieldDetail{{Field: "body", Detail: "is no JSON object with a field to change"}}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		detail := ""
		switch raw := fields[name]; name {
		case "start":
			edit.Start, detail = readSecond(raw)
		case "end":
			edit.End, detail = readSecond(raw)
		case "title":
			if edit.Title = new(string); string(raw) != "null" && json.Unmarshal(raw, edit.Title) != nil {
				detail = "must be a string"
			}
		case "layout":
			edit.Layout, detail = readLayout(raw)
		case "course":
			edit.Course, detail = readCourse(raw)
		case "forget":
			if string(raw) == "null" || json.Unmarshal(raw, &edit.Forget) != nil {
				detail = "must be true or false"
			}
		default:
			detail = "is not a known field"
		}
		if detail != "" {
			found = append(found, httpapi.FieldDetail{Field: name, Detail: detail})
		}
	}
	return edit, found
}

// readLayout reads a layout. null is that of the room.
func readLayout(raw json.RawMessage) (layout *nvr.Layout, detail string) {
	layout = new(nvr.Layout)
	if string(raw) == "null" {
		return layout, ""
	}
	if json.Unmarshal(raw, layout) != nil || !layout.Known() {
		return nil, "must be side, stage or null"
	}
	return layout, ""
}

// readCourse reads the code or the name of a course. null is none.
func readCourse(raw json.RawMessage) (course *string, detail string) {
	course = new(string)
	if json.Unmarshal(raw, course) != nil {
		return nil, "must be a string or null"
	}
	if !records.IsSearchText(*course) {
		return nil, "must have at most 100 characters"
	}
	return course, ""
}

// readSecond reads an instant that is a whole second.
func readSecond(raw json.RawMessage) (at *time.Time, detail string) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil, "must be a string"
	}
	read, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, badInstant
	}
	if !read.Equal(read.Truncate(time.Second)) {
		return nil, "must be a whole second"
	}
	return &read, ""
}
