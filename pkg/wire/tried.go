package wire

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
)

// tried writes down the calls to Workspace that failed, for the metrics: those that are tried again at
// debug level, since their count says all. An answer like "not there" is no failure.
func tried(log *slog.Logger) func(method string, try int, err error) {
	return func(method string, try int, err error) {
		if err == nil {
			return
		}
		api, call, _ := strings.Cut(method, ".")
		status, kind := 0, fault.Curable
		var answer *googleapi.Error
		if errors.As(err, &answer) {
			status = answer.Code
			reason := ""
			if len(answer.Errors) > 0 {
				reason = answer.Errors[0].Reason
			}
			kind = fault.HTTP(status, reason)
		}
		ctx := context.Background()
		switch kind {
		case fault.Curable:
			log.InfoContext(ctx, "a call failed; it may be tried again", observe.Retry(api, call, time.Duration(0)), "try", try, "err", err)
		case fault.Waiting, fault.Final:
			log.WarnContext(ctx, "a call was refused", observe.APIError(api, call, status), "err", err)
		case fault.Answer:
		}
	}
}
