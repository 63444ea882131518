package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"sync"
	"testing"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// parts makes n sources of different lengths.
func (c *env) parts(t testing.TB, n int) ([]bucket.Object, []byte) {
	t.Helper()
	var sources []bucket.Object
	var whole []byte
	for i := range n {
		data := random(100+i*37, byte(i))
		sources = append(sources, c.put(t, fmt.Sprintf("1/media/%04d", i), data))
		whole = append(whole, data...)
	}
	return sources, whole
}

func TestCompose(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	sources, _ := c.parts(t, 70)
	for _, n := range []int{1, 2, 32, 33, 40, 65, 70} {
		var whole []byte
		for _, s := range sources[:n] {
			whole = append(whole, c.read(t, s.Name)...)
		}
		dst := fmt.Sprintf("2/merges/%d.mp4", n)
		made, err := c.Compose(
			t.Context(),
			dst,
			"video/mp4",
			map[string]string{"title": "Тема"},
			sources[:n],
		)
		if err != nil {
			t.Fatalf("compose %d: %v", n, err)
		}
		if got := c.read(t, dst); !bytes.Equal(got, whole) || made.Size != int64(len(whole)) {
			t.Errorf("compose %d: %d bytes, want %d", n, len(got), len(whole))
		}
		if want := crc32.Checksum(
			whole,
			crc32.MakeTable(crc32.Castagnoli),
		); made.CRC32C != want || made.MD5 != nil || made.Metadata["title"] != "Тема" {
			t.Errorf("compose %d: %+v, want CRC %x and no MD5", n, made, want)
		}
		again, err := c.Compose(t.Context(), dst, "", nil, sources[:n])
		if !errors.Is(err, bucket.ErrExists) || again.Generation != made.Generation {
			t.Errorf("compose %d again: %v", n, err)
		}
		if got := c.names(t, "2/merges/"); !reflect.DeepEqual(got[len(got)-1:], []string{dst}) && len(got) > 7 {
			t.Errorf("left: %v", got)
		}
	}
	if got := c.names(t, "2/"); len(got) != 7 {
		t.Errorf("left: %v", got)
	}
}

func TestComposeSurvives(t *testing.T) {
	t.Parallel()
	for _, kind := range []faults.Kind{
		faults.TooMany,
		faults.RateLimited,
		faults.Broken,
		faults.Cut,
		faults.Lost,
	} {
		for nth := int64(1); nth <= 3; nth++ { // two runs, then the whole
			c := start(t, "work")
			sources, whole := c.parts(t, 40)
			c.fail(t, "objects.compose", nth, 0, kind)
			if _, err := c.Compose(t.Context(), "1/merge", "", nil, sources); err != nil {
				t.Errorf("%s at compose %d: %v", kind, nth, err)
				continue
			}
			if !bytes.Equal(c.read(t, "1/merge"), whole) || len(c.names(t, "1/merge")) != 1 || c.faults.Rules()[0].Hits != 1 {
				t.Errorf(
					"%s at compose %d: other bytes, something left, or it never struck",
					kind, nth,
				)
			}
		}
	}
}

func TestComposePinsItsSources(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	sources, _ := c.parts(t, 3)
	if err := c.Delete(t.Context(), sources[1].Name, sources[1].Generation); err != nil {
		t.Fatal(err)
	}
	c.put(t, sources[1].Name, random(137, 77))
	if _, err := c.Compose(t.Context(), "1/merge", "", nil, sources); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("a source was replaced: %v", err)
	}
	if _, err := c.Compose(t.Context(), "1/merge", "", nil, nil); err == nil {
		t.Error("nothing was composed")
	}
	if names := c.names(t, "1/merge"); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}

func TestComposeTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, "work")
	sources, whole := c.parts(t, 100)
	var both sync.WaitGroup
	results := make([]error, 4)
	made := make([]bucket.Object, 4)
	for i := range results {
		both.Go(func() {
			made[i], results[i] = c.Compose(t.Context(), "1/merge", "", nil, sources)
		})
	}
	both.Wait()
	won := 0
	for i, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, bucket.ErrExists):
			t.Errorf("call %d: %v", i, err)
		}
		if made[i].Generation != made[0].Generation {
			t.Errorf("call %d saw %+v", i, made[i])
		}
	}
	if won != 1 || !bytes.Equal(c.read(t, "1/merge"), whole) {
		t.Errorf("%d calls made it", won)
	}
	if names := c.names(t, "1/merge"); len(names) != 1 {
		t.Logf("left for DeleteAll: %v", names)
	}
}
