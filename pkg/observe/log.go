package observe

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Options say who writes the log.
type Options struct {
	Level   slog.Level
	Service string // the component, as in K_SERVICE; for labels and Error Reporting
	Version string // K_REVISION, or empty
}

// The names under which Cloud Logging reads what is its own. Everything else lands in jsonPayload.
const (
	keySeverity   = "severity"
	keyMessage    = "message"
	keyTrace      = "logging.googleapis.com/trace"
	keySpan       = "logging.googleapis.com/spanId"
	keySampled    = "logging.googleapis.com/trace_sampled"
	keySource     = "logging.googleapis.com/sourceLocation"
	keyLabels     = "logging.googleapis.com/labels"
	keyStack      = "stack_trace"
	keyReport     = "report"
	reportedError = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)

// Logger writes one JSON object a line to w, without secrets. A level above Error is CRITICAL.
func Logger(w io.Writer, opts Options) *slog.Logger {
	inner := slog.Handler(slog.NewJSONHandler(
		&scrubber{to: w},
		&slog.HandlerOptions{Level: opts.Level, ReplaceAttr: rename},
	))
	if opts.Service != "" {
		inner = inner.WithAttrs([]slog.Attr{slog.Group(keyLabels, "component", opts.Service)})
	}
	return slog.New(&handler{inner: inner, opts: opts})
}

// ParseLevel reads debug, info, warn or error; anything else is info.
func ParseLevel(name string) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(name)) != nil {
		return slog.LevelInfo
	}
	return level
}

// rename gives slog's own fields Cloud Logging's names, and hides values under secret names.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.LevelKey:
			level, _ := a.Value.Any().(slog.Level)
			return slog.String(keySeverity, severity(level))
		case slog.MessageKey:
			return slog.Attr{Key: keyMessage, Value: a.Value}
		case slog.TimeKey:
			return slog.String(slog.TimeKey, a.Value.Time().UTC().Format(time.RFC3339Nano))
		}
	}
	if a.Value.Kind() != slog.KindGroup && secretName(a.Key) {
		return slog.String(a.Key, hidden)
	}
	return a
}

func severity(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	case level == slog.LevelError:
		return "ERROR"
	}
	return "CRITICAL"
}

// handler adds to each line what its context and its level call for. These fields stand at the top of
// the line, where Cloud Logging looks for them, also if the logger has a group open; so groups are
// kept here and nested only when the line is made.
type handler struct {
	inner  slog.Handler // has the attributes given before the first group
	groups []group
	opts   Options
}

type group struct {
	name  string
	attrs []slog.Attr
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	next := *h
	if len(h.groups) == 0 {
		next.inner = h.inner.WithAttrs(attrs)
		return &next
	}
	next.groups = append([]group(nil), h.groups...)
	last := &next.groups[len(next.groups)-1]
	last.attrs = append(append([]slog.Attr(nil), last.attrs...), attrs...)
	return &next
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.groups = append(append([]group(nil), h.groups...), group{name: name})
	return &next
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, 0)
	out.AddAttrs(fromContext(ctx)...)
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		out.AddAttrs(slog.String(keyTrace, span.TraceID().String()), slog.String(keySpan, span.SpanID().String()),
			slog.Bool(keySampled, span.IsSampled()))
	}
	location := sourceOf(r.PC)
	if r.Level >= slog.LevelError && location.file != "" {
		out.AddAttrs(slog.Group(
			keySource,
			"file",
			location.file,
			"line",
			strconv.Itoa(location.line),
			"function",
			location.function,
		))
	}
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == keyReport && a.Value.Kind() == slog.KindBool {
			out.AddAttrs(h.report(location)...)
			return true
		}
		if a.Key == keyStack {
			out.AddAttrs(a)
			return true
		}
		attrs = append(attrs, a)
		return true
	})
	for i := len(h.groups) - 1; i >= 0; i-- {
		g := h.groups[i]
		attrs = []slog.Attr{{
			Key:   g.name,
			Value: slog.GroupValue(append(append([]slog.Attr(nil), g.attrs...), attrs...)...),
		}}
	}
	out.AddAttrs(attrs...)
	return h.inner.Handle(ctx, out)
}

// report is what makes Error Reporting take the line up without a stack in it.
func (h *handler) report(at location) []slog.Attr {
	return []slog.Attr{
		slog.String("@type", reportedError),
		slog.Group("serviceContext", "service", h.opts.Service, "version", h.opts.Version),
		slog.Group("context", slog.Group(
			"reportLocation",
			"filePath",
			at.file,
			"lineNumber",
			at.line,
			"functionName",
			at.function,
		)),
	}
}

// Reported marks a line that a person must see: it appears in Error Reporting. A failed record does;
// something that is tried again does not.
func Reported() slog.Attr { return slog.Bool(keyReport, true) }

// Stack is the stack of a goroutine that recovered from a panic, in the form Error Reporting groups by.
func Stack(recovered any) slog.Attr {
	text := slog.AnyValue(recovered).String()
	return slog.String(keyStack, "panic: "+text+"\n\n"+string(debug.Stack()))
}

type location struct {
	file     string
	line     int
	function string
}

// sourceOf names the place of a line within the module: no machine's paths.
func sourceOf(pc uintptr) location {
	if pc == 0 {
		return location{}
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	dir, _, _ := strings.Cut(strings.TrimPrefix(frame.Function, "github.com/nvr-miem/merger/"), ".")
	return location{
		file:     dir + "/" + filepath.Base(frame.File),
		line:     frame.Line,
		function: frame.Function,
	}
}
