package faults

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SpareHeader with the value off exempts a call from all rules.
const SpareHeader = "X-Workspace-Faults"

const (
	ruleBytes = 64 << 10 // the most that a rule may take
	// of an answer that gets through before a read is cut: inside the first picture of a segment
	cutReadBytes = 40 << 10
	// a body beyond this is cut half-way, so that a part of an upload arrives
	bigBodyBytes = 64 << 10
)

// ServeHTTP handles /workspace/faults: POST adds a rule, GET lists the rules, DELETE removes
// them.
func (t *Table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		t.post(w, r)
	case http.MethodGet, http.MethodHead:
		answer(w, http.StatusOK, t.Rules())
	case http.MethodDelete:
		t.Clear()
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		refuse(
			w,
			http.StatusMethodNotAllowed,
			"global",
			"httpMethodNotAllowed",
			"use POST, GET or DELETE",
		)
	}
}

// post adds the rule in a request's body.
func (t *Table) post(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, ruleBytes))
	decoder.DisallowUnknownFields()
	var rule Rule
	err := decoder.Decode(&rule)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("one rule at a time")
	}
	if err == nil {
		err = t.Add(rule)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "global", "invalid", "fault rule: "+err.Error())
		return
	}
	rule.Hits = 0
	answer(w, http.StatusCreated, rule)
}

// Wrap returns a handler that fails as the table states. method returns the name of the method
// that a request calls, like files.create. Requests without a name never fail.
func (t *Table) Wrap(
	api string, method func(*http.Request) string, next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := method(r)
		if name == "" || strings.EqualFold(r.Header.Get(SpareHeader), "off") {
			next.ServeHTTP(w, r)
			return
		}
		t.serve(t.Inject(api, name), w, r, next)
	})
}

// serve answers a call that fails in the given way.
func (t *Table) serve(kind Kind, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch kind {
	case TooMany:
		refuse(
			w,
			http.StatusTooManyRequests,
			"usageLimits",
			"rateLimitExceeded",
			"Too many requests (a fault rule)",
		)
	case RateLimited:
		refuse(
			w,
			http.StatusForbidden,
			"usageLimits",
			"rateLimitExceeded",
			"Rate Limit Exceeded (a fault rule)",
		)
	case Broken:
		refuse(
			w,
			http.StatusInternalServerError,
			"global",
			"backendError",
			"Backend Error (a fault rule)",
		)
	case Cut:
		cut(w, r, next)
	case Lost:
		next.ServeHTTP(&nowhere{header: http.Header{}}, r)
		panic(http.ErrAbortHandler) // ends the connection without an answer
	case Slow:
		timer := time.NewTimer(t.pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	case Corrupt:
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), corruptKey{}, true)))
	case None:
		next.ServeHTTP(w, r)
	}
}

// corruptKey is the key of a mark in the context of a call.
type corruptKey struct{}

// Corrupts reports whether a stand-in is to change a byte of what the call of a context stores.
func Corrupts(ctx context.Context) bool {
	marked, _ := ctx.Value(corruptKey{}).(bool)
	return marked
}

// cut ends the connection: in the middle of the answer to a read, in the middle of the body of an
// upload, and before the stand-in sees any other call.
func cut(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case r.Method == http.MethodGet:
		next.ServeHTTP(&shortened{ResponseWriter: w, left: cutReadBytes}, r)
	case r.ContentLength > bigBodyBytes:
		r = r.Clone(r.Context())
		r.Body = &broken{Reader: io.LimitReader(r.Body, r.ContentLength/2), Closer: r.Body}
		next.ServeHTTP(&nowhere{header: http.Header{}}, r)
	}
	panic(http.ErrAbortHandler)
}

// nowhere is a response writer that discards the answer.
type nowhere struct{ header http.Header }

// Header implements http.ResponseWriter.
func (n *nowhere) Header() http.Header {
	return n.header
}

// WriteHeader implements http.ResponseWriter.
func (n *nowhere) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (n *nowhere) Write(p []byte) (int, error) {
	return len(p), nil
}

// Flush implements http.Flusher.
func (n *nowhere) Flush() {}

// shortened passes on the first bytes of an answer. Its Content-Length was sent by then, so that
// the reader notices a broken answer and never takes it for a short one.
type shortened struct {
	http.ResponseWriter
	left    int
	started bool
}

// WriteHeader implements http.ResponseWriter. A short answer is cut in its middle.
func (s *shortened) WriteHeader(status int) {
	if length, err := strconv.Atoi(s.Header().Get("Content-Length")); err == nil {
		s.left = min(s.left, length/2)
	}
	s.started = true
	s.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (s *shortened) Write(p []byte) (int, error) {
	if !s.started {
		s.WriteHeader(http.StatusOK)
	}
	n := min(len(p), s.left)
	s.left -= n
	if n > 0 {
		if _, err := s.ResponseWriter.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	if s.left == 0 {
		// what is cut off later was on its way
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return len(p), nil
}

// Unwrap lets http.ResponseController reach the server's writer.
func (s *shortened) Unwrap() http.ResponseWriter {
	return s.ResponseWriter
}

// broken is a body whose sender disconnects.
type broken struct {
	io.Reader
	io.Closer
}

// Read implements io.Reader.
func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// refuse answers in Google's JSON form of errors.
func refuse(w http.ResponseWriter, status int, domain, reason, message string) {
	answer(w, status, map[string]any{"error": map[string]any{
		"code":    status,
		"message": message,
		"errors": []map[string]string{{
			"domain":  domain,
			"reason":  reason,
			"message": message,
		}},
	}})
}

// answer answers with a JSON body.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone
}
