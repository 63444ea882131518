package machine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// TestHealth asks a system that starts, works, has a function that does not answer, and has lost its database.
func TestHealth(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nvr.db")
	if err := createDatabase("sqlite:" + path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database file has the mode %v, %v", info.Mode(), err)
	}
	open, err := os.Open(path) // as the functions have it, so that its inode is not used again
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	reported := 0
	file, err := newDatabaseFile("sqlite:"+path, func() { reported++ })
	if err != nil {
		t.Fatal(err)
	}
	works := httptest.NewServer(http.NotFoundHandler())
	defer works.Close()
	stopped, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections, but no process answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stopped.Close() }()
	var functions map[string]string
	var readError error
	h := &health{
		timeout:   time.Minute,
		functions: func() map[string]string { return functions },
		database:  file,
		read:      func(context.Context) error { return readError },
	}
	expect := func(status int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%d %q, want %d %q", w.Code, w.Body, status, text)
		}
	}
	expect(http.StatusServiceUnavailable, "starting")
	functions = map[string]string{"api": works.URL}
	expect(http.StatusOK, "ok")
	readError = errors.New("disk I/O error")
	expect(http.StatusServiceUnavailable, "the database cannot be read: disk I/O error")
	readError = nil

	h.timeout = 50 * time.Millisecond
	functions = map[string]string{"api": works.URL, "stage": "http://" + stopped.Addr().String()}
	expect(http.StatusServiceUnavailable, "function stage does not answer")
	h.timeout = time.Minute
	functions = map[string]string{"api": works.URL}

	write := func() int {
		w := httptest.NewRecorder()
		created := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
		file.refuseWrites(created).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		return w.Code
	}
	if got := write(); got != http.StatusCreated {
		t.Errorf("a write is answered %d", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(http.StatusServiceUnavailable, "deleted or replaced")
	if got := write(); got != http.StatusServiceUnavailable {
		t.Errorf("a write into a replaced database is answered %d", got)
	}
	if reported != 1 {
		t.Errorf("the replaced file is reported %d times", reported)
	}
}

// TestEarlyAnswersArriveWhole sends bodies that the function does not read. The answer must arrive, not a 502.
func TestEarlyAnswersArriveWhole(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteError(w, r, http.StatusUnauthorized, "no key")
	})
	function := httptest.NewServer(httpapi.Guard(log, httpapi.WriteError, refuse)) // as the API's
	defer function.Close()
	_, port, err := net.SplitHostPort(function.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{
		ports:     map[string]string{"api": port},
		transport: retryTransport(),
		health:    &health{},
		log:       log,
	}
	front := httptest.NewServer(m.forward("api", false))
	defer front.Close()
	tests := []struct {
		name   string
		bytes  int
		status int
	}{
		{"a body of 900 kB", 900 << 10, http.StatusUnauthorized},
		{"a body that is too large", 8 << 20, http.StatusRequestEntityTooLarge},
	}
	for _, test := range tests {
		for range 100 {
			body := strings.NewReader(strings.Repeat("x", test.bytes))
			response, err := http.Post(front.URL, "text/plain", body)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			text, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || response.StatusCode != test.status || len(text) == 0 {
				t.Fatalf("%s: %d %q, %v; want %d", test.name, response.StatusCode, text, err, test.status)
			}
		}
	}
}

// TestMalformedChunk expects 400, not the answer of a broken function.
func TestMalformedChunk(t *testing.T) {
	t.Parallel()
	m := &machine{ports: map[string]string{"api": "1"}, transport: retryTransport(), health: &health{}}
	front := httptest.NewServer(m.forward("api", false))
	defer front.Close()
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const request = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\nabc\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("%q, %v; want 400", answer, err)
	}
}
