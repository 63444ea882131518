package bucket_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// segment lays a file into the segments folder, as a recorder would.
func (c *env) segment(t testing.TB, name string, data []byte) {
	t.Helper()
	path := filepath.Join(c.folder, filepath.FromSlash(name))
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o750),
		os.WriteFile(path, data, 0o600),
	); err != nil {
		t.Fatal(err)
	}
}

func (c *env) open(t testing.TB, name string) *bucket.File {
	t.Helper()
	file, err := c.Open(t.Context(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestReadAtIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	data := random(3<<20+17, 5)
	c.segment(t, "504/2026-11-20/a.mp4", data)
	file := c.open(t, "504/2026-11-20/a.mp4")
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			dice := rand.New(rand.NewPCG(seed, 1))
			at := int64(0)
			for range 200 {
				if dice.IntN(4) == 0 {
					at = dice.Int64N(file.Size() + 100)
				}
				p := make([]byte, dice.IntN(200_000))
				n, err := file.ReadAt(p, at)
				want := data[min(at, file.Size()):min(at+int64(len(p)), file.Size())]
				if !bytes.Equal(p[:n], want) || (err != nil) != (n < len(p)) || err != nil && !errors.Is(err, io.EOF) {
					t.Errorf("%d bytes at %d: %d, %v", len(p), at, n, err)
				}
				at += int64(n)
			}
		})
	}
	readers.Wait()
	if _, err := file.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the start")
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if _, err := file.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("read after close")
	}
}

// TestReadAtFetchesLittleInVain reads as FFmpeg does through the proxy: the index at the end, then two
// positions side by side, with a seek.
func TestReadAtFetchesLittleInVain(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	const size = 48 << 20
	c.segment(t, "504/2026-11-20/a.mp4", random(size, 5))
	file := c.open(t, "504/2026-11-20/a.mp4")
	before, calls := c.served.Load(), c.calls.Load()
	needed := int64(0)
	read := func(at, n int64) {
		t.Helper()
		p := make([]byte, n)
		if _, err := file.ReadAt(p, at); err != nil {
			t.Fatal(err)
		}
		needed += n
	}
	read(0, 32<<10)
	read(size-400<<10, 400<<10)
	for at := int64(1 << 20); at < 13<<20; at += 32 << 10 {
		read(at, 32<<10)
		read(at+20<<20, 32<<10)
	}
	fetched := c.served.Load() - before
	if fetched*10 > needed*12 {
		t.Errorf("fetched %d bytes for %d needed", fetched, needed)
	}
	if n := c.calls.Load() - calls; n > 80 {
		t.Errorf("%d requests", n)
	}
	t.Logf(
		"%.3f times the needed bytes in %d requests",
		float64(fetched)/float64(needed),
		c.calls.Load()-calls,
	)
}

func TestReadAtSurvives(t *testing.T) {
	t.Parallel()
	for _, kind := range []faults.Kind{
		faults.TooMany,
		faults.RateLimited,
		faults.Broken,
		faults.Cut,
		faults.Slow,
		faults.Lost,
	} {
		c := start(t, "segments")
		data := random(2<<20, 5)
		c.segment(t, "504/a.mp4", data)
		file := c.open(t, "504/a.mp4")
		c.fail(t, "objects.get", 0, 0.4, kind)
		got, err := io.ReadAll(io.NewSectionReader(file, 0, file.Size()))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", kind, len(got), err)
		}
		if c.faults.Rules()[0].Hits == 0 {
			t.Errorf("%s never struck", kind)
		}
	}
}

func TestReadAtSeesChanges(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	c.segment(t, "504/a.mp4", random(20<<20, 5))
	file := c.open(t, "504/a.mp4")
	if _, err := file.ReadAt(make([]byte, 1000), 0); err != nil {
		t.Fatal(err)
	}
	c.segment(t, "504/a.mp4", random(21<<20, 6))
	if _, err := file.ReadAt(make([]byte, 1<<20), 10<<20); !errors.Is(err, bucket.ErrChanged) {
		t.Errorf("the file changed: %v", err)
	}
	if _, err := c.Open(
		t.Context(),
		"504/a.mp4",
		file.Object().Generation,
	); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("open a generation that is gone: %v", err)
	}
	stream, err := c.Reader(t.Context(), "504/a.mp4", 0, 1<<20, -1)
	if err != nil {
		t.Fatal(err)
	}
	c.segment(t, "504/a.mp4", random(2<<20, 7)) // cut short while it is streamed
	if n, err := io.Copy(io.Discard, stream); err == nil {
		t.Errorf("a stream of a file that was cut: %d bytes and no error", n)
	}
	_ = stream.Close()
}
