package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
)

// TestASweepIsRequestedBeforeTheAnswer: Cloud Run can take the CPU away from a service that has answered.
func TestASweepIsRequestedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	looks := 0
	var options web.Options
	w := newEnv(t, func(o *web.Options) {
		o.SweepCalendar = func(context.Context, string) error {
			looks++
			if answer.Flushed || answer.Code != http.StatusOK { // the code that a recorder begins with
				t.Errorf("answered %d before", answer.Code)
			}
			return nil
		}
		options = *o
	})
	w.must(w.store.Channels.Save(t.Context(), store.Channel{
		ID:        "channel-1",
		Calendar:  "c504@resource.calendar.google.com",
		ExpiresAt: w.clock.Now().AddDate(0, 0, 7),
	}, "secret"))
	request := httptest.NewRequest(http.MethodPost, "/calendar-notifications/", nil)
	request.Header.Set("X-Goog-Channel-Id", "channel-1")
	request.Header.Set("X-Goog-Channel-Token", "secret")
	request.Header.Set("X-Goog-Resource-State", "exists")
	web.New(options).ServeHTTP(answer, request)
	if answer.Code != http.StatusNoContent || looks != 1 {
		t.Errorf("answered %d after %d sweeps", answer.Code, looks)
	}
}

// TestAStreamIsOpenedOnlyWhereRecordsMove: each open stream occupies an instance.
func TestAStreamIsOpenedOnlyWhereRecordsMove(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	page := func() string { return w.do(http.MethodGet, "/recordings", "").body }
	const none = `data-live=""`

	later := w.file(lecturer, "2026-11-23", "15:10", "16:30") // it waits for its end
	w.bring(w.file(lecturer, "2026-11-20", "01:00", "02:00"), nvr.StepDone)
	if text := page(); !strings.Contains(text, none) {
		t.Errorf("a stream for a record that waits and one that is done: %s", text)
	}
	r := w.file(lecturer, "2026-11-20", "03:00", "04:00")
	events := fmt.Sprintf("/recordings/events?ids=%d", r.ID)
	if text := page(); !strings.Contains(text, `data-live="`+events+`"`) {
		t.Errorf("no stream of just the queued record %d beside %d: %s", r.ID, later.ID, text)
	}
	hold := w.bring(r, nvr.StepLink)
	stream, err := http.Get(w.web.URL + events) //nolint:noctx // the test's own server
	w.must(err)
	lines := bufio.NewScanner(stream.Body)
	linking := false
	for !linking && lines.Scan() {
		linking = strings.Contains(lines.Text(), `data-state="linking"`)
	}
	_, err = w.store.Leases.Advance(t.Context(), hold, nvr.StepDone, store.Change{}, time.Hour)
	w.must(err)
	done := false
	for lines.Scan() { // until the stream ends
		done = done || strings.Contains(lines.Text(), `data-state="done"`)
	}
	w.must(stream.Body.Close())
	if err := lines.Err(); !done || err != nil {
		t.Errorf("the stream said that it is done: %t, %v", done, err)
	}
	if got := w.do(http.MethodGet, events, ""); got.status != http.StatusNoContent {
		t.Errorf("a stream of a record that is done: %v", got)
	}
}
