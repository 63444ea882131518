package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestAProcessThatCannotStartSaysSoInItsLog: as a line that Cloud Logging reads, and without secrets.
func TestAProcessThatCannotStartSaysSoInItsLog(t *testing.T) { //nolint:paralleltest // it sets the environment
	serve := func(ctx context.Context, out io.Writer) error {
		return functions.Serve(ctx, out, time.Now)
	}
	task := func(ctx context.Context, out io.Writer) error {
		return app.Task(ctx, out, time.Now, app.Tools)
	}
	for _, c := range []struct {
		name  string
		start func(context.Context, io.Writer) error
		env   map[string]string
		want  string
	}{
		{"a broken environment", serve, map[string]string{"FPS": "24"}, "FPS=24"},
		{"no number", serve, map[string]string{"PORT": "80", "FPS": "many"}, "FPS"},
		{"no such function", serve, map[string]string{"FUNCTION_TARGET": "stag"}, "stag"},
		{
			"no database",
			serve,
			map[string]string{
				"FUNCTION_TARGET": "claim",
				"DATABASE":        "mysql://u:hunter2@127.0.0.1:1/nvr",
				"TIME_SCALE":      "1000",
			},
			"database",
		},
		{
			"a task of a broken environment",
			task,
			map[string]string{"POLICY": "none"},
			"POLICY=none",
		},
		{"a task without a database", task, map[string]string{"DATABASE": "nonsense"}, "database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			if c.start(t.Context(), &out) == nil {
				t.Fatal("it started")
			}
			var line struct{ Severity, Message, Err string }
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil || line.Severity != "ERROR" || line.Message == "" || !strings.Contains(line.Err, c.want) {
				t.Errorf("%v: %s", err, &out)
			}
			if strings.Contains(out.String(), "hunter2") {
				t.Errorf("the log shows a password: %s", &out)
			}
		})
	}
}

// TestServeLimitsHeadersAndStops runs the process of a function. Its server has the limits of every server,
// and ends with the process.
func TestServeLimitsHeadersAndStops(t *testing.T) { //nolint:paralleltest // it sets the environment
	dsn := storetest.SQLite(t)
	storetest.Open(t, dsn, store.Options{Now: time.Now})
	port := freePort(t)
	for name, value := range map[string]string{
		"FUNCTION_TARGET":  "api",
		"HOST":             "127.0.0.1",
		"PORT":             port,
		"DATABASE":         dsn,
		"STORAGE_ENDPOINT": "http://127.0.0.1:9/storage/v1/",
		"PUBSUB_ENDPOINT":  "127.0.0.1:9",
		"TRACE_FILE":       filepath.Join(t.TempDir(), "traces"),
	} {
		t.Setenv(name, value)
	}
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- functions.Serve(ctx, &out, time.Now) }()
	ask := func(header string) (status int, err error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/rooms", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", header)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for {
		status, err := ask("short")
		if err == nil && status == http.StatusUnauthorized {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, &out)
		default:
		}
	}
	if status, err := ask(strings.Repeat("x", 100<<10)); err == nil && status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 100 kB: %d, want 431", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v", err)
	}
	if _, err := ask("short"); err == nil {
		t.Error("it answers after it has ended")
	}
}

// TestSpansAreSentBeforeTheAnswer: a function's CPU may be taken away once it has answered.
func TestSpansAreSentBeforeTheAnswer(t *testing.T) { //nolint:paralleltest // it sets OpenTelemetry's globals
	d := newDoor(t)
	d.store()
	file := filepath.Join(t.TempDir(), "traces.jsonl")
	tracing, err := observe.StartTracing(t.Context(), observe.TraceOptions{
		File:    file,
		Service: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, request := range map[string]*http.Request{
		"link":     push(nvr.Claim{Record: 99, Attempt: 1, Step: nvr.StepLink}),
		"fail":     push(nvr.Claim{Record: 99, Attempt: 1, Step: nvr.StepLink}),
		"calendar": newPost(""),
	} {
		function, err := functions.New(
			t.Context(),
			name,
			d.config,
			slog.New(slog.DiscardHandler),
			d.clock.Now,
		)
		if err != nil {
			t.Fatal(err)
		}
		answer := &sentWith{ResponseRecorder: httptest.NewRecorder(), file: file}
		tracing.Serve(slog.New(slog.DiscardHandler), function).ServeHTTP(answer, request)
		if !strings.Contains(answer.spans, `"name":"`+name+`"`) {
			t.Errorf("%s answers %d before its span is sent: %s", name, answer.Code, answer.spans)
		}
		if err := function.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := tracing.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// sentWith keeps what the file of traces held when the answer began.
type sentWith struct {
	*httptest.ResponseRecorder

	file, spans string
}

func (s *sentWith) WriteHeader(status int) {
	text, _ := os.ReadFile(s.file)
	s.spans = string(text)
	s.ResponseRecorder.WriteHeader(status)
}
