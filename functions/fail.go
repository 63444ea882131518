package functions

import (
	"context"
	"fmt"
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/observe"
)

// Fail handles the messages of topic fail: messages of the other topics that could not be delivered. See
// [pipeline.Pipeline.Fail].
func Fail(p *app.Process) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := dispatch.Receive(w, r)
		ctx := observe.With(
			observe.Extract(r.Context(), message.Attributes), "fail",
			message.Claim, "",
		)
		switch {
		case malformed(err):
			p.Log.ErrorContext(
				ctx, "a dead message that cannot be read; it is acknowledged",
				observe.Unreadable(), "err",
				err,
			)
			err = nil
		case err == nil:
			from := message.Subscription
			if message.Dead != nil {
				from = message.Dead.Subscription
			}
			p.Log.WarnContext(ctx, "a message was given up", observe.DeadLetter(from))
			ctx, err = inSpan(ctx, "fail", func(ctx context.Context) error {
				reason := fmt.Sprintf("the message of subscription %s could not be delivered", from)
				return p.Fail(ctx, message.Claim, reason)
			})
		}
		writeResult(ctx, w, p, err)
	}), nil
}
