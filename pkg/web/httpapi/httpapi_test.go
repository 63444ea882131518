package httpapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

func TestWriteTagged(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteTagged(w, r, httpapi.JSONType, []byte(`{"a": 1}`))
	})
	first := serve(handler, httptest.NewRequest(http.MethodGet, "/", nil))
	tag := first.Header().Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	if diff := cmp.Diff(`{"a": 1}`, first.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	tests := []struct {
		name, method, match string
		status              int
		body                string
	}{
		{"the same tag", "GET", tag, 304, ""},
		{"a list with the tag, weak", "GET", `"other", W/` + tag, 304, ""},
		{"an asterisk", "GET", "*", 304, ""},
		{"another tag", "GET", `"other"`, 200, `{"a": 1}`},
		{"HEAD", "HEAD", "", 200, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(test.method, "/", nil)
			r.Header.Set("If-None-Match", test.match)
			w := serve(handler, r)
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if diff := cmp.Diff(test.body, w.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got := w.Header().Get("ETag"); got != tag {
				t.Errorf("ETag %s, want %s", got, tag)
			}
			if got := w.Header().Get("Cache-Control"); got != "private, no-cache" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

func TestReadObject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		ok   bool
	}{
		{`{}`, true},
		{" \r\n\t{\"a\": 1}\n", true},
		{``, false},
		{`null`, false},
		{`[]`, false},
		{`"{}"`, false},
		{`{"a": 1} x`, false},
		{`{"a": 1}{"b": 2}`, false},
		{`{"a":`, false},
		{"{\"a\": \"\xff\"}", false},
	}
	for _, test := range tests {
		if _, ok := httpapi.ReadObject([]byte(test.body)); ok != test.ok {
			t.Errorf("ReadObject(%q) = %t, want %t", test.body, ok, test.ok)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	guarded := func(next http.HandlerFunc) http.Handler {
		return httpapi.Guard(slog.New(slog.NewTextHandler(&log, nil)), httpapi.WriteProblem, next)
	}
	echo := guarded(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := httpapi.ReadBodyOrFail(w, r, httpapi.WriteProblem); ok {
			_, _ = w.Write(body)
		}
	})
	large := strings.Repeat("x", 1<<20+1)
	unknownLength := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(large))
	unknownLength.ContentLength = -1
	broken := httptest.NewRequest(http.MethodPost, "/", brokenReader{})
	tests := []struct {
		name    string
		handler http.Handler
		request *http.Request
		status  int
	}{
		{"a body", echo, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")), 200},
		{
			"the largest body",
			echo,
			httptest.NewRequest(http.MethodPost, "/", strings.NewReader(large[1:])),
			200,
		},
		{
			"a body that is too large",
			echo,
			httptest.NewRequest(http.MethodPost, "/", strings.NewReader(large)),
			413,
		},
		{"the same without a length", echo, unknownLength, 413},
		{"a body that breaks off", echo, broken, 400},
		{"a long address", echo, httptest.NewRequest(http.MethodGet, "/"+large[:9000], nil), 414},
		{
			"a panic",
			guarded(func(http.ResponseWriter, *http.Request) { panic("oops") }),
			httptest.NewRequest(http.MethodGet, "/", nil),
			500,
		},
	}
	for _, test := range tests {
		w := serve(test.handler, test.request)
		if w.Code != test.status {
			t.Errorf("%s: status %d, want %d", test.name, w.Code, test.status)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", test.name, got)
		}
		if test.status >= 400 {
			checkProblem(t, w)
		}
	}
	if !strings.Contains(log.String(), "oops") {
		t.Errorf("the panic is not in the log: %s", &log)
	}
}

// TestGuardPassesAbort checks that the panic which aborts an answer reaches the server.
func TestGuardPassesAbort(t *testing.T) {
	t.Parallel()
	defer func() {
		p := recover()
		if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v, want http.ErrAbortHandler", p)
		}
	}()
	abort := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})
	handler := httpapi.Guard(slog.New(slog.DiscardHandler), httpapi.WriteError, abort)
	serve(handler, httptest.NewRequest(http.MethodGet, "/", nil))
}

// brokenReader is a body that ends with an error.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("malformed chunk") }

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	limits := httpapi.NewLimits(2, func() time.Time { return now })
	admit := func(caller string) (bool, *httptest.ResponseRecorder) {
		w := httptest.NewRecorder()
		return limits.Admit(w, httptest.NewRequest(http.MethodGet, "/", nil), caller, httpapi.WriteProblem), w
	}
	for i := range 2 {
		if ok, _ := admit("a"); !ok {
			t.Errorf("request %d is refused", i+1)
		}
	}
	ok, refused := admit("a")
	if ok {
		t.Error("request 3 is admitted")
	}
	checkProblem(t, refused)
	if refused.Code != http.StatusTooManyRequests {
		t.Errorf("status %d", refused.Code)
	}
	if got := refused.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q, want 1", got)
	}
	if ok, _ := admit("b"); !ok {
		t.Error("another caller is refused")
	}
	now = now.Add(time.Second / 2)
	if ok, _ := admit("a"); !ok {
		t.Error("a request half a second later is refused")
	}
}

// TestLimitsForgetIdleCallers checks that many callers do not reset one that is at its limit.
func TestLimitsForgetIdleCallers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	limits := httpapi.NewLimits(1, func() time.Time { return now })
	admit := func(caller string) bool {
		return limits.Admit(
			httptest.NewRecorder(),
			httptest.NewRequest(http.MethodGet, "/", nil),
			caller,
			httpapi.WriteProblem,
		)
	}
	for i := range 10_000 {
		admit(fmt.Sprint("idle", i))
	}
	now = now.Add(2 * time.Second)
	admit("busy")
	if admit("busy") {
		t.Error("the busy caller was forgotten")
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	stream := httpapi.NewStream(w)
	if !stream.Send("record", []byte("{\"a\":\r\n 1}\n")) {
		t.Error("Send reports that the client is gone")
	}
	if !stream.Beat() {
		t.Error("Beat reports that the client is gone")
	}
	want := "event: record\ndata: {\"a\":\ndata:  1}\n\n: \n\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if got := w.Header().Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestNullable(t *testing.T) {
	t.Parallel()
	if got := httpapi.Nullable(""); got != nil {
		t.Errorf("Nullable of an empty text is %q, want nil", *got)
	}
	if got := httpapi.Nullable("a"); got == nil || *got != "a" {
		t.Errorf("Nullable(a) = %v", got)
	}
}
