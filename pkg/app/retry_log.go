package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
)

// logFailedCalls returns an observer that logs failed calls to Google; the metrics count these lines. A call
// that is tried again is logged at a lower level, because only its count matters.
func logFailedCalls(log *slog.Logger) fault.CallObserver {
	return func(ctx context.Context, call string, status int, again bool, err error) {
		api, method, _ := strings.Cut(call, ".")
		if again {
			log.InfoContext(
				ctx, "call failed, trying again",
				observe.Retry(api, method, 0), "status",
				status, "err",
				err,
			)
			return
		}
		log.WarnContext(ctx, "call failed", observe.APIError(api, method, status), "err", err)
	}
}
