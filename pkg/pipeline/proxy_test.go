package pipeline_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// proxy stands before the stand-in of Workspace. It may answer in its place, and keeps a log of the
// uploads of a video.
type proxy struct {
	inner  http.Handler
	answer func(http.ResponseWriter, *http.Request) (answered bool) // may be nil

	mu  sync.Mutex
	log []asked
}

// asked is a request of an upload: a session is opened, a state is asked for, or bytes are sent.
type asked struct {
	what     string // "open", "ask" or "send"
	from, to int64  // of what was sent
	kept     int64  // what Drive said it has; unheard if the answer was lost
}

const unheard = -1

func (a asked) String() string {
	text := a.what
	if a.what == "send" {
		text = fmt.Sprintf("send %d..%d", a.from, a.to)
	}
	if a.kept == unheard {
		return text + ": unheard"
	}
	return fmt.Sprintf("%s: %d", text, a.kept)
}

// ServeHTTP implements http.Handler.
func (d *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := upload(r)
	if !ok {
		d.pass(w, r)
		return
	}
	seen := &witness{ResponseWriter: w}
	defer func() { // also when the connection is cut
		a.kept = seen.kept(a)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.log = append(d.log, a)
	}()
	d.pass(seen, r)
}

func (d *proxy) pass(w http.ResponseWriter, r *http.Request) {
	if d.answer == nil || !d.answer(w, r) {
		d.inner.ServeHTTP(w, r)
	}
}

// upload reads what a request wants of the upload of a video.
func upload(r *http.Request) (a asked, ok bool) {
	span := r.Header.Get("Content-Range")
	switch {
	case r.Header.Get("X-Upload-Content-Type") == "video/mp4":
		return asked{what: "open"}, true
	case !strings.HasSuffix(span, fmt.Sprintf("/%d", videoBytes)):
		return a, false
	case strings.HasPrefix(span, "bytes */"):
		return asked{what: "ask"}, true
	}
	a.what = "send"
	_, err := fmt.Sscanf(span, "bytes %d-%d/", &a.from, &a.to)
	a.to++
	return a, err == nil
}

// witness sees an answer on its way.
type witness struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *witness) WriteHeader(status int) { w.status = status; w.ResponseWriter.WriteHeader(status) }

// Unwrap lets http.ResponseController reach the server's own writer.
func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *witness) kept(a asked) int64 {
	var last int64
	switch _, err := fmt.Sscanf(w.Header().Get("Range"), "bytes=0-%d", &last); {
	case w.status == 0:
		return unheard
	case w.status == http.StatusPermanentRedirect && err == nil:
		return last + 1
	case w.status == http.StatusOK && a.what != "open":
		return videoBytes
	}
	return 0
}

// forgetful makes Drive forget the session in which the nth request with bytes of the video comes.
func forgetful(n int) func(http.ResponseWriter, *http.Request) bool {
	forgotten := ""
	return func(w http.ResponseWriter, r *http.Request) bool {
		session := r.URL.Query().Get("upload_id")
		if a, ok := upload(r); ok && a.what == "send" {
			if n--; n == 0 {
				forgotten = session
			}
		}
		if session == "" || session != forgotten {
			return false
		}
		http.NotFound(w, r)
		return true
	}
}

// uploads are the requests so far.
func (w *env) uploads() []asked {
	w.door.mu.Lock()
	defer w.door.mu.Unlock()
	return append([]asked(nil), w.door.log...)
}

// begunAnew says where an upload did not go on from where Drive said it is; empty if it always did.
func (w *env) begunAnew() string {
	log := w.uploads()
	at := int64(unheard) // what Drive has, as far as it was heard
	most := int64(0)
	for i, a := range log {
		switch {
		case a.what == "open" && most > 0:
			return fmt.Sprintf(
				"a new session though %d bytes were there, at %d of %v",
				most, i, log,
			)
		case a.what == "send" && a.from != at:
			return fmt.Sprintf("Drive had %d bytes, at %d of %v", at, i, log)
		}
		at = a.kept
		most = max(most, at)
	}
	return ""
}
