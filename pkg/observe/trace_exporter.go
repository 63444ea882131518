package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// authorized is an HTTP client that sends the process's own identity.
func authorized(ctx context.Context, credentials *google.Credentials) *http.Client {
	return oauth2.NewClient(ctx, credentials.TokenSource)
}

// Span is a line of the trace file.
type Span struct {
	Trace      string            `json:"trace"`
	Span       string            `json:"span"`
	Parent     string            `json:"parent,omitempty"`
	Name       string            `json:"name"`
	Service    string            `json:"service"`
	Start      time.Time         `json:"start"`
	End        time.Time         `json:"end"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Error      string            `json:"error,omitempty"`
}

// fileExporter appends spans to a file. A line is one write in append mode, so processes can share it.
type fileExporter struct {
	mu   sync.Mutex
	file *os.File
}

func newFileExporter(name string) (*fileExporter, error) {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the file for traces: %w", err)
	}
	return &fileExporter{file: file}, nil
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e *fileExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range spans {
		line, err := json.Marshal(spanLine(s))
		if err != nil {
			return fmt.Errorf("write span %s: %w", s.Name(), err)
		}
		if _, err := e.file.Write(append(scrub(line), '\n')); err != nil {
			return fmt.Errorf("write span %s: %w", s.Name(), err)
		}
	}
	return nil
}

// Shutdown implements [sdktrace.SpanExporter].
func (e *fileExporter) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.file.Close()
}

func spanLine(s sdktrace.ReadOnlySpan) Span {
	line := Span{
		Trace:      s.SpanContext().TraceID().String(),
		Span:       s.SpanContext().SpanID().String(),
		Name:       s.Name(),
		Start:      s.StartTime().UTC(),
		End:        s.EndTime().UTC(),
		Error:      s.Status().Description,
		Attributes: map[string]string{},
	}
	if s.Parent().SpanID().IsValid() {
		line.Parent = s.Parent().SpanID().String()
	}
	for _, a := range s.Resource().Attributes() {
		if a.Key == "service.name" {
			line.Service = a.Value.String()
		}
	}
	for _, a := range s.Attributes() {
		line.Attributes[string(a.Key)] = a.Value.String()
	}
	return line
}
