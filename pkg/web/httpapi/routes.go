package httpapi

import (
	"net/http"
	"strings"
)

// Routes serves a mux. It answers 404 and 405 in the form of the API, where the mux alone would
// answer plain text.
func Routes(mux *http.ServeMux, fail ErrorWriter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		// Only the mux knows the methods of a path. Its own answer names them in Allow.
		answer := &headerRecorder{header: http.Header{}}
		handler.ServeHTTP(answer, r)
		allowed := answer.header.Get("Allow")
		if answer.status != http.StatusMethodNotAllowed || allowed == "" {
			fail(w, r, http.StatusNotFound, "there is nothing at this path")
			return
		}
		w.Header().Set("Allow", allowed)
		methods := strings.ReplaceAll(allowed, ", ", " or ")
		detail := "method " + r.Method + " is not allowed here; use " + methods
		fail(w, r, http.StatusMethodNotAllowed, detail)
	})
}

// headerRecorder keeps the status and the headers of an answer and drops the body.
type headerRecorder struct {
	header http.Header
	status int
}

// Header implements [http.ResponseWriter].
func (a *headerRecorder) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *headerRecorder) WriteHeader(status int) { a.status = status }

// Write implements [http.ResponseWriter].
func (a *headerRecorder) Write(p []byte) (int, error) {
	return len(p), nil
}
