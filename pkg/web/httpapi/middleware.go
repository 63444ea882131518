package httpapi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
)

const (
	maxBody      = 1 << 20          // bytes
	bodyTime     = 20 * time.Second // for a body to arrive
	maxUnwanted  = 256 << 10        // bytes of a body that no handler read, as the server itself has it
	maxQuery     = 8 << 10          // bytes of path and query
	PlainType    = "text/plain; charset=utf-8"
	JSONType     = "application/json"
	ProblemType  = "application/problem+json"
	HTMLType     = "text/html; charset=utf-8"
	YAMLType     = "application/yaml"
	NoStore      = "no-store"
	ContentType  = "Content-Type"
	CacheControl = "Cache-Control"
)

// errTooLarge says that a body is longer than we read.
var ErrTooLarge = errors.New("the body is longer than 1 MB")

// sayFunc answers with an error in the manner of the API that was asked.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, status int, detail string)

// guard bounds what a request may cost and keeps a panic from ending more than its own request.
func Guard(log *slog.Logger, say ErrorWriter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		defer recovered(w, r, log, say)
		if len(r.RequestURI) > maxQuery {
			say(w, r, http.StatusRequestURITooLong, "the address is longer than 8 KB")
			return
		}
		if r.ContentLength > maxBody {
			header.Set("Connection", "close") // the rest is not worth reading
			say(w, r, http.StatusRequestEntityTooLarge, ErrTooLarge.Error())
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		LimitBodyTime(next).ServeHTTP(w, r)
	})
}

// LimitBodyTime ends the connection of a request whose body trickles in, also where the handler did not want it.
// A deadline in the past ends a read, whatever the clock says.
func LimitBodyTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		cut := time.AfterFunc(bodyTime, func() {
			_ = control.SetReadDeadline(time.Unix(1, 0)) // a connection that knows no deadlines is a test's
		})
		body := &readBody{ReadCloser: r.Body, cut: cut}
		r.Body = body
		defer cut.Stop()
		next.ServeHTTP(w, r)
		if !body.ended.Load() { // the server would wait for the rest, for ever
			_ = control.Flush()
			_, _ = io.CopyN(io.Discard, body, maxUnwanted)
		}
	})
}

// recovered logs a panic and answers 500, if nothing was answered yet.
func recovered(w http.ResponseWriter, r *http.Request, log *slog.Logger, say ErrorWriter) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	log.ErrorContext(r.Context(), "panic", observe.Stack(p), "path", strings.ToValidUTF8(r.URL.Path, "?"))
	say(w, r, http.StatusInternalServerError, "something broke on our side; it is logged")
}

// readBody knows when a body was read to its end, in time or not.
type readBody struct {
	io.ReadCloser
	cut   *time.Timer
	ended atomic.Bool
}

func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cut.Stop()
		b.ended.Store(true)
	}
	return n, err
}

// readAll reads a body within the limit of the guard.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, ErrTooLarge
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
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}
