// Package call repeats calls to services outside the process until they succeed, fail for good, or
// use up the patience of their policy.
//
// Cloud Storage (bucket/client.go) and publishing to Pub/Sub (dispatch/topics.go) use the retries of their
// client libraries instead. A package at the boundary describes its service in a [Policy]:
// the bounds of the pauses, and a function that reads an error of the service. The pauses grow
// exponentially with full jitter, as those of Google's client libraries do. The package does not
// convert errors: what a permanent or a deferred failure means for a record, the caller decides.
package call

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/observe"
)

// Policy describes how the calls to one service are repeated. All durations are at time scale 1. The
// zero policy repeats every failed call until its context ends.
type Policy struct {
	// FirstPause and LongestPause bound the pauses: the first is drawn from [0, FirstPause], and the
	// bound doubles from try to try up to LongestPause. Zero means 1 s and 30 s.
	FirstPause, LongestPause time.Duration

	Patience   time.Duration // the most that the pauses of one call may add up to; 0: no limit
	MaxTries   int           // the most tries of one call; 0: no limit
	TryTimeout time.Duration // the longest that one try may take, not scaled; 0: no limit

	Scale float64                                    // divides every pause; 0 means 1
	Pause func(context.Context, time.Duration) error // waits; nil: a timer

	Read    func(error) Failure // what a failed try means; nil: every failure is retryable
	Observe fault.CallObserver  // is given every failed try, but for expected ones; nil: none
	Traced  bool                // whether each call is a span of the trace
}

// Failure is what the error of one try means.
type Failure struct {
	Kind       fault.Kind
	Status     int           // the HTTP status; 0: no answer came
	RetryAfter time.Duration // the pause that the service asked for; 0: it did not ask
}

// Do calls try until it succeeds, fails with an error that is not retryable, or exhausts the policy.
// It returns the error of the last try as it is. If ctx ends during a pause, the error wraps both the
// cause of ctx and the error of the last try.
//
// try must be safe to repeat even if its answer was lost: an idempotent call, or a look for the effect
// followed by the call. name is the name of the called method, for metrics and traces.
func Do(ctx context.Context, policy Policy, name string, try func(context.Context) error) error {
	if !policy.Traced {
		return policy.repeat(ctx, name, try)
	}
	ctx, span := observe.Start(ctx, name)
	err := policy.repeat(ctx, name, try)
	if err != nil && policy.read(err).Kind == fault.Expected {
		observe.End(span, nil)
	} else {
		observe.End(span, err)
	}
	return err
}

func (p Policy) repeat(ctx context.Context, name string, try func(context.Context) error) error {
	backoff := gax.Backoff{Initial: p.FirstPause, Max: p.LongestPause, Multiplier: 2}
	var paused time.Duration
	for tries := 1; ; tries++ {
		err := p.once(ctx, try)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failure := p.read(err)
		if failure.Kind != fault.Retryable {
			p.observe(ctx, name, failure, false, err)
			return err
		}
		pause := max(backoff.Pause(), failure.RetryAfter)
		paused += pause
		again := !p.exhausted(paused, tries)
		p.observe(ctx, name, failure, again, err)
		if !again {
			return err
		}
		if p.pause(ctx, pause) != nil {
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		}
	}
}

// once makes one try, within the limit of its time.
func (p Policy) once(ctx context.Context, try func(context.Context) error) error {
	if p.TryTimeout > 0 {
		limited, cancel := context.WithTimeout(ctx, p.TryTimeout)
		defer cancel()
		ctx = limited
	}
	return try(ctx)
}

func (p Policy) read(err error) Failure {
	if p.Read == nil {
		return Failure{Kind: fault.Retryable}
	}
	return p.Read(err)
}

// exhausted reports whether the call may not be tried again. paused includes the pause before the next try.
func (p Policy) exhausted(paused time.Duration, tries int) bool {
	return p.Patience > 0 && paused > p.Patience || p.MaxTries > 0 && tries >= p.MaxTries
}

func (p Policy) observe(ctx context.Context, name string, failure Failure, again bool, err error) {
	if p.Observe != nil && failure.Kind != fault.Expected {
		p.Observe(ctx, name, failure.Status, again, err)
	}
}

// pause waits for d, divided by the time scale, or until ctx ends.
func (p Policy) pause(ctx context.Context, d time.Duration) error {
	d = p.Scaled(d)
	if p.Pause != nil {
		return p.Pause(ctx, d)
	}
	return Sleep(ctx, d)
}

// Sleep waits for d. If ctx ends first, it returns the cause of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if gax.Sleep(ctx, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Scaled returns d divided by the time scale, at least 1 ms.
func (p Policy) Scaled(d time.Duration) time.Duration {
	if p.Scale > 0 {
		d = time.Duration(float64(d) / p.Scale)
	}
	return max(d, time.Millisecond)
}

// RetryAfter returns the pause that the Retry-After header of an answer asks for, and whether it asks
// for one. The header holds seconds or a date (RFC 9110, section 10.2.3). A date is compared with now; a
// date in the past is a pause of zero. If now is zero, a date is ignored.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil && !now.IsZero() {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
