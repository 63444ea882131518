package fault

import (
	"context"
	"net/http"
	"slices"
)

// Kind is what an answer of a Google API means for the work that got it.
type Kind int

// The kinds.
const (
	Retryable Kind = iota // the same call may work in a moment
	Deferred              // not now: a quota that comes back within a day
	Permanent             // no retry cures it
	Expected              // not a failure: 404, 409, 412 tell how things stand
)

// CallObserver is told of every call to Google that failed: its name ("drive.files.get"), the HTTP status (0: no
// answer came), and whether the same call is made again. An [Answer] has not failed.
type CallObserver func(ctx context.Context, call string, status int, again bool, err error)

// HTTP is the one table for all Google calls: what an HTTP status and Google's reason for it mean.
// See Drive's "Resolve errors" and the pages of Calendar, Classroom and Cloud Storage on errors.
func HTTP(status int, reason string) Kind {
	switch {
	case status == http.StatusForbidden && slices.Contains([]string{"rateLimitExceeded", "userRateLimitExceeded"}, reason):
		return Retryable
	case status == http.StatusForbidden && slices.Contains([]string{"sharingRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded"}, reason):
		return Deferred
	case slices.Contains([]int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusGone}, status):
		return Expected
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return Retryable
	case status >= http.StatusBadRequest:
		return Permanent
	}
	return Retryable
}
