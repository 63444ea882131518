// Package bucket stores segments, plans, parts and merges in Cloud Storage. The package
// defines the object names. Each write has a precondition, and each read is of one generation.
//
// It depends on the client library of Cloud Storage and on the layout of the two buckets, but
// not on records, video or Drive. Every call retries for about 30 s. The errors after that are
// classified: [ErrNotFound], [ErrExists] and [ErrChanged] describe the state of an object,
// fault.PermanentError and fault.Deferral are decisions, and any other error can be retried.
// Objects are streamed and never held in memory as a whole. Start with [New], then use
// [Bucket.Create] and [Bucket.Open].
package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"github.com/nvr-miem/merger/pkg/fault"
)

const (
	// retryFor is how long a call retries before the work is handed back.
	retryFor = 30 * time.Second
	// chunkRetryFor is how long one chunk of an upload retries. Starting again
	// would send the whole merge.
	chunkRetryFor = 4 * time.Minute
	// chunkTimeout is the time after which a chunk has stalled.
	chunkTimeout = 2 * time.Minute
	firstPause   = 200 * time.Millisecond
	maxPause     = 10 * time.Second
	// minRetryFor bounds the retries from below when waits are scaled.
	minRetryFor = 3 * time.Second
	// errorBytes bounds how much is read of an error response.
	errorBytes = 64 << 10
)

// Options configure a client.
type Options struct {
	// Endpoint is an address like http://127.0.0.1:9000/storage/v1/. Empty means
	// Google.
	Endpoint string
	// Transport is below everything else. Nil means the default.
	Transport http.RoundTripper
	// Scale divides every wait. 0 means 1.
	Scale float64
	// Now returns the current time. It dates the retry after an exhausted quota.
	Now func() time.Time
	// Tried observes calls for metrics. It may be nil.
	Tried fault.CallObserver
}

// Client accesses Cloud Storage. It must be closed.
type Client struct {
	storage *storage.Client
	opts    Options
}

// New returns a client. For Google it uses the application default credentials.
func New(ctx context.Context, opts Options) (*Client, error) {
	if opts.Scale == 0 {
		opts.Scale = 1
	}
	if opts.Tried == nil {
		opts.Tried = func(context.Context, string, int, bool, error) {}
	}
	transport, err := transport(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("open Cloud Storage: %w", err)
	}
	options := []option.ClientOption{
		storage.WithJSONReads(),
		option.WithHTTPClient(&http.Client{Transport: &retryTransport{
			next:    transport,
			scale:   opts.Scale,
			observe: opts.Tried,
		}}),
	}
	if opts.Endpoint != "" {
		options = append(options, option.WithEndpoint(opts.Endpoint))
	}
	client, err := storage.NewClient(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("open Cloud Storage: %w", err)
	}
	// Every write below has a precondition, so that all are idempotent and are tried again.
	client.SetRetry(
		storage.WithPolicy(storage.RetryIdempotent),
		storage.WithErrorFunc(storage.ShouldRetry), // said here, it holds for uploads too, which else give up at a cut connection
		storage.WithBackoff(gax.Backoff{
			Initial:    opts.scaled(firstPause),
			Max:        opts.scaled(maxPause),
			Multiplier: 2,
		}),
		storage.WithMaxRetryDuration(max(opts.scaled(retryFor), minRetryFor)),
	)
	return &Client{storage: client, opts: opts}, nil
}

// transport returns the HTTP transport, with credentials for Google.
func transport(ctx context.Context, opts Options) (http.RoundTripper, error) {
	if opts.Endpoint != "" {
		if opts.Transport != nil {
			return opts.Transport, nil
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 64 // as Google's own transport
		return transport, nil
	}
	base := opts.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return htransport.NewTransport(ctx, base, option.WithScopes(storage.ScopeReadWrite))
}

// scaled divides a wait by Scale. The result is at least 1 ms.
func (o Options) scaled(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/o.Scale), time.Millisecond)
}

// Close closes the connections of the client.
func (c *Client) Close() error {
	return c.storage.Close()
}

// Bucket returns a bucket, which need not exist.
func (c *Client) Bucket(name string) *Bucket {
	return &Bucket{client: c, name: name, handle: c.storage.Bucket(name)}
}

// Bucket is a bucket of Cloud Storage.
type Bucket struct {
	client *Client
	name   string
	handle *storage.BucketHandle
}

// Name returns the name of the bucket.
func (b *Bucket) Name() string {
	return b.name
}

// Check returns an error if the bucket cannot be reached.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.handle.Attrs(ctx); err != nil {
		return b.classify(ctx, err, callBucketGet, "look at bucket %s", b.name)
	}
	return nil
}

// retryTransport converts responses to what the retries of the client library
// understand. A 403 for a rate limit becomes 429, because the library does not see
// its reason. Retry-After is waited for.
type retryTransport struct {
	next    http.RoundTripper
	scale   float64
	observe fault.CallObserver
}

// RoundTrip implements [http.RoundTripper].
func (s *retryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	if err != nil && r.Context().Err() == nil {
		s.observe(r.Context(), callName(r), 0, true, err) // if it was the last time, Bucket.sort says so too
	}
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, errorBytes))
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if fault.HTTP(response.StatusCode, errorReason(body)) != fault.Retryable {
		return response, nil
	}
	s.observe(r.Context(), callName(r), response.StatusCode, true, errors.New(response.Status))
	if response.StatusCode == http.StatusForbidden {
		response.StatusCode = http.StatusTooManyRequests
		response.Status = "429 Too Many Requests"
		response.Body = io.NopCloser(strings.NewReader(`{"error":{"code":429,"message":"Rate Limit Exceeded","errors":[{"reason":"rateLimitExceeded"}]}}`))
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return response, nil
	}
	timer := time.NewTimer(time.Duration(
		min(float64(seconds), retryFor.Seconds()) / s.scale * float64(time.Second),
	))
	defer timer.Stop()
	select {
	case <-timer.C:
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// errorReason returns Google's reason in an error response, or "".
func errorReason(body []byte) string {
	var answer struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Error.Errors) == 0 {
		return ""
	}
	return answer.Error.Errors[0].Reason
}
