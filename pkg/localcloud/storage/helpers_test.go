package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/nvr-miem/merger/pkg/localcloud/storage"
)

// cloud is a server on a socket and the real client.
type cloud struct {
	dir, folder string
	server      *storage.Server
	listener    *httptest.Server
	client      *gcs.Client
}

func open(t testing.TB, dir, folder string) *storage.Server {
	t.Helper()
	server, err := storage.New(storage.Options{
		Dir:     dir,
		Folders: map[string]string{"segments": folder},
		Now:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Ensure("work"); err != nil {
		t.Fatal(err)
	}
	return server
}

// start serves the buckets "work" and "segments".
func start(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{dir: t.TempDir(), folder: t.TempDir()}
	c.server = open(t, c.dir, c.folder)
	c.listener = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.server.ServeHTTP(w, r)
	}))
	var err error
	// No retries: a 500 is a mistake of the server and must show.
	c.client, err = gcs.NewClient(
		t.Context(),
		gcs.WithJSONReads(),
		option.WithEndpoint(c.listener.URL+"/storage/v1/"),
		option.WithoutAuthentication(),
	)
	if err != nil {
		t.Fatal(err)
	}
	c.client.SetRetry(gcs.WithPolicy(gcs.RetryNever))
	t.Cleanup(func() {
		if err := errors.Join(c.client.Close(), c.server.Close()); err != nil {
			t.Error(err)
		}
		c.listener.Close()
	})
	return c
}

// restart is what a new process sees.
func (c *cloud) restart(t testing.TB) {
	t.Helper()
	if err := c.server.Close(); err != nil {
		t.Fatal(err)
	}
	c.server = open(t, c.dir, c.folder)
}

func (c *cloud) object(bucket, name string) *gcs.ObjectHandle {
	return c.client.Bucket(bucket).Object(name)
}

// put writes an object; chunk 0 is one request.
func put(ctx context.Context, o *gcs.ObjectHandle, data []byte, chunk int) (*gcs.ObjectAttrs, error) {
	w := o.NewWriter(ctx)
	w.ChunkSize = chunk
	w.ContentType = "text/x"
	w.Metadata = map[string]string{"Key": "значение"}
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

func (c *cloud) put(t testing.TB, bucket, name string, data []byte) *gcs.ObjectAttrs {
	t.Helper()
	attrs, err := put(t.Context(), c.object(bucket, name), data, 0)
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	return attrs
}

func (c *cloud) read(t testing.TB, o *gcs.ObjectHandle) []byte {
	t.Helper()
	r, err := o.NewReader(t.Context())
	if err != nil {
		t.Fatalf("read %s: %v", o.ObjectName(), err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", o.ObjectName(), err)
	}
	return data
}

// names lists objects, and prefixes with a slash at their end.
func (c *cloud) names(t testing.TB, bucket string, q *gcs.Query, page int) []string {
	t.Helper()
	names := []string{}
	objects := c.client.Bucket(bucket).Objects(t.Context(), q)
	if page > 0 {
		objects.PageInfo().MaxSize = page
	}
	for {
		attrs, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return names
		}
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		names = append(names, attrs.Name+attrs.Prefix)
	}
}

// status is the answer's code of a failed call; 0 is success.
func status(t testing.TB, err error) int {
	t.Helper()
	var answer *googleapi.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &answer):
		return answer.Code
	}
	t.Errorf("not an answer: %v", err)
	return -1
}

func random(n int, seed byte) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

// call sends a request that the Go client would not.
func (c *cloud) call(t testing.TB, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.listener.URL + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(answer)
}

// files counts the files of a folder and of those below it.
func files(t testing.TB, dir string) int {
	t.Helper()
	n := 0
	if err := filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func same(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, not the %d that were written", what, len(got), len(want))
	}
}
