package observe

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/oauth2/google"
)

// TraceOptions say where spans go: to File if it is named, else to the Cloud Trace of Project, else nowhere.
type TraceOptions struct {
	Project string // empty or "local": not in the cloud
	File    string // JSON lines, appended; several processes may share it
	Service string
	Version string
}

// Tracing collects the spans of this process and sends them. A nil Tracing does nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
}

// endpoint takes OTLP; Google's own exporter of traces is given up in favour of it.
const endpoint = "https://telemetry.googleapis.com/v1/traces"

const scope = "https://www.googleapis.com/auth/trace.append"

// StartTracing makes the process's spans. Google's client libraries take the provider and the
// propagator from OpenTelemetry's globals, so this sets them: call it once, from main.
func StartTracing(ctx context.Context, opts TraceOptions) (*Tracing, error) {
	exporter, err := opts.exporter(ctx)
	if err != nil || exporter == nil {
		return nil, err
	}
	about := resource.NewSchemaless(
		attribute.String("service.name", opts.Service), attribute.String("service.version", opts.Version),
		attribute.String("gcp.project_id", opts.Project), // the Telemetry API files spans by it
	)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSampler(sampler{sdktrace.ParentBased(sdktrace.AlwaysSample())}),
	)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return &Tracing{provider: provider}, nil
}

func (o TraceOptions) exporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	switch {
	case o.File != "":
		return newFileExporter(o.File)
	case o.Project == "" || o.Project == "local":
		return nil, nil
	}
	credentials, err := google.FindDefaultCredentials(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("find the credentials to send traces with: %w", err)
	}
	exporter, err := otlptracehttp.New(
		ctx,
		otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithHTTPClient(authorized(ctx, credentials)),
	)
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	return exporter, nil
}

// Flush sends what has ended. A function does so before it answers: afterwards its CPU may be taken
// away. A trace that cannot be sent is no reason to fail; the error is for the log.
func (t *Tracing) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.ForceFlush(ctx); err != nil {
		return fmt.Errorf("send traces: %w", err)
	}
	return nil
}

// Close sends what is left and stops.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return errors.Join(t.Flush(ctx), t.provider.Shutdown(ctx))
}

// Start begins a span under the one in the context. End it with [End].
func Start(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	return otel.Tracer("merger").Start(
		ctx,
		name,
		trace.WithAttributes(append(spanAttributes(ctx), attrs...)...),
	)
}

// Root begins an attempt at the context's record, in the record's trace (see [ids]). What woke the process is
// linked and not the parent: one run of claim serves many records, and Cloud Run's own sampling shall not
// decide about them.
func Root(ctx context.Context, name string) (context.Context, trace.Span) {
	return otel.Tracer("merger").Start(ctx, name, trace.WithNewRoot(),
		trace.WithLinks(trace.LinkFromContext(ctx)), trace.WithAttributes(spanAttributes(ctx)...))
}

// End ends a span, with the error that its work ended with, if any.
func End(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, string(scrub([]byte(err.Error()))))
	}
	span.End()
}

// Inject is the context's trace as attributes of a message, headers or environment of a task: W3C's
// traceparent and tracestate. It is empty where no trace is.
func Inject(ctx context.Context) map[string]string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier
}

// Extract continues the trace that [Inject] wrote down. What is not a trace is ignored: it came from outside.
func Extract(ctx context.Context, attributes map[string]string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(attributes))
}

// spanAttributes are the context's attributes of [With], so that a span is found by record.
func spanAttributes(ctx context.Context) []attribute.KeyValue {
	attrs := fromContext(ctx)
	out := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, attribute.String("nvr."+a.Key, a.Value.String()))
	}
	return out
}
