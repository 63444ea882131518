package pipeline_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/internal/heaptest"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// bottomless has a merge of any size without holding it, and takes it as Drive without keeping it.
type bottomless struct {
	size    int64
	address string

	mu    sync.Mutex
	taken int64
	sum   hash.Hash
}

// ServeHTTP implements http.Handler: the few answers of Cloud Storage and Drive that an upload needs.
func (b *bottomless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const merge = "/storage/v1/b/work/o/1/merges/digest.mp4"
	switch path := r.URL.Path; {
	case path == merge && r.URL.Query().Get("alt") == "media":
		b.give(w, r)
	case path == merge:
		_, _ = fmt.Fprintf(
			w, `{"name": "1/merges/digest.mp4", "generation": "1", "size": "%d"}`,
			b.size,
		)
	case path == "/drive/v3/files/generateIds":
		_, _ = io.WriteString(w, `{"ids": ["video"]}`)
	case path == "/drive/v3/files":
		_, _ = fmt.Fprintf(
			w, `{"files": [{"id": "folder", "name": %q, "createdTime": "2020-01-01T00:00:00Z"}]}`,
			nameIn(r.URL.Query().Get("q")),
		)
	case path == "/upload/drive/v3/files":
		w.Header().Set("Location", b.address+"/session")
	case path == "/session":
		b.take(w, r)
	case path == "/drive/v3/files/video" && b.taken > 0:
		_, _ = fmt.Fprintf(
			w, `{"id": "video", "size": "%d", "md5Checksum": %q}`,
			b.taken, hex.EncodeToString(b.sum.Sum(nil)),
		)
	default:
		http.NotFound(w, r)
	}
}

// nameIn is the name that a query looks for.
func nameIn(query string) string {
	_, rest, _ := strings.Cut(query, "name = '")
	name, _, _ := strings.Cut(rest, "'")
	return name
}

// give is a range of the merge, which is all zeros.
func (b *bottomless) give(w http.ResponseWriter, r *http.Request) {
	from, to := int64(0), b.size-1
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, b.size))
	w.Header().Set("Content-Length", fmt.Sprint(to-from+1))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = io.CopyN(w, zeros{}, to-from+1)
}

// take is one request of the upload.
func (b *bottomless) take(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, _ := io.Copy(b.sum, r.Body)
	if b.taken += n; b.taken == b.size {
		return
	}
	if b.taken > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", b.taken-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// zeros are as many as are read.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// uploading sends a merge of some size to Drive and gives the heap that it took. There is no plan to
// report on: that is what stops the record, once Drive has all of the merge and its checksum is right.
func uploading(t testing.TB, size int64) uint64 {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b := &bottomless{size: size, sum: md5.New()}
	server := httptest.NewServer(b)
	defer server.Close()
	b.address = server.URL
	objects, err := bucket.New(ctx, bucket.Options{
		Endpoint: server.URL + "/storage/v1/",
		Now:      time.Now,
		Scale:    1000,
	})
	must(err)
	defer func() { _ = objects.Close() }()
	drive, err := workspace.New(workspace.Options{
		Endpoint: server.URL,
		Scopes:   workspace.UploadScopes(),
		Now:      time.Now,
		Scale:    1000,
	})
	must(err)
	s := storetest.Open(t, storetest.SQLite(t), store.Options{Now: time.Now})
	_, err = s.Rooms.Save(ctx, nvr.Room{Name: "504", Drive: "room"})
	must(err)
	rec, _, err := s.Requests.Insert(
		ctx,
		nvr.Record{
			Room:      "504",
			Date:      "2026-11-19",
			StartTime: "10:00",
			EndTime:   "11:00",
			UserEmail: student,
		},
		nil,
	)
	must(err)
	claim, err := s.Queue.Claim(ctx, rec, nvr.StepStage, time.Minute)
	must(err)
	_, hold, err := s.Leases.Enter(ctx, claim, "test", time.Minute)
	must(err)
	digest := "digest"
	claim, err = s.Leases.Advance(
		ctx,
		hold,
		nvr.StepUpload,
		store.Change{Digest: &digest},
		time.Minute,
	)
	must(err)
	p := &pipeline.Pipeline{
		Texts:     i18n.Default(),
		Store:     pipeline.StoreOf(s),
		Work:      objects.Bucket("work"),
		Workspace: drive,
		Now:       time.Now,
		Log:       slog.New(slog.DiscardHandler),
		Settings: pipeline.Settings{
			Lease:       time.Minute,
			PushBudget:  time.Hour,
			PushTimeout: time.Hour,
			RetryPauses: []time.Duration{time.Hour},
		},
	}
	most := heaptest.Most(func() { err = p.Upload(ctx, claim) })
	must(err)
	if rec, err = s.Records.Get(ctx, rec.ID); err != nil || b.taken != size || !strings.Contains(rec.Cause, "read the plan for the report") {
		t.Fatalf("%d bytes of %d arrived: %+v, %v", b.taken, size, rec, err)
	}
	return most
}

// TestUploadNeedsLittleMemory is not parallel: it measures the whole process.
func TestUploadNeedsLittleMemory(t *testing.T) {
	if most := uploading(t, 160<<20); most > heaptest.Limit {
		t.Errorf("an upload took %d bytes of heap", most)
	}
}

func BenchmarkUpload3GB(b *testing.B) {
	b.SetBytes(3 << 30)
	for b.Loop() {
		most := uploading(b, 3<<30)
		b.ReportMetric(float64(most)/(1<<20), "MiB-upload")
		if most > heaptest.Limit {
			b.Errorf("an upload took %d bytes of heap", most)
		}
	}
}
