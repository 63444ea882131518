package fault

import (
	"context"
	"net/http"
	"slices"
)

// CallObserver is given every call to an outside service that failed: its name ("drive.files.get"), the
// HTTP status (0: no answer came), and whether the same call is made again. An [Expected] answer is not
// a failure.
type CallObserver func(ctx context.Context, call string, status int, again bool, err error)

// HTTP returns the kind of an HTTP status and Google's reason for it. It is the one table for all calls to
// Google. Sources: Drive's "Resolve errors" and the error pages of Calendar, Classroom and Cloud Storage.
func HTTP(status int, reason string) Kind {
	switch {
	case status == http.StatusForbidden && slices.Contains(
		[]string{"rateLimitExceeded", "userRateLimitExceeded"},
		reason,
	):
		return Retryable
	case status == http.StatusForbidden && slices.Contains(
		[]string{"sharingRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded"},
		reason,
	):
		return Deferred
	case slices.Contains(
		[]int{
			http.StatusNotFound,
			http.StatusConflict,
			http.StatusPreconditionFailed,
			http.StatusGone,
		},
		status,
	):
		return Expected
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return Retryable
	case status >= http.StatusBadRequest:
		return Permanent
	}
	return Retryable
}
