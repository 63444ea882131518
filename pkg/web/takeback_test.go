package web_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// deliver makes record 1 one whose video is on Drive.
func (w *env) deliver() nvr.Record {
	w.t.Helper()
	row, _, err := w.store.Requests.Insert(w.t.Context(), nvr.Record{
		Room:      "504",
		Title:     "Анализ",
		Date:      "2026-11-20",
		StartTime: "15:10",
		EndTime:   "16:30",
		UserEmail: lecturer,
		EventID:   "event",
	}, nil)
	w.must(err)
	hold := w.bring(row, nvr.StepLink)
	file, link, share := "f1", "https://drive.google.com/file/d/f1/view", "shared"
	w.must(w.store.Leases.Save(w.t.Context(), hold, store.Change{FileID: &file, Link: &link, Share: &share}))
	_, err = w.store.Leases.Advance(w.t.Context(), hold, nvr.StepDone, store.Change{}, 0)
	w.must(err)
	return row
}

type taken struct {
	State    string
	Link     *string
	Reason   *struct{ Code string }
	Revision int64
	Held     bool
}

func TestTakeBack(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		const path = "/api/v1/records/1"
		w.do("POST", "/api/v1/records", wanted, "key", w.key)
		for _, action := range []string{"/takeback", "/restore"} {
			if got := w.do("POST", path+action, "", "key", w.key); got.status != http.StatusConflict {
				t.Errorf("%s of a record without a video: %v", action, got)
			}
		}
	})
}

// TestTakeBackOfADelivered takes a video back and restores it. What else could be done to the record is refused
// meanwhile.
func TestTakeBackOfADelivered(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	const path = "/api/v1/records/1"
	w.deliver()
	for range 2 {
		got := w.do("POST", path+"/takeback", "", "key", w.key)
		r := reads[taken](t, got.body)
		if got.status != http.StatusAccepted || r.State != "linking" || r.Link != nil || r.Reason == nil ||
			r.Reason.Code != "taken-back" {
			t.Errorf("take back: %v", got)
		}
	}
	for _, action := range []string{"/cancel", "/retry"} {
		if got := w.do("POST", path+action, "", "key", w.key); got.status != http.StatusConflict {
			t.Errorf("%s meanwhile: %v", action, got)
		}
	}
	got := w.do("PATCH", path, `{"title": "Алгебра"}`, "key", w.key, "If-Match", "*")
	if got.status != http.StatusConflict {
		t.Errorf("change meanwhile: %v", got)
	}
	other := w.addKey(store.Key{Email: stranger})
	if got = w.do("POST", path+"/restore", "", "key", other); got.status != http.StatusNotFound {
		t.Errorf("another's: %v", got)
	}
	got = w.do("POST", path+"/restore", "", "key", w.key)
	if r := reads[taken](t, got.body); got.status != http.StatusAccepted || r.State != "uploading" || r.Link == nil ||
		r.Reason != nil || r.Revision != 1 {
		t.Errorf("restore: %v", got)
	}
	if got = w.do("POST", path+"/restore", "", "key", w.key); got.status != http.StatusConflict {
		t.Errorf("restore again: %v", got)
	}
}

// TestRestoreOfAnOperators: what an operator took back, also after its owner, only an operator restores.
func TestRestoreOfAnOperators(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	const path = "/api/v1/records/1"
	w.deliver()
	w.do("POST", path+"/takeback", "", "key", w.key)
	w.must(w.store.Requests.TakeBack(t.Context(), 1, true))
	if got := w.do("POST", path+"/restore", "", "key", w.key); got.status != http.StatusConflict {
		t.Errorf("by its owner: %v", got)
	}
	w.do("POST", path+"/takeback", "", "key", w.key)
	if err := w.store.Requests.Restore(t.Context(), 1, false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("by its owner, taken back again: %v", err)
	}
	w.must(w.store.Requests.Restore(t.Context(), 1, true))
	if r := reads[taken](t, w.do("GET", path, "", "key", w.key).body); r.State != "uploading" {
		t.Errorf("by an operator: %+v", r)
	}
}

// TestRelease reads a held record and releases it, twice.
func TestRelease(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	row := w.deliver()
	row.ID, row.Held = 0, true
	row, _, err := w.store.Requests.Insert(t.Context(), row, nil)
	w.must(err)
	const path = "/api/v1/records/2"
	if r := reads[taken](t, w.do("GET", path, "", "key", w.key).body); !r.Held {
		t.Errorf("record %d is not held", row.ID)
	}
	for range 2 {
		got := w.do("POST", path+"/release", "", "key", w.key)
		if r := reads[taken](t, got.body); got.status != http.StatusAccepted || r.Held || r.State != "waiting" {
			t.Errorf("release: %v", got)
		}
	}
}
