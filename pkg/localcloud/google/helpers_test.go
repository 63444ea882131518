package google_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/localcloud/google/drive"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// env is the stand-ins on a port, as the outside sees them.
type env struct {
	t      *testing.T
	dir    string
	clock  *clock
	script drive.Script
	strict bool
	faults *faults.Table
	server *google.Server
	http   *httptest.Server
	base   string
}

func newEnv(t *testing.T) *env {
	t.Helper()
	w := &env{
		t: t, dir: t.TempDir(), faults: faults.New(time.Millisecond),
		clock: &clock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)},
	}
	return w.start()
}

func (w *env) start() *env {
	w.t.Helper()
	// The handler comes after the address, which it puts into its answers.
	var handler http.Handler
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(rw, r)
	}))
	w.base = w.http.URL + "/workspace"
	var err error
	w.server, err = google.New(google.Options{
		Dir:     w.dir,
		BaseURL: w.base,
		Faults:  w.faults,
		Now:     w.clock.Now,
		Strict:  w.strict,
		Drive:   w.script,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/workspace/", http.StripPrefix("/workspace", w.server.Handler()))
	mux.Handle("/upload/", w.server.Handler()) // where Google's client for Go sends uploads
	handler = mux
	w.t.Cleanup(w.stop)
	return w
}

func (w *env) stop() {
	w.t.Helper()
	if w.server == nil {
		return
	}
	w.http.CloseClientConnections()
	w.http.Close()
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

func (w *env) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// asUser names the caller in every request.
type asUser string

func (u asUser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if u != "" {
		r.Header.Set("X-Workspace-User", string(u))
	}
	return http.DefaultTransport.RoundTrip(r)
}

type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// call sends a request; headers are name, value, …
func (w *env) call(method, url, body string, headers ...string) answer {
	w.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = w.base + url
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return answer{text: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if err != nil {
		a.text = err.Error()
	}
	_ = json.Unmarshal(text, &a.body)
	return a
}

// want is call, and the status must be as said.
func (w *env) want(status int, method, url, body string, headers ...string) answer {
	w.t.Helper()
	a := w.call(method, url, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s %s: %d, want %d: %s", method, url, body, a.status, status, a.text)
	}
	return a
}

// reason is Google's word for why a call was refused.
func (a answer) reason() string {
	refusal, _ := a.body["error"].(map[string]any)
	list, _ := refusal["errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	reason, _ := list[0].(map[string]any)["reason"].(string)
	return reason
}
