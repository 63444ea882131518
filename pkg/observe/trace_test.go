package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
)

// TestATraceFollowsARecord goes the way of a record: claim, a message, stage, an answer. It is the only
// test that sets OpenTelemetry's globals.
func TestATraceFollowsARecord(t *testing.T) { //nolint:paralleltest // the globals
	file := filepath.Join(t.TempDir(), "traces.jsonl")
	tracing, err := observe.StartTracing(t.Context(), observe.TraceOptions{
		File:    file,
		Service: "stage",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, claim := observe.Root(
		observe.With(t.Context(), "claim", nvr.Claim{Record: 12}, "504"),
		"claim",
	)
	message := observe.Inject(ctx)
	observe.End(claim, nil)
	if message["traceparent"] == "" {
		t.Fatalf("%v", message)
	}

	var log bytes.Buffer
	logger := observe.Logger(&log, observe.Options{})
	function := tracing.Serve(logger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := observe.Start(observe.Extract(r.Context(), message), "stage")
		logger.InfoContext(ctx, "staged")
		observe.End(span, errors.New(`PUT "https://x/?upload_id=hunter2": cut`))
		w.WriteHeader(http.StatusNoContent)
		if text, _ := os.ReadFile(file); !strings.Contains(string(text), `"name":"stage"`) {
			t.Error("the span is not written before the answer")
		}
	}))
	answer := httptest.NewRecorder()
	function.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", nil))
	if answer.Code != http.StatusNoContent {
		t.Errorf("%d", answer.Code)
	}
	// Claim sends the record on after a pause: no message has brought the trace.
	again, goingOn := observe.Root(
		observe.With(t.Context(), "claim", nvr.Claim{Record: 12, Attempt: 2}, "504"),
		"again",
	)
	for _, name := range []string{"cloud.google.com/go/storage.Object.Writer", "cloud.google.com/go/storage.Object.Reader"} {
		_, call := otel.Tracer("storage").Start(again, name)
		call.End()
	}
	observe.End(goingOn, nil)
	_, other := observe.Root(
		observe.With(t.Context(), "claim", nvr.Claim{Record: 13}, "504"),
		"other",
	)
	observe.End(other, nil)
	_, lost := otel.Tracer("storage").Start(t.Context(), "cloud.google.com/go/storage.Object.Lost")
	lost.End()
	if err := tracing.Close(t.Context()); err != nil {
		t.Error(err)
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spans := map[string]observe.Span{}
	for line := range strings.Lines(string(text)) {
		var span observe.Span
		if err := json.Unmarshal([]byte(line), &span); err != nil {
			t.Fatal(err)
		}
		spans[span.Name] = span
	}
	if c, s := spans["claim"], spans["stage"]; c.Trace != s.Trace || s.Parent != c.Span || s.Service != "stage" || c.Attributes["nvr.record"] != "12" {
		t.Errorf("%+v", spans)
	}
	if again := spans["again"]; again.Trace != spans["claim"].Trace || again.Parent != "" || spans["other"].Trace == again.Trace {
		t.Errorf("a record is not one trace: %+v", spans)
	}
	if writer := spans["cloud.google.com/go/storage.Object.Writer"]; writer.Parent != spans["again"].Span || len(spans) != 5 {
		t.Errorf("want the write, and neither reads nor what belongs to nothing: %+v", spans)
	}
	if s := spans["stage"]; !strings.Contains(s.Error, "cut") || strings.Contains(string(text), "hunter2") {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(log.String(), spans["claim"].Trace) {
		t.Errorf("the line has no trace: %s", log.String())
	}
}

func TestNothingIsTracedWhereNobodyAsks(t *testing.T) {
	t.Parallel()
	tracing, err := observe.StartTracing(t.Context(), observe.TraceOptions{Project: "local"})
	if tracing != nil || err != nil {
		t.Fatal(tracing, err)
	}
	if err := errors.Join(tracing.Flush(t.Context()), tracing.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestAPanicIsOneLineAndA500(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var none *observe.Tracing
	function := none.Serve(
		observe.Logger(&log, observe.Options{}),
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }),
	)
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	function.ServeHTTP(answer, request)
	if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "boom") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"stack_trace":"panic: boom`) ||
		!strings.Contains(text, "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("%s", text)
	}
}

func TestGarbageIsNoTrace(t *testing.T) {
	t.Parallel()
	for _, garbage := range []string{
		"",
		"x",
		"00-0-0-0",
		strings.Repeat("0", 10000),
		"00-00000000000000000000000000000000-0000000000000000-01",
	} {
		if got := observe.Inject(observe.Extract(t.Context(), map[string]string{"traceparent": garbage})); len(got) != 0 {
			t.Errorf("%.20q: %v", garbage, got)
		}
	}
}
