package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
)

// env is Cloud Storage on a socket, and our client.
type env struct {
	*bucket.Bucket
	client  *bucket.Client
	faults  *faults.Table
	folder  string       // of the bucket "segments"
	served  atomic.Int64 // bytes of all answers
	calls   atomic.Int64
	handler atomic.Pointer[http.Handler] // in place of the server, if set
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

func (c countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// start serves the buckets "work" and "segments"; waits are a hundredth of what they are.
func start(t testing.TB, name string) *env {
	t.Helper()
	c := &env{faults: faults.New(10 * time.Millisecond), folder: t.TempDir()}
	server, err := storage.New(storage.Options{
		Dir:     t.TempDir(),
		Folders: map[string]string{"segments": c.folder},
		Now:     time.Now,
		Faults:  c.faults,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Ensure("work"); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.calls.Add(1)
		if other := c.handler.Load(); other != nil {
			(*other).ServeHTTP(w, r)
			return
		}
		server.ServeHTTP(countingWriter{w, &c.served}, r)
	}))
	c.client, err = bucket.New(t.Context(), bucket.Options{
		Endpoint:  listener.URL + "/storage/v1/",
		Transport: bodyWaiter{http.DefaultTransport.(*http.Transport).Clone()},
		Scale:     100,
		Now:       time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Bucket = c.client.Bucket(name)
	t.Cleanup(func() {
		if err := errors.Join(c.client.Close(), server.Close()); err != nil {
			t.Error(err)
		}
		listener.Close()
	})
	return c
}

// bodyWaiter gives an answer only when its request's body has been let go of. The client library fills a chunk's
// buffer again as soon as the answer is there; that the transport is through with it by then is sure (the
// server has read it all), but only the server knows, and the race detector cannot see through a socket.
type bodyWaiter struct{ http.RoundTripper }

type trackedBody struct {
	io.ReadCloser
	closed chan struct{}
	once   sync.Once
}

func (n *trackedBody) Close() error {
	defer n.once.Do(func() { close(n.closed) })
	return n.ReadCloser.Close()
}

func (s bodyWaiter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return s.RoundTripper.RoundTrip(r)
	}
	body := &trackedBody{ReadCloser: r.Body, closed: make(chan struct{})}
	r = r.Clone(r.Context())
	r.Body = body
	answer, err := s.RoundTripper.RoundTrip(r)
	select {
	case <-body.closed:
	case <-time.After(time.Second): // the server answered without reading on
	}
	return answer, err
}

// fail adds a fault rule.
func (c *env) fail(t testing.TB, method string, nth int64, rate float64, kind faults.Kind) {
	t.Helper()
	if err := c.faults.Add(faults.Rule{
		API:    "storage",
		Method: method,
		Nth:    nth,
		Rate:   rate,
		Kind:   kind,
		Seed:   1,
	}); err != nil {
		t.Fatal(err)
	}
}

// random gives bytes that look like nothing else.
func random(n int, seed byte) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func (c *env) put(t testing.TB, name string, data []byte) bucket.Object {
	t.Helper()
	object, err := c.CreateBytes(t.Context(), name, "video/mp4", nil, data)
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	return object
}

func (c *env) read(t testing.TB, name string) []byte {
	t.Helper()
	data, _, err := c.ReadAll(t.Context(), name, 1<<30)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return data
}

// names lists what is there.
func (c *env) names(t testing.TB, prefix string) []string {
	t.Helper()
	names := []string{}
	for object, err := range c.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		names = append(names, object.Name)
	}
	return names
}

var errOurs = errors.New("the writer's own failure")

// stream is one position of a file.
func stream(data []byte, piece int) func(io.Writer) error {
	return func(w io.Writer) error {
		for len(data) > 0 {
			n := min(piece, len(data))
			if _, err := w.Write(data[:n]); err != nil {
				return fmt.Errorf("write on: %w", err)
			}
			data = data[n:]
		}
		return nil
	}
}

func withTimeout(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
