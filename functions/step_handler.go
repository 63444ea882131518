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

// stepHandler returns the handler of a step. A push carries one claim, for which do is called once. The
// answer 204 acknowledges the message: the step is done, given back, failed or stale. The answer 503 makes
// Pub/Sub deliver the message again. A push that cannot be read is logged and acknowledged, because a retry
// would not help.
func stepHandler(p *app.Process, step nvr.Step, do func(context.Context, nvr.Claim) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := dispatch.Receive(w, r)
		// If Pub/Sub gives up the push, the work continues until its own timeout, because the record is leased.
		ctx := context.WithoutCancel(r.Context())
		ctx = observe.With(
			observe.Extract(ctx, message.Attributes), string(step), message.Claim, "",
		)
		switch {
		case malformed(err):
			p.Log.ErrorContext(
				ctx, "a push that cannot be read; it is acknowledged",
				observe.Unreadable(), "err",
				err,
			)
			err = nil
		case err == nil && !handles(step, message.Claim.Step):
			p.Log.ErrorContext(
				ctx, "a push for another function; it is acknowledged",
				observe.Unreadable(), "wants",
				message.Claim.Step,
			)
		case err == nil:
			ctx, err = inSpan(ctx, string(step), func(ctx context.Context) error {
				return do(ctx, message.Claim)
			})
		}
		writeResult(ctx, w, p, err)
	})
}

// handles reports whether the handler of a step accepts a claim's step. Stage also restarts merges.
func handles(step, claimed nvr.Step) bool {
	return claimed == step || step == nvr.StepStage && claimed == nvr.StepMerge
}

// inSpan calls do in a span. The span ends before the answer begins: a span that ends later is sent during the
// next request, if there is one.
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

// requirePOST answers 405 to all methods but POST.
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
