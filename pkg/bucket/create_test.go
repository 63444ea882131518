package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	for _, size := range []int{
		0,
		1,
		256<<10 - 1,
		256 << 10,
		256<<10 + 1,
		8 << 20,
		8<<20 + 1,
		20<<20 + 12345,
	} {
		name, data := fmt.Sprintf("7/media/%d", size), random(size, 3)
		made, err := c.Create(
			t.Context(),
			name,
			"video/mp4",
			map[string]string{"part": "3"},
			stream(data, 100_000),
		)
		if err != nil || made.Size != int64(size) || made.Generation == 0 || made.Metadata["part"] != "3" {
			t.Fatalf("create %d bytes: %+v, %v", size, made, err)
		}
		if !bytes.Equal(c.read(t, name), data) {
			t.Errorf("%d bytes came back different", size)
		}
		stat, err := c.Stat(t.Context(), name)
		if err != nil || !reflect.DeepEqual(stat, made) || stat.ContentType != "video/mp4" || stat.MD5 == nil {
			t.Errorf("stat: %+v, %v, want %+v", stat, err, made)
		}
		again, err := c.CreateBytes(t.Context(), name, "", nil, random(size, 4))
		if !errors.Is(err, bucket.ErrExists) || again.Generation != made.Generation {
			t.Errorf("create again: %+v, %v", again, err)
		}
	}
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	for _, size := range []int{10, 9 << 20} {
		_, err := c.Create(t.Context(), "1/a", "", nil, func(w io.Writer) error {
			return errors.Join(stream(random(size, 1), 1<<20)(w), errOurs)
		})
		if !errors.Is(err, errOurs) {
			t.Errorf("the writer fails: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err = c.Create(ctx, "1/a", "", nil, func(w io.Writer) error {
			err := stream(random(size, 1), 1<<20)(w)
			cancel(fault.ErrStale)
			return err
		})
		if !errors.Is(err, fault.ErrStale) && !errors.Is(err, context.Canceled) {
			t.Errorf("the context ends: %v", err)
		}
		if names := c.names(t, ""); len(names) > 0 {
			t.Errorf("left: %v", names)
		}
	}
	c.put(t, "1/a", []byte("x"))
}

// TestCreateSurvives: whatever fails on the way, the commit is made once and its maker knows.
func TestCreateSurvives(t *testing.T) {
	t.Parallel()
	for _, kind := range []faults.Kind{
		faults.TooMany,
		faults.RateLimited,
		faults.Broken,
		faults.Cut,
		faults.Slow,
		faults.Lost,
	} {
		for _, size := range []int{100, 9 << 20} { // one request; a start and two chunks
			for nth := int64(1); nth <= 3; nth++ {
				if size == 100 && nth > 1 {
					continue
				}
				c := start(t, "work")
				c.fail(t, "objects.insert", nth, 0, kind)
				data := random(size, 9)
				made, err := c.Create(t.Context(), "1/a", "", nil, stream(data, 1<<20))
				if err != nil || made.Size != int64(size) {
					t.Errorf("%s at request %d of %d bytes: %v", kind, nth, size, err)
					continue
				}
				if !bytes.Equal(c.read(t, "1/a"), data) {
					t.Errorf("%s at request %d: other bytes", kind, nth)
				}
				if c.faults.Rules()[0].Hits != 1 {
					t.Errorf("%s at request %d never struck", kind, nth)
				}
			}
		}
	}
}

func TestCreateGivesUp(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	c.fail(t, "objects.insert", 0, 1, faults.Broken)
	begun := time.Now()
	_, err := c.CreateBytes(t.Context(), "1/a", "", nil, []byte("x"))
	if err == nil || time.Since(begun) > 10*time.Second {
		t.Errorf("a server that only fails: %v after %s", err, time.Since(begun))
	}
	var permanent *fault.PermanentError
	if errors.As(err, &permanent) || errors.Is(err, context.Canceled) {
		t.Errorf("a failure worth another try came as %v", err)
	}
}

func TestErrorsHaveTheirKind(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	if _, err := c.Stat(t.Context(), "none"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("no object: %v", err)
	}
	if _, err := c.Open(t.Context(), "none", 0); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("open no object: %v", err)
	}
	if _, _, err := c.ReadAll(t.Context(), "none", 10); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("read no object: %v", err)
	}
	nowhere := c.client.Bucket("nowhere")
	for what, call := range map[string]func() error{
		"stat": func() error { _, err := nowhere.Stat(t.Context(), "a"); return err },
		"read": func() error { _, _, err := nowhere.ReadAll(t.Context(), "a", 1); return err },
		"list": func() error {
			for _, err := range nowhere.List(t.Context(), "") {
				return err
			}
			return nil
		},
		"check": func() error { return nowhere.Check(t.Context()) },
		"create": func() error {
			_, err := nowhere.CreateBytes(t.Context(), "a", "", nil, nil)
			return err
		},
	} {
		if err := call(); err == nil || errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("%s in a bucket that is not there: %v", what, err)
		}
	}
	c.put(t, "long", random(100, 1))
	if _, _, err := c.ReadAll(t.Context(), "long", 99); err == nil {
		t.Error("an object over the limit was read")
	}
	for status, reasons := range map[int][]string{
		403: {"forbidden", "dailyLimitExceeded"},
		401: {"authError"},
		400: {"invalid"},
	} {
		for _, reason := range reasons {
			var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(
					w, `{"error":{"code":%d,"errors":[{"reason":%q}]}}`,
					status, reason,
				)
			})
			c.handler.Store(&handler)
			_, err := c.Stat(t.Context(), "a")
			var permanent *fault.PermanentError
			var later *fault.Deferral
			if errors.As(err, &later) != (reason == "dailyLimitExceeded") || errors.As(err, &permanent) == (reason == "dailyLimitExceeded") {
				t.Errorf("%d %s: %v", status, reason, err)
			}
		}
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	c.put(t, "a", nil)
	first := true
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			w.Header().Set("Retry-After", "20") // a fifth of a second at this scale
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"name":"a"}`))
	})
	c.handler.Store(&handler)
	begun := time.Now()
	if _, err := c.Stat(t.Context(), "a"); err != nil || time.Since(begun) < 200*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
}

func TestListAndDelete(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	var want []string
	for i := range 2100 { // three pages
		name := fmt.Sprintf("7/parts/%04d.json", i)
		want = append(want, name)
		if i%100 != 0 {
			continue
		}
		c.put(t, name, nil)
	}
	want = want[:0:0]
	for i := 0; i < 2100; i += 100 {
		want = append(want, fmt.Sprintf("7/parts/%04d.json", i))
	}
	c.put(t, "70/x", nil)
	c.put(t, "6/x", nil)
	c.fail(t, "objects.list", 1, 0, faults.Cut)
	if got := c.names(t, "7/"); !reflect.DeepEqual(got, want) {
		t.Errorf("listed %v", got)
	}
	c.fail(t, "objects.delete", 3, 0, faults.Lost)
	c.fail(t, "objects.delete", 5, 0, faults.RateLimited)
	if err := c.DeleteAll(t.Context(), "7/"); err != nil {
		t.Errorf("delete all: %v", err)
	}
	if got := c.names(t, ""); !reflect.DeepEqual(got, []string{"6/x", "70/x"}) {
		t.Errorf("left: %v", got)
	}
	if err := c.Delete(t.Context(), "6/x", 1); err != nil {
		t.Errorf("delete another generation: %v", err)
	}
	if err := c.DeleteAll(t.Context(), ""); err == nil || len(c.names(t, "")) != 2 {
		t.Errorf("everything could be deleted: %v", err)
	}
}
