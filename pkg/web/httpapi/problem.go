package httpapi

import (
	"log/slog"
	"net/http"
)

// ErrorWriter answers an error in the form of one API. The detail is English and for people.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, status int, detail string)

// problem is an error of /api/v1 in the form of RFC 9457.
type problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Errors []FieldDetail `json:"errors"`
}

// FieldDetail is what is wrong with one field of a request.
type FieldDetail struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
	Code   string `json:"code,omitempty"` // stable, for programs; empty: none yet
}

// WriteProblem answers an error of /api/v1. It is an [ErrorWriter].
func WriteProblem(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	WriteFieldErrors(w, status, detail)
}

// WriteFieldErrors answers an error of /api/v1 that names the fields at fault.
func WriteFieldErrors(w http.ResponseWriter, status int, detail string, fields ...FieldDetail) {
	if fields == nil {
		fields = []FieldDetail{} // clients rely on an array
	}
	write(w, status, ProblemType, problem{
		Type:   "about:blank",
		Title:  http.StatusText(status),
		Status: status,
		Detail: detail,
		Errors: fields,
	})
}

// WriteError answers an error of the NVR's API. It is an [ErrorWriter].
func WriteError(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	WriteJSON(w, status, map[string]string{"error": detail})
}

// ServerError logs a failure of the database and answers 503 with Retry-After. The action
// completes "could not …".
func ServerError(
	w http.ResponseWriter,
	r *http.Request,
	log *slog.Logger,
	fail ErrorWriter,
	action string,
	err error,
) {
	if r.Context().Err() == nil { // else the client is gone, and the failure is its own
		log.ErrorContext(r.Context(), "could not "+action, "err", err)
	}
	w.Header().Set("Retry-After", "10")
	fail(
		w,
		r,
		http.StatusServiceUnavailable,
		"the database is not responding; try again in a moment",
	)
}
