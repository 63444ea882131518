package httpapi

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
)

const (
	// maxURI is the size of the longest accepted path and query, in bytes.
	maxURI = 8 << 10
	// bodyTime is how long a body may take to arrive. Half-open requests must end within 30 s.
	bodyTime = 20 * time.Second
	// maxUnread is how much of a body that no handler read is discarded, in bytes. A client that is
	// cut off while it sends may lose the answer.
	maxUnread = 64 << 20
)

// Guard wraps the handlers of one API. It limits the address and the body, sets security headers,
// and turns a panic into a logged 500, so that one request cannot end the process.
func Guard(log *slog.Logger, fail ErrorWriter, next http.Handler) http.Handler {
	return LimitBodyTime(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		defer recoverPanic(w, r, log, fail)
		if len(r.RequestURI) > maxURI {
			fail(w, r, http.StatusRequestURITooLong, "the address is longer than 8 KB")
			return
		}
		if r.ContentLength > maxBody {
			header.Set("Connection", "close") // the rest of the body is not read
			fail(w, r, http.StatusRequestEntityTooLarge, ErrTooLarge.Error())
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	}))
}

// recoverPanic logs a panic and answers 500 if nothing was answered yet. [http.ErrAbortHandler]
// passes through.
func recoverPanic(w http.ResponseWriter, r *http.Request, log *slog.Logger, fail ErrorWriter) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	path := strings.ToValidUTF8(r.URL.Path, "?")
	log.ErrorContext(r.Context(), "panic", observe.Stack(p), "path", path)
	fail(w, r, http.StatusInternalServerError, "an internal error occurred; it has been logged")
}

// LimitBodyTime closes the connection of a request whose body takes longer than 20 s to arrive,
// also if the handler does not read it. http.Server.ReadTimeout cannot do this, because it would
// end event streams, too.
func LimitBodyTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		timer := time.AfterFunc(bodyTime, func() {
			// A deadline in the past ends the read at once. Only a test's recorder knows no
			// deadlines.
			_ = control.SetReadDeadline(time.Unix(1, 0))
		})
		defer timer.Stop()
		body := &timedBody{ReadCloser: r.Body, timer: timer}
		r.Body = body
		next.ServeHTTP(w, r)
		waits := r.Header.Get("Expect") != "" && !body.begun.Load() // the client has not sent it
		if !body.ended.Load() && !waits {
			// Without this, the server would wait for the rest of the body without a limit.
			_ = control.Flush()
			_, _ = io.CopyN(io.Discard, body, maxUnread)
		}
	})
}

// timedBody stops the timer when the body ends, by its end or by an error.
type timedBody struct {
	io.ReadCloser
	timer *time.Timer
	begun atomic.Bool
	ended atomic.Bool
}

// Read implements [io.Reader].
func (b *timedBody) Read(p []byte) (int, error) {
	b.begun.Store(true)
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.timer.Stop()
		b.ended.Store(true)
	}
	return n, err
}

// NewServer returns the HTTP server of every process. It limits headers and idle connections. A body may
// pause for 20 s at most; [LimitBodyTime] limits its whole time where it is short.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           limitBodyPauses(handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}

// limitBodyPauses ends a request whose body stops arriving. The handler may run for any time.
func limitBodyPauses(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.ContentLength != 0 {
			r.Body = &pausedBody{r.Body, http.NewResponseController(w)}
		}
		next.ServeHTTP(w, r)
	})
}

// pausedBody limits the time of each read.
type pausedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read implements [io.Reader].
func (b *pausedBody) Read(p []byte) (int, error) {
	timer := time.AfterFunc(bodyTime, func() {
		_ = b.control.SetReadDeadline(time.Unix(1, 0))
	})
	defer timer.Stop()
	return b.ReadCloser.Read(p)
}

// BufferBody reads the whole body before the handler runs, so that a proxy behind it always gets a whole
// request, and a client each answer. Larger bodies get 413, malformed ones 400, slow ones 408.
func BufferBody(fail ErrorWriter, next http.Handler) http.Handler {
	return LimitBodyTime(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		limited := http.MaxBytesReader(nil, r.Body, maxBody)
		body, err := io.ReadAll(limited)
		switch {
		case isTooLarge(err):
			fail(w, r, http.StatusRequestEntityTooLarge, ErrTooLarge.Error())
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.Header().Set("Connection", "close")
			fail(w, r, http.StatusRequestTimeout, "the body did not arrive in time")
			return
		case err != nil:
			w.Header().Set("Connection", "close")
			fail(w, r, http.StatusBadRequest, "the body could not be read")
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		next.ServeHTTP(w, r)
	}))
}
