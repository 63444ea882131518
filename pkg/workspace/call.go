package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// Answers that are not failures: they tell how things stand.
var (
	ErrNotFound    = errors.New("not there")
	ErrExists      = errors.New("already there")
	ErrChanged     = errors.New("changed by somebody else meanwhile")
	ErrAmbiguous   = errors.New("more than one fits")
	ErrSessionGone = errors.New("the upload session is gone")
)

const (
	patience  = 30 * time.Second // what one call may spend on pauses, before Scale
	quotaBack = time.Hour        // how soon a daily quota is tried again, before Scale
	rateBack  = 15 * time.Minute // how soon a rate limit that outlasted patience is tried again, before Scale
	etagTries = 12               // how often a change meets another one before the step is asked to come again
)

// do calls try until it succeeds, fails for good, or patience is used up. try must be safe to repeat
// even if its answer was lost. method is Google's name of the method that acts, for metrics and traces;
// what says in errors what was being done.
func (c *Client) do(ctx context.Context, method, what string, try func(context.Context) error) error {
	err := call.Do(ctx, c.policy, method, func(ctx context.Context) error {
		return redactURL(try(ctx))
	})
	return c.classify(ctx, what, err)
}

// newPolicy returns how calls to the three APIs are repeated.
func newPolicy(options Options) call.Policy {
	return call.Policy{
		FirstPause:   time.Second,
		LongestPause: 16 * time.Second,
		Patience:     patience,
		Scale:        options.Scale,
		Pause:        options.Pause,
		Read:         func(err error) call.Failure { return readFailure(err, options.Now()) },
		Observe:      options.Tried,
		Traced:       true,
	}
}

// readFailure returns what the error of one try means. An error that has its kind already is not tried
// again. An error that is no answer of the API (a broken connection, a cut answer, an overloaded token
// server) is retryable.
func readFailure(err error, now time.Time) call.Failure {
	var answer *googleapi.Error
	switch {
	case answered(err):
		return call.Failure{Kind: fault.Expected}
	case decided(err):
		return call.Failure{Kind: fault.Permanent}
	case !errors.As(err, &answer):
		return call.Failure{Kind: fault.Retryable}
	}
	wanted, _ := call.RetryAfter(answer.Header, now)
	return call.Failure{
		Kind:       fault.HTTP(answer.Code, reasonOf(answer)),
		Status:     answer.Code,
		RetryAfter: wanted,
	}
}

// decided reports whether err has its kind already.
func decided(err error) bool {
	return answered(err) || fault.KindOf(err) != fault.Retryable
}

// answered reports whether err is an answer about the state of things, which is not a failure.
func answered(err error) bool {
	var refused *ShareRefused
	for _, sentinel := range []error{
		ErrNotFound,
		ErrExists,
		ErrChanged,
		ErrAmbiguous,
		ErrSessionGone,
		fault.ErrStale,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return errors.As(err, &refused)
}

// classify turns what a call came back with into the kinds that steps know.
func (c *Client) classify(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	var answer *googleapi.Error
	if decided(err) || !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", what, err)
	}
	reason := reasonOf(answer)
	switch fault.HTTP(answer.Code, reason) {
	case fault.Deferred:
		return &fault.Deferral{
			Until: c.options.Now().Add(c.scaled(quotaBack)),
			Cause: cause.GoogleQuota(reason),
		}
	case fault.Permanent:
		return &fault.PermanentError{
			Cause: c.permanentCause(answer.Code, reason),
			Err:   fmt.Errorf("%s: %w", what, err),
		}
	case fault.Expected:
		return fmt.Errorf("%s: %w (%s)", what, sentinel(answer.Code), answer.Message)
	case fault.Stale: // no answer of Google has this kind
	case fault.Retryable: // and patience is used up
		if wanted, _ := call.RetryAfter(answer.Header, c.options.Now()); wanted > patience {
			return &fault.Deferral{
				Until: c.options.Now().Add(c.scaled(wanted)),
				Cause: cause.GoogleBusy(),
			}
		}
		// A rate limit that outlasts it is no failure: a full quota may stay so for hours, and Drive calls
		// its daily limit of uploads userRateLimitExceeded, too (github.com/rclone/rclone/issues/3328).
		if answer.Code == http.StatusTooManyRequests || answer.Code == http.StatusForbidden {
			return &fault.Deferral{
				Until: c.options.Now().Add(c.scaled(rateBack)),
				Cause: cause.GoogleBusy(),
			}
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func sentinel(status int) error {
	switch status {
	case http.StatusConflict:
		return ErrExists
	case http.StatusPreconditionFailed:
		return ErrChanged
	}
	return ErrNotFound
}

// redactURL takes the address off an error of net/http: a query says nothing to people, and the address of
// an upload session is a secret.
func redactURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
