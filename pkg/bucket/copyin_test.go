package bucket_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

const segmentName = "504/2026-11-20/2026-11-20_15:00_504_24.mp4"

// source is a Drive that counts what is read of it.
type source struct {
	data  []byte
	read  atomic.Int64
	stop  atomic.Int64 // bytes after which reads hang until their context ends; 0: never
	short atomic.Int64 // bytes after which a read breaks off; 0: never
}

func (s *source) open(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	left := s.short.Load()
	if left == 0 {
		left = n
	}
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		if stop := s.stop.Load(); stop > 0 && s.read.Load() >= stop {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		if left == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		k := copy(p, s.data[off:min(off+int64(len(p)), off+left, int64(len(s.data)))])
		off, left = off+int64(k), left-int64(k)
		s.read.Add(int64(k))
		if k == 0 {
			return 0, io.EOF
		}
		return k, nil
	})), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (s *source) what() bucket.Source {
	sum := md5.Sum(s.data)
	return bucket.Source{Size: int64(len(s.data)), MD5: hex.EncodeToString(sum[:]), Read: s.open}
}

// whole checks that the segment is there, and nothing else.
func (c *env) whole(t *testing.T, data []byte) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(c.folder, segmentName)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the segment: %d bytes, %v", len(got), err)
	}
	if names := c.names(t, ""); !reflect.DeepEqual(names, []string{segmentName}) {
		t.Errorf("the bucket holds %v", names)
	}
}

func TestCopyIn(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100_000, 100_001, 4_300_000} { // the last: 43 chunks, a tree
		c := start(t, "segments")
		s := &source{data: random(size, 1)}
		made, err := c.CopyInBy(t.Context(), 100_000, segmentName, "video/mp4", s.what())
		if err != nil || made.Size != int64(size) {
			t.Fatalf("copy %d bytes: %+v, %v", size, made, err)
		}
		c.whole(t, s.data)
		if again, err := c.CopyInBy(
			t.Context(),
			100_000,
			segmentName,
			"video/mp4",
			s.what(),
		); err != nil || again.Generation != made.Generation {
			t.Errorf("copy again: %v", err)
		}
		if s.read.Load() != int64(size) {
			t.Errorf("read %d of %d bytes", s.read.Load(), size)
		}
		other := &source{data: random(10, 2)}
		if there, err := c.CopyInBy(
			t.Context(),
			100_000,
			segmentName,
			"",
			other.what(),
		); !errors.Is(err, bucket.ErrExists) || there.Generation != made.Generation {
			t.Errorf("copy something else there: %v", err)
		}
	}
}

func TestCopyInGoesOn(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	s := &source{data: random(1_000_000, 1)}
	for i, stop := range []int64{350_000, 360_000, 800_000} {
		s.stop.Store(stop)
		_, err := c.CopyInBy(
			withTimeout(t, 700*time.Millisecond),
			100_000,
			segmentName,
			"video/mp4",
			s.what(),
		)
		if !errors.Is(err, bucket.ErrUnfinished) {
			t.Fatalf("stopped call %d: %v", i, err)
		}
		if _, err := os.Stat(filepath.Join(c.folder, segmentName)); err == nil {
			t.Error("half a segment is there")
		}
		if names := c.names(t, "504/"); len(names) > 0 {
			t.Errorf("a list of segments shows %v", names)
		}
	}
	s.stop.Store(0)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.ErrStale)
	if _, err := c.CopyInBy(
		ctx,
		100_000,
		segmentName,
		"video/mp4",
		s.what(),
	); errors.Is(err, bucket.ErrUnfinished) || err == nil {
		t.Errorf("a lost lease: %v", err)
	}
	if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "video/mp4", s.what()); err != nil {
		t.Fatal(err)
	}
	c.whole(t, s.data)
	if read := s.read.Load(); read > 1_300_000 {
		t.Errorf("read %d bytes for 1000000, three times stopped", read)
	}
}

func TestCopyInSurvives(t *testing.T) {
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
		s := &source{data: random(1_500_000, 1)}
		s.short.Store(40_000)
		c.fail(t, faults.Any, 0, 0.1, kind)
		if _, err := c.CopyInBy(t.Context(), 300_000, segmentName, "video/mp4", s.what()); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		c.faults.Clear()
		c.whole(t, s.data)
	}
}

func TestCopyInTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	s := &source{data: random(4_000_000, 1)}
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() {
			if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "video/mp4", s.what()); err != nil {
				t.Errorf("one of three: %v", err)
			}
		})
	}
	both.Wait()
	if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "video/mp4", s.what()); err != nil {
		t.Error(err) // clears what the slower ones left
	}
	c.whole(t, s.data)
}

func TestCopyInRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	s := &source{data: random(500_000, 1)}
	promised := s.what()
	s.data[123_456] ^= 1
	if _, err := c.CopyInBy(
		t.Context(),
		100_000,
		segmentName,
		"",
		promised,
	); !errors.Is(err, bucket.ErrDiffers) {
		t.Errorf("a byte differs: %v", err)
	}
	s.data = s.data[:300_000]
	if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "", promised); err == nil {
		t.Error("the source is too short")
	}
	s.data = random(500_000, 1)
	if _, err := c.CopyInBy(
		t.Context(),
		100_000,
		segmentName,
		"",
		promised,
	); !errors.Is(err, bucket.ErrDiffers) {
		t.Errorf("the wrong byte was kept by the second call: %v", err)
	}
	if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "", promised); err != nil {
		t.Errorf("the source is right again: %v", err)
	}
	c.whole(t, s.data)
}

func TestCopyInYieldsToAFileOfOthers(t *testing.T) {
	t.Parallel()
	c := start(t, "segments")
	s := &source{data: random(500_000, 1)}
	theirs := random(9, 9)
	what := s.what()
	what.Read = func(ctx context.Context, off, n int64) (io.ReadCloser, error) {
		if off == 400_000 {
			c.segment(t, segmentName, theirs)
		}
		return s.open(ctx, off, n)
	}
	if _, err := c.CopyInBy(t.Context(), 100_000, segmentName, "", what); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("a recorder was faster: %v", err)
	}
	c.whole(t, theirs)
}
