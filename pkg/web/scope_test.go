package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestScopeHidesOtherRooms asks both APIs with keys of one room. A record of the same person in another room,
// and that room itself, are in no answer. Only a request for the room is told that the key may not use it.
func TestScopeHidesOtherRooms(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	report := []byte(`{"room":"504"}`)
	w.report.Store(&report)
	hidden := w.file(lecturer, "2026-11-20", "10:10", "11:30") // in room 504
	shown, _, err := w.store.Requests.Insert(t.Context(), nvr.Record{
		Title: "Shown", Room: "Зал/2 <b>", Date: "2026-11-20", StartTime: "10:10", EndTime: "11:30", UserEmail: lecturer,
	}, nil)
	w.must(err)
	scoped := w.addKey(store.Key{Email: lecturer, Rooms: []string{shown.Room}})
	everyone := w.addKey(store.Key{Email: stranger, Rooms: []string{shown.Room}, AnyAddress: true})

	record := fmt.Sprintf("/api/v1/records/%d", hidden.ID)
	const day = "?date=2026-11-20"
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/rooms", "", 200},
		{"GET", "/rooms/504", "", 404},
		{"GET", "/records/" + lecturer, "", 200},
		{"POST", "/montage-event/504", lecture, 403},
		{"POST", "/montage-event/505", lecture, 403}, // there is no such room
		{"GET", "/api/v1/rooms", "", 200},
		{"GET", "/api/v1/rooms/504/footage" + day, "", 404},
		{"GET", "/api/v1/records", "", 200},
		{"GET", "/api/v1/records?room=504", "", 200},
		{"GET", "/api/v1/records?limit=1", "", 200},
		{"POST", "/api/v1/records", wanted, 403},
		{"POST", "/api/v1/records", strings.Replace(wanted, "504", "505", 1), 403},
		{"GET", record, "", 404},
		{"GET", record + "/report", "", 404},
		{"GET", record + "/slides", "", 404},
		{"GET", record + "/events", "", 404},
		{"POST", record + "/cancel", "", 404},
		{"POST", record + "/retry", "", 404},
	} {
		for name, key := range map[string]string{"scoped": scoped, "any address": everyone} {
			got := w.do(test.method, test.path, test.body, "key", key)
			if got.status != test.status {
				t.Errorf("%s %s of key %q: %d, want %d", test.method, test.path, name, got.status, test.status)
			}
			if got.status == http.StatusOK && (strings.Contains(got.body, "504") || strings.Contains(got.body, hidden.Title)) {
				t.Errorf("%s %s of key %q shows the other room: %s", test.method, test.path, name, got.body)
			}
		}
	}

	// The same requests reach the record for a key of all rooms: the scope is what hid it.
	for _, path := range []string{"/rooms/504", record, record + "/report", "/api/v1/rooms/504/footage" + day} {
		if got := w.do("GET", path, "", "key", w.key); got.status != http.StatusOK {
			t.Errorf("GET %s of a key of all rooms: %d", path, got.status)
		}
	}
	if got := w.do("GET", "/api/v1/records", "", "key", scoped); !strings.Contains(got.body, shown.Title) {
		t.Errorf("the list lacks the record of the key's room: %s", got.body)
	}
	if got := streamOf(t, w, record, w.key); !strings.Contains(got, hidden.Title) {
		t.Errorf("the stream of a key of all rooms begins with %q", got)
	}
}

// streamOf returns the first event of a record's stream.
func streamOf(t *testing.T, w *env, record, key string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.web.URL+record+"/events", nil)
	w.must(err)
	r.Header.Set("key", key)
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer func() { _ = answer.Body.Close() }()
	event := make([]byte, 1<<10)
	n, err := io.ReadAtLeast(answer.Body, event, 100)
	w.must(err)
	return string(event[:n])
}
