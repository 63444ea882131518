package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// pictures takes a picture of each segment that is not the source 30's, and counts them.
func pictures(taken *atomic.Int32) records.MakeThumbnail {
	return func(_ context.Context, segment store.Segment, after time.Duration) ([]byte, error) {
		taken.Add(1)
		if segment.Name.Source == "30" || after > 30*time.Minute {
			return nil, nil
		}
		return picture(segment.Name.Time), nil
	}
}

func TestThumbnailOfFootage(t *testing.T) {
	onEach(t, func(t *testing.T, _ *env) {
		var taken atomic.Int32
		w := newEnv(t, func(o *web.Options) { o.Footage = pictures(&taken) })
		w.fill()
		w.optOut("12:00", "12:30")
		path := func(room, source, at string) string {
			query := url.Values{"source": {source}, "at": {at}}
			return "/api/v1/rooms/" + url.PathEscape(room) + "/thumbnail?" + query.Encode()
		}
		for _, at := range []string{"2026-11-20T09:40:00+03:00", "2026-11-20T06:40:07Z"} {
			got := w.do("GET", path("504", "24", at), "", "key", w.key)
			if got.status != http.StatusOK || got.header.Get("Content-Type") != "image/jpeg" || taken.Load() != 1 {
				t.Errorf("%s: %v %v, %d taken", at, got.status, got.header, taken.Load())
			}
		}
		scoped := w.addKey(store.Key{Email: lecturer, Rooms: []string{"505"}})
		for _, test := range []struct {
			name, path, key string
			status          int
		}{
			{"after the footage", path("504", "24", "2026-11-20T15:10:00+03:00"), w.key, http.StatusNotFound},
			{"another source", path("504", "99", "2026-11-20T09:40:00+03:00"), w.key, http.StatusNotFound},
			{"no picture", path("504", "30", "2026-11-20T07:40:00+03:00"), w.key, http.StatusNotFound},
			{"no such room", path("505", "24", "2026-11-20T09:40:00+03:00"), w.key, http.StatusNotFound},
			{"outside of the scope", path("504", "24", "2026-11-20T09:40:00+03:00"), scoped, http.StatusNotFound},
			{"opted out", path("504", "24", "2026-11-20T12:10:00+03:00"), w.key, http.StatusForbidden},
			{"just after it", path("504", "24", "2026-11-20T12:30:10+03:00"), w.key, http.StatusForbidden},
			{"no instant", path("504", "24", "09:40"), w.key, http.StatusBadRequest},
			{"no source", path("504", "", "2026-11-20T09:40:00+03:00"), w.key, http.StatusBadRequest},
			{"no key", path("504", "24", "2026-11-20T09:40:00+03:00"), "", http.StatusUnauthorized},
		} {
			if got := w.do("GET", test.path, "", "key", test.key); got.status != test.status {
				t.Errorf("%s: %v", test.name, got)
			}
		}
	})
}

// TestThumbnailsAreBounded requests a hundred pictures while none gets ready: two are made, twenty wait.
func TestThumbnailsAreBounded(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	var making, most atomic.Int32
	cache := records.NewThumbnails(func(context.Context, store.Segment, time.Duration) ([]byte, error) {
		most.Store(max(most.Load(), making.Add(1)))
		defer making.Add(-1)
		<-ready
		return []byte("jpg"), nil
	})
	answers := make(chan error)
	for i := range int64(100) {
		go func() {
			_, err := cache.Of(context.Background(), store.Segment{Generation: i}, 0)
			answers <- err
		}()
	}
	for range 100 - 22 {
		if err := <-answers; !errors.Is(err, records.ErrBusy) {
			t.Errorf("beyond the bound: %v", err)
		}
	}
	close(ready)
	for range 22 {
		if err := <-answers; err != nil {
			t.Errorf("within the bound: %v", err)
		}
	}
	if most.Load() > 2 {
		t.Errorf("%d pictures were made at the same time", most.Load())
	}
}
