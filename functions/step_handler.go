package functions

import (
	"context"
	"errors"
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
)

// stepHandler is every function that a topic wakes: one push, one claim, one step, one answer.
// 204 means settled (done, given back, failed for good, or stale); 503 asks Pub/Sub to bring it again.
// A push that cannot be read names no record, and no retry mends it: 204 and a line in the log.
func stepHandler(p *app.Process, step nvr.Step, do func(context.Context, nvr.Claim) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := dispatch.Receive(w, r)
		// A push that is given up by its sender goes on until its own time is up: what it holds is held.
		ctx := context.WithoutCancel(r.Context())
		ctx = observe.With(observe.Extract(ctx, message.Attributes), string(step), message.Claim, "")
		switch {
		case malformed(err):
			p.Log.ErrorContext(ctx, "a push that cannot be read; it is acknowledged", observe.Unreadable(), "err", err)
			err = nil
		case err == nil && message.Claim.Step != step && !(step == nvr.StepStage && message.Claim.Step == nvr.StepMerge):
			p.Log.ErrorContext(ctx, "a push for another function; it is acknowledged", observe.Unreadable(), "wants", message.Claim.Step)
		case err == nil:
			ctx, err = inSpan(ctx, string(step), func(ctx context.Context) error { return do(ctx, message.Claim) })
		}
		writeResult(ctx, w, p, err)
	})
}

// inSpan does the work in a span, which has ended when the answer begins: what ends later is sent when the
// next request comes, if ever.
func inSpan(ctx context.Context, name string, do func(context.Context) error) (context.Context, error) {
	ctx, span := observe.Start(ctx, name)
	err := do(ctx)
	observe.End(span, err)
	return ctx, err
}

func malformed(err error) bool {
	var m *dispatch.Malformed
	return errors.As(err, &m)
}

// writeResult answers a push. An error answer makes Pub/Sub deliver the message again.
func writeResult(ctx context.Context, w http.ResponseWriter, p *app.Process, err error) {
	if err != nil {
		p.Log.WarnContext(ctx, "not handled: the message will be delivered again", "err", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// requirePOST lets only POST through: nothing else wakes an internal function.
func requirePOST(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}
