package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

const (
	patience   = 30 * time.Second // the most that the pauses of one notice may add up to, before Scale
	tryTimeout = time.Minute      // of one try
	maxReply   = 4 << 20          // bytes of an answer that are read
)

// caller sends requests and repeats them.
type caller struct {
	client *http.Client
	policy call.Policy
	now    func() time.Time
}

func newCaller(o Options) *caller {
	return &caller{
		client: &http.Client{
			Transport: o.Transport,
			// A request that is signed for one address goes to no other.
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
		policy: call.Policy{
			FirstPause:   time.Second,
			LongestPause: 16 * time.Second,
			Patience:     patience,
			TryTimeout:   tryTimeout,
			Scale:        o.Scale,
			Pause:        o.Pause,
			Read:         readFailure,
		},
		now: o.Now,
	}
}

// busyError is an answer that asks the client to try later.
type busyError struct {
	after time.Duration
	err   error
}

// Error implements error.
func (b *busyError) Error() string {
	return b.err.Error()
}

// readFailure returns what the error of one try means. An uncertain send is not repeated.
func readFailure(err error) call.Failure {
	if fault.KindOf(err) == fault.Permanent || errors.Is(err, ErrUncertain) {
		return call.Failure{Kind: fault.Permanent}
	}
	var busy *busyError
	if errors.As(err, &busy) {
		return call.Failure{Kind: fault.Retryable, RetryAfter: busy.after}
	}
	return call.Failure{Kind: fault.Retryable}
}

// do calls try until it succeeds, fails for good, or patience is used up. try must be safe to repeat. what
// says in errors what was being done.
func (c *caller) do(ctx context.Context, what string, try func(context.Context) error) error {
	if err := call.Do(ctx, c.policy, what, try); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// send makes one HTTP call and gives the body of a good answer. refused is the cause of a refusal.
func (c *caller) send(request *http.Request, refused cause.Cause) ([]byte, error) {
	response, err := c.client.Do(request)
	if err != nil {
		var at *url.Error // its address may hold a secret
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return nil, err
	}
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return body, nil
	}
	err = fmt.Errorf("status %d: %.200q", status, body)
	if status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 {
		wanted, _ := call.RetryAfter(response.Header, c.now())
		return nil, &busyError{after: wanted, err: err}
	}
	return nil, &fault.PermanentError{Cause: refused, Err: err}
}
