package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"
)

const (
	maxBody      = 1 << 20          // bytes
	bodyTime     = 20 * time.Second // for a body to arrive
	maxQuery     = 8 << 10          // bytes of path and query
	plainType    = "text/plain; charset=utf-8"
	jsonType     = "application/json"
	problemType  = "application/problem+json"
	htmlType     = "text/html; charset=utf-8"
	yamlType     = "application/yaml"
	noStore      = "no-store"
	contentLabel = "Content-Type"
	cacheLabel   = "Cache-Control"
)

// errTooLarge says that a body is longer than we read.
var errTooLarge = errors.New("the body is longer than 1 MB")

// sayFunc answers with an error in the manner of the API that was asked.
type sayFunc func(w http.ResponseWriter, r *http.Request, status int, detail string)

// guard bounds what a request may cost and keeps a panic from ending more than its own request.
func (s *site) guard(say sayFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		defer s.recovered(w, r, say)
		if len(r.RequestURI) > maxQuery {
			say(w, r, http.StatusRequestURITooLong, "the address is longer than 8 KB")
			return
		}
		if r.ContentLength > maxBody {
			header.Set("Connection", "close") // the rest is not worth reading
			say(w, r, http.StatusRequestEntityTooLarge, errTooLarge.Error())
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		// A body that trickles in is cut. A deadline in the past ends the read, whatever the clock says.
		control := http.NewResponseController(w)
		cut := time.AfterFunc(bodyTime, func() {
			_ = control.SetReadDeadline(time.Unix(1, 0)) // a connection that knows no deadlines is a test's
		})
		r.Body = &readBody{ReadCloser: r.Body, read: func() { cut.Stop() }}
		if r.ContentLength == 0 {
			cut.Stop()
		}
		defer cut.Stop()
		next.ServeHTTP(w, r)
	})
}

// recovered logs a panic and answers 500, if nothing was answered yet.
func (s *site) recovered(w http.ResponseWriter, r *http.Request, say sayFunc) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.log.ErrorContext(r.Context(), "a handler panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	say(w, r, http.StatusInternalServerError, "something broke on our side; it is logged")
}

// readBody tells when a body was read to its end.
type readBody struct {
	io.ReadCloser
	read func()
}

func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.read()
	}
	return n, err
}

// readAll reads a body within the limit of the guard.
func readAll(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return body, nil
}

// NewServer gives the HTTP server that the handlers of this package want: it cuts who sends half a
// request, and lets streams of events live.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       25 * time.Second, // of a whole request, also of a body that no handler wanted
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}
