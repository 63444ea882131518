package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
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

// do calls try until it succeeds, fails for good, or patience is spent. try must be safe to repeat
// even when its answer was lost: an idempotent call, or a look for the effect followed by the act. method
// is Google's name of the call that acts, for metrics; what is for people.
func (c *Client) do(ctx context.Context, method, what string, try func(context.Context) error) (err error) {
	ctx, span := observe.Start(ctx, method)
	defer func() {
		if answered(err) {
			observe.End(span, nil)
			return
		}
		observe.End(span, err)
	}()
	backoff := gax.Backoff{Initial: time.Second, Max: 16 * time.Second, Multiplier: 2} // with full jitter
	var spent time.Duration
	for {
		err = try(ctx)
		if err == nil || !curable(ctx, err) {
			c.observeFailure(ctx, method, err, false)
			return c.classify(ctx, what, err)
		}
		wanted, asked := retryAfter(err, c.options.Now())
		d := max(backoff.Pause(), wanted)
		spent += d
		c.observeFailure(ctx, method, err, spent <= patience)
		if asked && wanted > patience {
			return &fault.Deferral{Until: c.options.Now().Add(c.scaled(wanted)), Why: busyReason()}
		}
		if spent > patience {
			return c.classify(ctx, what, err)
		}
		if c.wait(ctx, d) != nil {
			return fmt.Errorf("%s: %w (last: %w)", what, context.Cause(ctx), redactURL(err))
		}
	}
}

// observeFailure hands on that a call failed, for the metrics.
func (c *Client) observeFailure(ctx context.Context, method string, err error, again bool) {
	var answer *googleapi.Error
	status := 0
	if errors.As(err, &answer) {
		status = answer.Code
	}
	if err == nil || ctx.Err() != nil || answered(err) || answer != nil && fault.HTTP(status, reasonOf(answer)) == fault.Expected {
		return
	}
	c.options.Tried(ctx, method, status, again, err)
}

// curable tells whether the same call may work in a moment.
func curable(ctx context.Context, err error) bool {
	if ctx.Err() != nil || decided(err) {
		return false
	}
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		return fault.HTTP(answer.Code, reasonOf(answer)) == fault.Retryable
	}
	return true // a broken connection, a cut answer, a token server out of breath
}

// decided tells whether err has its meaning already.
func decided(err error) bool {
	var permanent *fault.PermanentError
	var later *fault.Deferral
	return answered(err) || errors.As(err, &permanent) || errors.As(err, &later)
}

// answered tells whether err says how things stand, which is no failure.
func answered(err error) bool {
	var refused *ShareRefused
	for _, sentinel := range []error{ErrNotFound, ErrExists, ErrChanged, ErrAmbiguous, ErrSessionGone, fault.ErrStale} {
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
		return fmt.Errorf("%s: %w", what, redactURL(err))
	}
	reason := reasonOf(answer)
	switch fault.HTTP(answer.Code, reason) {
	case fault.Deferred:
		return &fault.Deferral{Until: c.options.Now().Add(c.scaled(quotaBack)), Why: quotaReason(reason)}
	case fault.Permanent:
		return &fault.PermanentError{Reason: c.finalReason(answer.Code, reason), Err: fmt.Errorf("%s: %w", what, err)}
	case fault.Expected:
		return fmt.Errorf("%s: %w (%s)", what, sentinel(answer.Code), answer.Message)
	case fault.Retryable: // and patience is spent
		// A rate limit that outlasts it is nobody's failure: a full quota may stay so for hours, and Drive calls
		// its daily limit of uploads userRateLimitExceeded, too (github.com/rclone/rclone/issues/3328).
		if answer.Code == http.StatusTooManyRequests || answer.Code == http.StatusForbidden {
			return &fault.Deferral{Until: c.options.Now().Add(c.scaled(rateBack)), Why: busyReason()}
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

// retryAfter is the pause that the server asks for.
func retryAfter(err error, now time.Time) (time.Duration, bool) {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return 0, false
	}
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
