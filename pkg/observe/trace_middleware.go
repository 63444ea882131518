package observe

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
)

// flushWithin bounds what an answer waits for traces.
const flushWithin = 2 * time.Second

// Serve wraps a function: its lines carry the trace of the request, a panic becomes one line and a 500,
// and spans that have ended are sent before the first byte of the answer. (The framework's own recovery
// prints the stack as plain text, a line an entry.)
func (t *Tracing) Serve(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		answer := &flusher{ResponseWriter: w, flush: func() { t.flush(ctx, log) }}
		defer func() {
			recovered := recover()
			if recovered == http.ErrAbortHandler { //nolint:errorlint // the value itself, as net/http compares it
				panic(recovered)
			}
			if recovered != nil {
				path := strings.ToValidUTF8(r.URL.Path, "?")
				log.ErrorContext(
					ctx, "panic",
					Stack(recovered), slog.String("method", r.Method),
					slog.String("path", path),
				)
				if !answer.begun {
					http.Error(answer, "internal error", http.StatusInternalServerError)
				}
			}
			answer.begin() // the handler wrote no answer
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

func (t *Tracing) flush(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	if err := t.Flush(ctx); err != nil {
		log.WarnContext(ctx, "traces are not sent", "err", err)
	}
}

// flusher calls flush once, before the answer begins.
type flusher struct {
	http.ResponseWriter
	begun bool
	flush func()
}

func (f *flusher) begin() {
	if !f.begun {
		f.begun = true
		f.flush()
	}
}

// WriteHeader implements [http.ResponseWriter].
func (f *flusher) WriteHeader(status int) {
	if status >= http.StatusOK {
		f.begin()
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (f *flusher) Write(p []byte) (int, error) {
	f.begin()
	return f.ResponseWriter.Write(p)
}

// Flush implements [http.Flusher], for streams of events.
func (f *flusher) Flush() {
	f.begin()
	_ = http.NewResponseController(f.ResponseWriter).Flush() // who cannot flush sends at the end
}

// Unwrap lets [http.ResponseController] reach the connection.
func (f *flusher) Unwrap() http.ResponseWriter { return f.ResponseWriter }
