package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
)

// optOut stores an opt-out of room 504 on 2026-11-20.
func (w *env) optOut(start, end string) {
	w.t.Helper()
	at := func(clock string) time.Time {
		t, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-20 "+clock, moscow(w.t))
		w.must(err)
		return t
	}
	w.must(w.store.OptOuts.Save(context.Background(), store.OptOut{
		Calendar: "c504@example.org",
		Event:    start,
		Room:     "504",
		Start:    at(start),
		End:      at(end),
	}))
}

// TestOptedOutRequests refuses a request inside opted-out time on every way in, with the reason. One that only
// overlaps is accepted.
func TestOptedOutRequests(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		w.operator.Store(true) // an operator, too
		w.optOut("15:00", "16:00")
		form := url.Values{
			"room":  {"504"},
			"date":  {"2026-11-20"},
			"start": {"15:10"},
			"end":   {"16:30"},
			"title": {"Typed"},
		}
		postForm := func() answer {
			return w.do("POST", "/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		}
		if got := postForm(); got.status != http.StatusSeeOther {
			t.Errorf("the page answers an overlap with %d", got.status)
		}
		w.optOut("15:50", "17:00")
		if got := postForm(); got.status != http.StatusUnprocessableEntity ||
			!strings.Contains(got.body, "просит не записывать") || !strings.Contains(got.body, "Typed") {
			t.Errorf("the page answers %d: %s", got.status, got.body)
		}
		got := w.do("POST", "/api/v1/records", wanted, "key", w.key)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"code":"opted-out"`) {
			t.Errorf("/api/v1 answers %d: %s", got.status, got.body)
		}
		got = w.do("POST", "/montage-event/504", lecture, "key", w.imported)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `{"error":"'start_time': A calendar event`) {
			t.Errorf("the NVR's API answers %d: %s", got.status, got.body)
		}
	})
}
