package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
)

// line logs with a fresh logger and returns the one line as an object.
func line(t *testing.T, log func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(observe.Logger(&out, observe.Options{
		Level:   slog.LevelDebug,
		Service: "stage",
		Version: "stage-7",
	}))
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Fatalf("%d lines: %s", n, out.String())
	}
	var object map[string]any
	if err := json.Unmarshal(out.Bytes(), &object); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return object
}

func TestALineHasCloudLoggingsNames(t *testing.T) {
	t.Parallel()
	ctx := observe.With(
		t.Context(), "stage",
		nvr.Claim{Record: 12, Attempt: 3, Continuation: 1}, "",
	)
	ctx = observe.With(ctx, "merge", nvr.Claim{Record: 12, Attempt: 3, Continuation: 2}, "504")
	ctx = observe.WithSlice(ctx, 4)
	got := line(t, func(log *slog.Logger) {
		log.With("a", 1).WithGroup("g").WarnContext(ctx, "half done", "b", 2)
	})
	for key, want := range map[string]any{
		"severity":                      "WARNING",
		"message":                       "half done",
		"step":                          "merge",
		"record":                        12.0,
		"attempt":                       3.0,
		"turn":                          2.0,
		"room":                          "504",
		"slice":                         4.0,
		"a":                             1.0,
		"g":                             map[string]any{"b": 2.0},
		"logging.googleapis.com/labels": map[string]any{"component": "stage"},
	} {
		if fmt.Sprint(got[key]) != fmt.Sprint(want) {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["time"])); err != nil {
		t.Error(err)
	}
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{
		slog.LevelDebug:     "DEBUG",
		slog.LevelInfo:      "INFO",
		slog.LevelWarn:      "WARNING",
		slog.LevelError:     "ERROR",
		slog.LevelError + 4: "CRITICAL",
	} {
		got := line(t, func(log *slog.Logger) { log.Log(t.Context(), level, "x") })
		if got["severity"] != want {
			t.Errorf("%v: %v", level, got["severity"])
		}
	}
}

func TestErrorsSayWhereAndAreReportedOnlyIfAsked(t *testing.T) {
	t.Parallel()
	plain := line(t, func(log *slog.Logger) { log.Error("try again") })
	source, _ := plain["logging.googleapis.com/sourceLocation"].(map[string]any)
	if file := fmt.Sprint(source["file"]); !strings.HasSuffix(file, "log_test.go") || strings.HasPrefix(file, "/") {
		t.Errorf("file %q", file)
	}
	if plain["@type"] != nil {
		t.Error("reported without being asked")
	}
	reported := line(t, func(log *slog.Logger) { log.Error("lost", observe.Reported()) })
	service, _ := reported["serviceContext"].(map[string]any)
	if !strings.HasSuffix(fmt.Sprint(reported["@type"]), ".ReportedErrorEvent") || service["service"] != "stage" || service["version"] != "stage-7" {
		t.Errorf("%v", reported)
	}
	where, _ := reported["context"].(map[string]any)
	if !strings.Contains(fmt.Sprint(where["reportLocation"]), "log_test.go") {
		t.Errorf("%v", where)
	}
	stack := line(t, func(log *slog.Logger) {
		log.WithGroup("g").Error("panic", observe.Stack("boom"))
	})
	if text := fmt.Sprint(stack["stack_trace"]); !strings.HasPrefix(text, "panic: boom\n\ngoroutine ") {
		t.Errorf("%.60q", text)
	}
}

func TestALineJoinsItsTrace(t *testing.T) {
	t.Parallel()
	span := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID{1, 2, 3},
		SpanID:     trace.SpanID{4, 5},
		TraceFlags: trace.FlagsSampled,
	})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	got := line(t, func(log *slog.Logger) { log.InfoContext(ctx, "x") })
	if got["logging.googleapis.com/trace"] != "01020300000000000000000000000000" || got["logging.googleapis.com/spanId"] != "0405000000000000" ||
		got["logging.googleapis.com/trace_sampled"] != true {
		t.Errorf("%v", got)
	}
}

func TestSecretsNeverReachTheLog(t *testing.T) {
	t.Parallel()
	session := "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&upload_id=hunter2-abc&x=1"
	put := &url.Error{Op: "Put", URL: session, Err: errors.New("broken pipe")}
	headers := map[string][]string{
		"Key":           {"hunter2"},
		"Authorization": {"Bearer hunter2"},
		"Accept":        {"text/html"},
	}
	for name, log := range map[string]func(*slog.Logger){
		"error": func(l *slog.Logger) {
			l.Error("upload", "err", fmt.Errorf("send chunk 3: %w", put))
		},
		"message": func(l *slog.Logger) { l.Info("PUT " + session) },
		"key":     func(l *slog.Logger) { l.Info("x", "key", "hunter2") },
		"api key": func(l *slog.Logger) {
			l.Info("x", slog.Group("headers", "X-API-Key", "hunter2"))
		},
		"headers": func(l *slog.Logger) { l.Info("x", "headers", headers) },
		"bearer":  func(l *slog.Logger) { l.Info("sent Authorization: Bearer hunter2.abc") },
		"url": func(l *slog.Logger) {
			l.Info("open mysql+pymysql://nvr:hunter2@10.0.0.3:3306/nvr")
		},
		"dsn":      func(l *slog.Logger) { l.Info("open nvr:hunter2@tcp(10.0.0.3:3306)/nvr") },
		"any type": func(l *slog.Logger) { l.Info("x", "password", []string{"hunter2"}) },
		"with":     func(l *slog.Logger) { l.With("Session_URI", "hunter2").Info("x") },
		"jwt": func(l *slog.Logger) {
			l.Info("got eyJhbGciOiJI.eyJodW50ZXIyIjoxfQ.hunter2abc")
		},
	} {
		got := fmt.Sprint(line(t, log))
		if strings.Contains(got, "hunter2") || !strings.Contains(got, "(hidden)") {
			t.Errorf("%s: %s", name, got)
		}
	}
	kept := fmt.Sprint(line(t, func(l *slog.Logger) {
		l.Info("x", "err", put, "headers", headers)
	}))
	for _, want := range []string{"broken pipe", "uploadType=resumable", "x:1", "text/html"} {
		if !strings.Contains(strings.ReplaceAll(kept, "x=1", "x:1"), want) {
			t.Errorf("%q is gone from %s", want, kept)
		}
	}
}

func TestEventsLieOpenInTheLine(t *testing.T) {
	t.Parallel()
	got := line(t, func(l *slog.Logger) { l.Info("delivered", observe.Delivered(5*time.Hour)) })
	if got["event"] != "delivered" || got["delay_seconds"] != 18000.0 || got["promise"] != "broken" {
		t.Errorf("%v", got)
	}
}

func TestContextsDoNotShareTheirAttributes(t *testing.T) {
	t.Parallel()
	base := observe.With(context.Background(), "merge", nvr.Claim{Record: 1}, "504")
	one, two := observe.WithSlice(base, 1), observe.WithSlice(base, 2)
	_ = two
	if got := line(t, func(l *slog.Logger) { l.InfoContext(one, "x") }); got["slice"] != 1.0 {
		t.Errorf("%v", got)
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("https://x/?upload_id=abc&y=1", "Bearer")
	f.Add("a:b@tcp(c)/d", "\"key\":[\"x\"]")
	f.Fuzz(func(t *testing.T, message, value string) {
		var out bytes.Buffer
		observe.Logger(&out, observe.Options{}).Info(message, "value", value)
		if !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", out.String())
		}
	})
}
