package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestSearch filters the records of a person, and those of everyone for an operator, on the page and in
// /api/v1.
func TestSearch(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		w.fill() // 1 to 8 are the lecturer's
		strange := w.file(stranger, "2026-11-20", "15:10", "16:30")
		for _, test := range []struct {
			name, query string
			found       string // "1,2"
		}{
			{"part of a title", "q=лекция", "1"},
			{"state", "state=failed", "2"},
			{"a state that depends on the clock", "state=waiting", "8"},
			{"dates", "from=2026-11-21&to=2026-11-30", "8"},
			{"course", "course=Анализ, 1", "1"},
			{"room", "room=504&state=done", "1"},
			{"several", "q=алгебра&state=withdrawn", "3"},
			{"nothing", "q=нет такого", ""},
		} {
			query, err := url.ParseQuery(test.query)
			w.must(err)
			var onPage, inAPI []string
			page := w.do("GET", "/recordings?"+query.Encode(), "").body
			for part := range strings.SplitSeq(page, `id="record-`) {
				if id, _, ok := strings.Cut(part, `"`); ok && strings.Trim(id, "0123456789") == "" && id != "" {
					onPage = append(onPage, id)
				}
			}
			got := w.do("GET", "/api/v1/records?"+query.Encode(), "", "key", w.key)
			for _, r := range reads[struct{ Records []record }](t, got.body).Records {
				inAPI = append(inAPI, number(r.ID))
			}
			if a, b := strings.Join(onPage, ","), strings.Join(inAPI, ","); a != test.found || b != test.found {
				t.Errorf("%s: the page finds %q, /api/v1 %q, want %q", test.name, a, b, test.found)
			}
		}
		entry := `id="record-` + number(strange.ID) + `"`
		if got := w.do("GET", "/recordings?all=1&q=stranger", ""); strings.Contains(got.body, entry) {
			t.Error("a lecturer sees another's record")
		}
		w.operator.Store(true)
		if got := w.do("GET", "/recordings?all=1&q=STRANGER", ""); !strings.Contains(got.body, entry) {
			t.Error("an operator does not find a record of everyone")
		}
		for _, wrong := range []string{"from=20.11.2026", "q=" + strings.Repeat("x", 101)} {
			if got := w.do("GET", "/api/v1/records?"+wrong, "", "key", w.key); got.status != http.StatusBadRequest {
				t.Errorf("%s: %v", wrong, got.status)
			}
			if got := w.do("GET", "/recordings?"+wrong, ""); got.status != http.StatusOK {
				t.Errorf("%s on the page: %v", wrong, got.status)
			}
		}
	})
}

// TestCourseState tells a post from a course that was not found and from one that refused.
func TestCourseState(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	texts := i18n.Default()
	for _, test := range []struct{ course, state, words string }{
		{"", "none", "Done"},
		{"Анализ, 1 курс", "posted", "Done"},
		{texts.FormatReason(cause.CourseNotFound("abc")), "not_found", "Done, not in the course"},
		{texts.FormatReason(cause.EventGone()), "none", "Done"},
		{texts.FormatReason(cause.VideoNotVisible()), "refused", "Done, but the course refused it"},
	} {
		r := w.file(lecturer, "2026-11-20", "01:00", "02:00")
		hold := w.bring(r, nvr.StepLink)
		_, err := w.store.Leases.Advance(context.Background(), hold, nvr.StepDone, store.Change{Course: &test.course}, 0)
		w.must(err)
		got := w.do("GET", "/api/v1/records/"+number(r.ID), "", "key", w.key)
		if !strings.Contains(got.body, `"course_state":"`+test.state+`"`) {
			t.Errorf("%s: %s", test.course, got.body)
		}
		page := w.do("GET", "/recordings", "", "Accept-Language", "en").body
		_, entry, _ := strings.Cut(page, `id="record-`+number(r.ID)+`"`)
		entry, _, _ = strings.Cut(entry, "</li>")
		if !strings.Contains(entry, test.words+"</p>") {
			t.Errorf("%s: the page says %s", test.course, entry)
		}
	}
}

// TestMissing tells what a finished video lacks, out of its report, and where it went.
func TestMissing(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	r := w.event("Own lecture", lecturer, "09:00", "10:00")
	hold := w.bring(r, nvr.StepLink)
	digest, share := "d7", "shared"
	_, err := w.store.Leases.Advance(
		context.Background(), hold, nvr.StepDone, store.Change{Digest: &digest, Share: &share}, 0)
	w.must(err)
	path := "/api/v1/records/" + number(r.ID)
	if got := w.do("GET", path, "", "key", w.key); !strings.Contains(got.body, `"missing_s":null,"warnings":null`) {
		t.Errorf("without a report: %s", got.body)
	}
	report := []byte(`{"gaps": [
		{"role": "lecturer", "start": "2026-11-20T09:00:00+03:00", "end": "2026-11-20T09:00:05.5+03:00"},
		{"role": "screen", "start": "2026-11-20T09:10:00+03:00", "end": "2026-11-20T09:13:00+03:00"},
		{"role": "lecturer", "start": "2026-11-20T09:30:00+03:00", "end": "2026-11-20T09:30:00.5+03:00"}],
		"warnings": [{"code": "hum"}]}`)
	w.report.Store(&report)
	if got := w.do("GET", path, "", "key", w.key); !strings.Contains(got.body, `"missing_s":186,"warnings":[{"code":"hum"}]`) {
		t.Errorf("with a report: %s", got.body)
	}
	page := w.do("GET", "/recordings", "", "Accept-Language", "en").body
	for _, want := range []string{
		"Missing: lecturer, 6 s", "Missing: screen, 3 min", "Attached to the calendar event", "Shared with " + lecturer,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// number returns the number of a record as it stands in addresses.
func number(id int64) string {
	return strconv.FormatInt(id, 10)
}
