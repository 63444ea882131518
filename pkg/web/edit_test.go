package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
)

type edited struct {
	State, Start, End, Title string
	Revision                 int64
	ChangeableUntil          string `json:"changeable_until"`
}

func TestEdit(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		const path = "/api/v1/records/1"
		w.do("POST", "/api/v1/records", wanted, "key", w.key)
		row, err := w.store.Records.Get(t.Context(), 1)
		w.must(err)
		w.bring(row, nvr.StepDone)
		w.clock.Move(48 * time.Hour) // the lecture is over
		tag := w.do("GET", path, "", "key", w.key).header.Get("ETag")
		const trim = `{"start": "2026-11-20T15:10:07+03:00", "end": "2026-11-20T13:29:30Z", "forget": true}`
		for name, each := range map[string]struct {
			body, match string
			status      int
		}{
			"no If-Match":      {trim, "", http.StatusPreconditionRequired},
			"another ETag":     {trim, `"0123.4567"`, http.StatusPreconditionFailed},
			"no JSON":          {`[]`, tag, http.StatusBadRequest},
			"nothing":          {`{}`, tag, http.StatusBadRequest},
			"an unknown field": {`{"colour": 1}`, tag, http.StatusBadRequest},
			"half a second":    {`{"start": "2026-11-20T15:10:07.5+03:00"}`, tag, http.StatusBadRequest},
			"no time":          {`{"start": 7}`, tag, http.StatusBadRequest},
			"end before start": {`{"end": "2026-11-20T15:09:00+03:00"}`, tag, http.StatusBadRequest},
			"another day":      {`{"end": "2026-11-21T16:30:00+03:00"}`, tag, http.StatusBadRequest},
		} {
			header := []string{"key", w.key}
			if each.match != "" {
				header = append(header, "If-Match", each.match)
			}
			if got := w.do("PATCH", path, each.body, header...); got.status != each.status {
				t.Errorf("%s: %v, want %d", name, got, each.status)
			}
		}
		got := w.do("PATCH", path, trim, "key", w.key, "If-Match", tag)
		r := reads[edited](t, got.body)
		if got.status != http.StatusAccepted || r.Revision != 2 || r.State != "queued" ||
			r.Start != "2026-11-20T15:10:07+03:00" || r.End != "2026-11-20T16:29:30+03:00" || r.Title != "Анализ" {
			t.Errorf("trim: %v", got)
		}
		if again := w.do("PATCH", path, trim, "key", w.key, "If-Match", tag); again.status != http.StatusPreconditionFailed {
			t.Errorf("the same ETag again: %v", again)
		}
		if cancelled := w.do("POST", path+"/cancel", "", "key", w.key); cancelled.status != http.StatusConflict {
			t.Errorf("cancel a revision: %v", cancelled)
		}
		tag = got.header.Get("ETag")
		got = w.do("PATCH", path, `{"title": "Алгебра"}`, "key", w.key, "If-Match", tag)
		if r = reads[edited](t, got.body); got.status != http.StatusAccepted || r.Revision != 3 || r.Title != "Алгебра" ||
			r.Start != "2026-11-20T15:10:07+03:00" {
			t.Errorf("rename: %v", got)
		}
		row, err = w.store.Records.Get(t.Context(), 1)
		w.must(err)
		if row.StartTime != "15:10" || row.EndTime != "16:30" || row.Asked().Title != "Анализ" || row.Edits.Forget {
			t.Errorf("the row is %+v", row)
		}
	})
}

// TestEditTooLate edits a record of which the segments are deleted, and one that is not delivered yet: its
// request changes, and its revision stays.
func TestEditTooLate(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Retention = 14 * 24 * time.Hour })
	const path = "/api/v1/records/1"
	w.do("POST", "/api/v1/records", wanted, "key", w.key)
	const later = `{"end": "2026-11-20T16:45:00+03:00"}`
	got := w.do("PATCH", path, later, "key", w.key, "If-Match", "*")
	r := reads[edited](t, got.body)
	if got.status != http.StatusAccepted || r.Revision != 1 || r.End != "2026-11-20T16:45:00+03:00" {
		t.Errorf("before the delivery: %v", got)
	}
	if r.ChangeableUntil != "2026-12-04T15:10:00+03:00" {
		t.Errorf("changeable until %s", r.ChangeableUntil)
	}
	w.clock.Move(30 * 24 * time.Hour)
	if got = w.do("PATCH", path, later, "key", w.key, "If-Match", "*"); got.status != http.StatusConflict {
		t.Errorf("the footage is gone: %v", got)
	}
	w.do("POST", path+"/cancel", "", "key", w.key)
	w.clock.Move(-30 * 24 * time.Hour)
	if got = w.do("PATCH", path, later, "key", w.key, "If-Match", "*"); got.status != http.StatusConflict {
		t.Errorf("a cancelled record: %v", got)
	}
}

// TestCourseOfNoEvent: the author of an event may name a course there, so that they may choose another one. Who
// asked by hand may not: the post is made in the name of the course's owner.
func TestCourseOfNoEvent(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	const path = "/api/v1/records/1"
	w.do("POST", "/api/v1/records", wanted, "key", w.key)
	got := w.do("PATCH", path, `{"course": "БПМИ201"}`, "key", w.key, "If-Match", "*")
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "course-of-event") {
		t.Errorf("chosen by the requester: %v", got)
	}
	got = w.do("PATCH", path, `{"course": null}`, "key", w.key, "If-Match", "*")
	if got.status != http.StatusAccepted {
		t.Errorf("none: %v", got)
	}
	trusted := w.addKey(store.Key{Email: lecturer, AnyAddress: true})
	got = w.do("PATCH", path, `{"course": "БПМИ201"}`, "key", trusted, "If-Match", "*")
	if got.status != http.StatusAccepted {
		t.Errorf("chosen by a trusted key: %v", got)
	}
}

// TestEditLayoutAndCourse changes what is no time: a layout makes the video again, a course does not, also when the
// footage is gone.
func TestEditLayoutAndCourse(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Retention = 14 * 24 * time.Hour })
	const path = "/api/v1/records/1"
	w.deliver()
	w.clock.Move(48 * time.Hour)
	for _, wrong := range []string{`{"layout": "wide"}`, `{"layout": 1}`, `{"course": 1}`} {
		got := w.do("PATCH", path, wrong, "key", w.key, "If-Match", "*")
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: %v", wrong, got)
		}
	}
	got := w.do("PATCH", path, `{"course": "БПМИ201"}`, "key", w.key, "If-Match", "*")
	r := reads[edited](t, got.body)
	if got.status != http.StatusAccepted || r.State != "linking" || r.Revision != 2 {
		t.Errorf("course: %v", got)
	}
	got = w.do("PATCH", path, `{"layout": "stage"}`, "key", w.key, "If-Match", "*")
	if r = reads[edited](t, got.body); got.status != http.StatusAccepted || r.State != "queued" || r.Revision != 3 {
		t.Errorf("layout: %v", got)
	}
	row, err := w.store.Records.Get(t.Context(), 1)
	w.must(err)
	if row.Layout != nvr.LayoutStage || row.Asked().Layout != "" || row.Edits.Course == nil || *row.Edits.Course != "БПМИ201" {
		t.Errorf("the row is %+v", row)
	}
	if got = w.do("POST", path+"/post", "", "key", w.key); got.status != http.StatusConflict {
		t.Errorf("post meanwhile: %v", got)
	}
}
