// Package dispatch hands a claim over: a message to the function that goes on ([Topics]), a message
// as Pub/Sub pushes it ([Receive]), and the job that renders ([Jobs]).
//
// It knows Pub/Sub, the envelope of its pushes and the Cloud Run Admin API. It knows no rows: a
// message carries a claim, the row decides whether it still holds, and no message is ever believed
// because of its id, its order or its number of deliveries. What Google answers becomes one of the
// kinds of package fault here, by [fault.HTTP].
//
// Nothing here can be deduplicated by Google: a publish may become two messages, and a start of the
// job whose answer was lost may have started it. So [Jobs.Start] looks before it runs, and everything
// that a message or an execution does must be harmless when it is done twice.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// Answers that are not failures.
var (
	ErrNotFound = errors.New("not found")
	ErrChanged  = errors.New("not in the state that was expected")
)

// patience is how long one call to the Admin API is tried, and how long one publish, at time scale 1.
const patience = 30 * time.Second

// newPolicy returns how calls of this package are repeated. pause may be nil.
func newPolicy(scale float64, pause func(context.Context, time.Duration) error, tried fault.CallObserver) call.Policy {
	return call.Policy{
		FirstPause:   500 * time.Millisecond,
		LongestPause: 8 * time.Second,
		Patience:     patience,
		Scale:        scale,
		Pause:        pause,
		Read:         readFailure,
		Observe:      tried,
		Traced:       true,
	}
}

// do calls try by the policy and returns its error with the kind that callers act on. name is Google's
// name of the method.
func do(ctx context.Context, policy call.Policy, name string, try func(context.Context) error) error {
	return classify(call.Do(ctx, policy, name, try))
}

// readFailure returns what the error of one try means.
func readFailure(err error) call.Failure {
	status, _ := answer(err)
	return call.Failure{Kind: kind(err), Status: status, RetryAfter: retryAfter(err)}
}

// kind returns what an error of a call means. Without an answer a call is retryable.
func kind(err error) fault.Kind {
	status, reason := answer(err)
	if status == 0 {
		return fault.Retryable
	}
	return fault.HTTP(status, reason)
}

// classify is an error with the kind that callers act on.
func classify(err error) error {
	if err == nil {
		return nil
	}
	code, _ := answer(err)
	switch kind(err) {
	case fault.Expected:
		if code == http.StatusNotFound || code == http.StatusGone {
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return fmt.Errorf("%w: %w", ErrChanged, err)
	case fault.Permanent:
		return &fault.PermanentError{Cause: cause.CloudRefused(), Err: err}
	case fault.Retryable, fault.Deferred, fault.Stale: // a daily quota of these two services is not known: try again
	}
	return err
}

// answer is the HTTP status of an error of Google's and its reason, 0 if no answer came.
func answer(err error) (int, string) {
	if rest := (*googleapi.Error)(nil); errors.As(err, &rest) {
		if len(rest.Errors) > 0 {
			return rest.Code, rest.Errors[0].Reason
		}
		return rest.Code, ""
	}
	if _, ok := status.FromError(err); !ok {
		return 0, ""
	}
	switch status.Code(err) {
	case codes.InvalidArgument, codes.OutOfRange:
		return http.StatusBadRequest, ""
	case codes.Unauthenticated:
		return http.StatusUnauthorized, ""
	case codes.PermissionDenied:
		return http.StatusForbidden, ""
	case codes.NotFound:
		return http.StatusNotFound, ""
	case codes.AlreadyExists:
		return http.StatusConflict, ""
	case codes.FailedPrecondition:
		return http.StatusPreconditionFailed, ""
	default:
		return 0, "" // everything else passes, or did not come from the service
	}
}

// retryAfter returns the pause that the service asked for, at most an hour; 0 if it did not ask.
func retryAfter(err error) time.Duration {
	var rest *googleapi.Error
	if !errors.As(err, &rest) {
		return 0
	}
	wanted, _ := call.RetryAfter(rest.Header, time.Time{}) // both services ask in seconds
	return min(wanted, time.Hour)
}
