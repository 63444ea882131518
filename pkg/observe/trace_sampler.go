package observe

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// ids gives a trace that begins for a record an id that the record's number decides. So all attempts, and
// what goes on after a pause or a lost message, are one trace, though no row carries it.
type ids struct{}

// NewIDs implements [sdktrace.IDGenerator].
func (i ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	for _, a := range fromContext(ctx) {
		if a.Key == "record" && a.Value.Kind() == slog.KindInt64 {
			sum := sha256.Sum256([]byte("record " + a.Value.String()))
			copy(id[:], sum[:])
		}
	}
	if !id.IsValid() {
		_, _ = rand.Read(id[:]) // never fails
	}
	return id, i.NewSpanID(ctx, id)
}

// NewSpanID implements [sdktrace.IDGenerator].
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	_, _ = rand.Read(id[:])
	return id
}

// sampler samples all spans of a record. It drops two kinds of spans that Google's libraries start: spans
// without a parent span of this program, and range reads of footage. The range reads are the most frequent
// spans, and their parent span holds the same information.
type sampler struct{ sdktrace.Sampler }

// ShouldSample implements [sdktrace.Sampler].
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(p.ParentContext)
	if strings.HasPrefix(p.Name, "cloud.google.com/") && (!parent.IsValid() || strings.HasSuffix(p.Name, "Reader")) {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: parent.TraceState()}
	}
	return s.Sampler.ShouldSample(p)
}
