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
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
)

// Answers that are not failures.
var (
	ErrNotFound = errors.New("not found")
	ErrChanged  = errors.New("not in the state that was expected")
)

// patience is how long one call to the Admin API is tried, and how long one publish, at time scale 1.
const patience = 30 * time.Second

// retrier is how a client of this package waits between the tries of one call.
type retrier struct {
	scale float64
	pause func(context.Context, time.Duration) error
	tried fault.CallObserver
}

func newWaits(scale float64, pause func(context.Context, time.Duration) error, tried fault.CallObserver) retrier {
	if scale <= 0 {
		scale = 1
	}
	if pause == nil {
		pause = gax.Sleep
	}
	if tried == nil {
		tried = func(context.Context, string, int, bool, error) {}
	}
	return retrier{scale: scale, pause: pause, tried: tried}
}

func (w retrier) scaled(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)/w.scale))
}

// do calls do until it succeeds, fails for good, or has been given patience; the error comes back
// as package fault wants it. call is Google's name of what is called.
func (w retrier) do(ctx context.Context, call string, do func(context.Context) error) (err error) {
	ctx, span := observe.Start(ctx, call)
	defer func() {
		if err != nil && kind(err) == fault.Expected {
			observe.End(span, nil)
			return
		}
		observe.End(span, err)
	}()
	backoff := gax.Backoff{Initial: w.scaled(500 * time.Millisecond), Max: w.scaled(8 * time.Second), Multiplier: 2}
	var waited time.Duration
	for {
		err = do(ctx)
		if err == nil || ctx.Err() != nil || kind(err) != fault.Retryable {
			w.told(ctx, call, err, false)
			return classify(err)
		}
		pause := max(backoff.Pause(), w.scaled(retryAfter(err)))
		waited += pause
		w.told(ctx, call, err, waited <= w.scaled(patience))
		if waited > w.scaled(patience) {
			return err
		}
		if paused := w.pause(ctx, pause); paused != nil {
			return errors.Join(err, paused)
		}
	}
}

// told hands on that a call failed, for the metrics.
func (w retrier) told(ctx context.Context, call string, err error, again bool) {
	if err == nil || ctx.Err() != nil || kind(err) == fault.Expected {
		return
	}
	code, _ := answer(err)
	w.tried(ctx, call, code, again, err)
}

// kind asks the one table what an error of a call means.
func kind(err error) fault.Kind {
	status, reason := answer(err)
	if status == 0 {
		return fault.Retryable // no answer came
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
		return &fault.PermanentError{Err: err, Reason: fault.Reason{
			En: "Google Cloud refuses to start or to ask for the next step: the system's permissions or settings are wrong; tell the administrator",
			Ru: "Google Cloud отказывается запускать следующий шаг: неверны права или настройки системы; сообщите администратору",
		}}
	case fault.Retryable, fault.Deferred: // a daily quota of these two services is not known: try again
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

// retryAfter is how long the service asked to be left alone; 0 if it did not.
func retryAfter(err error) time.Duration {
	rest := (*googleapi.Error)(nil)
	if !errors.As(err, &rest) {
		return 0
	}
	seconds, err := strconv.Atoi(rest.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
