package bucket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/internal/heaptest"
)

// sink takes resumable uploads, composes and deletes, and keeps nothing.
type sink struct {
	received atomic.Int64
	address  string
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	name := r.URL.Query().Get("name")
	object := fmt.Sprintf(`{"name":%q,"generation":"1","size":"%d"}`, name, s.received.Load())
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o"):
		_, _ = io.WriteString(w, `{}`)
	case r.Method == http.MethodGet:
		http.NotFound(w, r)
	case r.URL.Query().Get("upload_id") == "" && r.URL.Query().Get("uploadType") == "resumable":
		w.Header().Set(
			"Location",
			s.address+"/upload/storage/v1/b/work/o?upload_id=1&name="+url.QueryEscape(name),
		)
	case strings.HasSuffix(r.Header.Get("Content-Range"), "/*"):
		s.received.Add(n)
		w.Header().Set("X-Http-Status-Code-Override", "308")
	case strings.HasSuffix(r.URL.Path, "/compose"):
		_, _ = fmt.Fprintf(w, `{"name":"x","generation":"1","size":"%d"}`, s.received.Load())
	default:
		s.received.Add(n)
		_, _ = io.WriteString(w, object)
	}
}

// flow is bytes without a store.
type flow struct{ left int64 }

func (f *flow) Read(p []byte) (int, error) {
	n := min(int64(len(p)), f.left)
	f.left -= n
	if n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

func (f *flow) Close() error { return nil }

// streaming sends size bytes by Create and by CopyIn and gives the heap of each.
func streaming(t testing.TB, size int64) (created, copied uint64) {
	t.Helper()
	s := &sink{}
	server := httptest.NewServer(s)
	defer server.Close()
	s.address = server.URL
	client, err := bucket.New(
		t.Context(),
		bucket.Options{Endpoint: server.URL + "/storage/v1/", Now: time.Now},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	work := client.Bucket("work")
	created = heaptest.Most(func() {
		_, err = work.Create(t.Context(), "a", "", nil, func(w io.Writer) error {
			_, err := io.Copy(w, &flow{left: size})
			return err
		})
	})
	if err != nil || s.received.Load() != size {
		t.Fatalf("create: %d bytes of %d arrived, %v", s.received.Load(), size, err)
	}
	s.received.Store(0)
	copied = heaptest.Most(func() {
		_, err = work.CopyIn(t.Context(), "a", "", bucket.Source{
			Size: size,
			Read: func(_ context.Context, _, n int64) (io.ReadCloser, error) {
				return &flow{left: n}, nil
			},
		})
	})
	if err != nil || s.received.Load() != size {
		t.Fatalf("copy: %d bytes of %d arrived, %v", s.received.Load(), size, err)
	}
	return created, copied
}

// TestStreamingNeedsLittleMemory is not parallel: it measures the whole process.
func TestStreamingNeedsLittleMemory(t *testing.T) {
	created, copied := streaming(t, 160<<20)
	if max(created, copied) > heaptest.Limit {
		t.Errorf("create took %d bytes of heap, copy %d", created, copied)
	}
}

func BenchmarkStream3GB(b *testing.B) {
	b.SetBytes(6 << 30)
	for b.Loop() {
		created, copied := streaming(b, 3<<30)
		b.ReportMetric(float64(created)/(1<<20), "MiB-create")
		b.ReportMetric(float64(copied)/(1<<20), "MiB-copy")
		if max(created, copied) > heaptest.Limit {
			b.Errorf("create took %d bytes of heap, copy %d", created, copied)
		}
	}
}
