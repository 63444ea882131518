package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"

	"github.com/nvr-miem/merger/pkg/fault"
)

const (
	patience = 30 * time.Second // what one notice may spend on pauses, before Scale
	perTry   = time.Minute      // what one try may take
	maxReply = 4 << 20          // bytes of an answer that are read
)

// caller repeats what may be repeated.
type caller struct {
	client *http.Client
	pause  func(context.Context, time.Duration) error
	scale  float64
}

func newCaller(o Options) *caller {
	c := &caller{
		client: &http.Client{
			Transport: o.Transport,
			// What is signed for one address goes to no other.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pause: o.Pause, scale: o.Scale,
	}
	if c.scale == 0 {
		c.scale = 1
	}
	if c.pause == nil {
		c.pause = pause
	}
	return c
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// busy is an answer that asks to come again.
type busy struct {
	after time.Duration
	err   error
}

// Error implements error.
func (b *busy) Error() string { return b.err.Error() }

// do calls try, which must be safe to repeat, until it succeeds, fails for good, or patience is spent.
func (c *caller) do(ctx context.Context, what string, try func(context.Context) error) error {
	backoff := gax.Backoff{Initial: time.Second, Max: 16 * time.Second, Multiplier: 2}
	var spent time.Duration
	for {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, perTry)
			defer cancel()
			return try(ctx)
		}()
		var permanent *fault.PermanentError
		if err == nil || errors.As(err, &permanent) || errors.Is(err, ErrUncertain) {
			return err
		}
		d := backoff.Pause()
		if wanted := (*busy)(nil); errors.As(err, &wanted) {
			d = max(d, wanted.after)
		}
		if spent += d; spent > patience || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if c.pause(ctx, time.Duration(float64(d)/c.scale)) != nil {
			return fmt.Errorf("%s: %w (last: %w)", what, context.Cause(ctx), err)
		}
	}
}

// send makes one HTTP call and gives the body of a good answer. final is the reason of a refusal.
func (c *caller) send(request *http.Request, final fault.Reason) ([]byte, error) {
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
		seconds, _ := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31)
		return nil, &busy{after: time.Duration(seconds) * time.Second, err: err}
	}
	return nil, &fault.PermanentError{Reason: final, Err: err}
}
