package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
)

// tried writes down the calls to Google that failed, for the metrics: those that are made again at a
// lower level, since their count says all.
func tried(log *slog.Logger) fault.CallObserver {
	return func(ctx context.Context, call string, status int, again bool, err error) {
		api, method, _ := strings.Cut(call, ".")
		if again {
			log.InfoContext(ctx, "a call failed; it is tried again", observe.Retry(api, method, 0), "status", status, "err", err)
			return
		}
		log.WarnContext(ctx, "a call failed for good", observe.APIError(api, method, status), "err", err)
	}
}
