// Package bucket keeps segments, plans, parts and merges in Cloud Storage: under names of its own
// making, each write with a precondition, each read of one generation.
//
// It knows Cloud Storage's client library and the layout of the two buckets; it knows no record, no
// video and no Drive. Every call retries by itself for about half a minute; what comes back after that
// is sorted: [ErrNotFound], [ErrExists] and [ErrChanged] tell how things stand, fault.PermanentError and
// fault.Deferral are decisions, anything else is worth another try. An object's bytes never pass through
// memory whole, whatever their number. Start with [New], then [Bucket.Create] and [Bucket.Open].
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
	retryFor      = 30 * time.Second // a call's own retries, before the work is given back
	chunkRetryFor = 4 * time.Minute  // of one chunk of an upload: begun anew, a merge would be sent whole
	chunkTimeout  = 2 * time.Minute  // a chunk that takes longer is stalled
	firstPause    = 200 * time.Millisecond
	maxPause  = 10 * time.Second
	minRetryFor = 3 * time.Second // however fast the waits are made
	errorBytes    = 64 << 10        // the most that is read of an answer that is an error
)

// Options say where Cloud Storage is.
type Options struct {
	Endpoint  string             // like http://127.0.0.1:9000/storage/v1/; "" is Google
	Transport http.RoundTripper  // below everything; nil is the usual one
	Scale     float64            // divides every wait; 0 is 1
	Now       func() time.Time   // for the instant at which a spent quota is asked for again
	Tried     fault.CallObserver // for metrics; may be nil
}

// Client speaks to Cloud Storage. It must be closed.
type Client struct {
	storage *storage.Client
	opts    Options
}

// New makes a client. At Google it takes the credentials of the place it runs at.
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
		option.WithHTTPClient(&http.Client{Transport: &retryTransport{next: transport, scale: opts.Scale, observe: opts.Tried}}),
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
		storage.WithBackoff(gax.Backoff{Initial: opts.scaled(firstPause), Max: opts.scaled(maxPause), Multiplier: 2}),
		storage.WithMaxRetryDuration(max(opts.scaled(retryFor), minRetryFor)),
	)
	return &Client{storage: client, opts: opts}, nil
}

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

func (o Options) scaled(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/o.Scale), time.Millisecond)
}

// Close ends the client's connections.
func (c *Client) Close() error { return c.storage.Close() }

// Bucket is one bucket; it need not exist.
func (c *Client) Bucket(name string) *Bucket {
	return &Bucket{client: c, name: name, handle: c.storage.Bucket(name)}
}

// Bucket is one bucket of Cloud Storage.
type Bucket struct {
	client *Client
	name   string
	handle *storage.BucketHandle
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Check tells whether the bucket can be reached.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.handle.Attrs(ctx); err != nil {
		return b.classify(ctx, err, callBucketGet, "look at bucket %s", b.name)
	}
	return nil
}

// retryTransport makes of answers what the client library's retries understand: 403 for a rate limit, whose
// reason is not shown to them, becomes 429; Retry-After is waited for.
type retryTransport struct {
	next  http.RoundTripper
	scale float64
	observe fault.CallObserver
}

// RoundTrip implements http.RoundTripper.
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
		response.StatusCode, response.Status = http.StatusTooManyRequests, "429 Too Many Requests"
		response.Body = io.NopCloser(strings.NewReader(`{"error":{"code":429,"message":"Rate Limit Exceeded","errors":[{"reason":"rateLimitExceeded"}]}}`))
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return response, nil
	}
	timer := time.NewTimer(time.Duration(min(float64(seconds), retryFor.Seconds()) / s.scale * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// errorReason reads Google's reason in an answer that is an error.
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
