package httpapi

import (
	"log/slog"
	"net/http"
)

// problem is an error of /api/v1 as RFC 9457 has it.
type problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Errors []FieldDetail `json:"errors"`
}

// fieldWords says what is wrong with one field.
type FieldDetail struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// writeProblem answers an error of /api/v1.
func WriteProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	WriteFieldErrors(w, r, status, detail, nil)
}

// sayFields answers an error that names fields.
func WriteFieldErrors(w http.ResponseWriter, _ *http.Request, status int, detail string, fields []FieldDetail) {
	if fields == nil {
		fields = []FieldDetail{}
	}
	w.Header().Set(ContentType, ProblemType)
	w.Header().Set(CacheControl, NoStore)
	w.WriteHeader(status)
	_, _ = w.Write(Encode(problem{"about:blank", http.StatusText(status), status, detail, fields})) // a client that is gone reads nothing
}

// writeError answers an error of the NVR's API.
func WriteError(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	w.Header().Set(ContentType, JSONType)
	w.Header().Set(CacheControl, NoStore)
	w.WriteHeader(status)
	_, _ = w.Write(Encode(map[string]string{"error": detail})) // a client that is gone reads nothing
}

// serverError answers that something of ours failed.
func ServerError(w http.ResponseWriter, r *http.Request, log *slog.Logger, say ErrorWriter, what string, err error) {
	if r.Context().Err() == nil {
		log.ErrorContext(r.Context(), "could not "+what, "err", err)
	}
	w.Header().Set("Retry-After", "10")
	say(w, r, http.StatusServiceUnavailable, "our database does not answer; please try again in a moment")
}
