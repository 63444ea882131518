package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/records"
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
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `{"error":"A calendar event`) {
			t.Errorf("the NVR's API answers %d: %s", got.status, got.body)
		}
	})
}

// TestRequestPolicies holds who may request what under each policy. Operators and keys with a scope or for any
// address are exempt.
func TestRequestPolicies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy  records.Policy
		domains []string
		member  string // of an event from 15:00 to 16:15
		want    int
	}{
		{records.PolicyAny, nil, "", http.StatusCreated},
		{records.PolicyDomain, []string{"Example.org"}, "", http.StatusCreated},
		{records.PolicyDomain, []string{"example.com"}, lecturer, http.StatusForbidden},
		{records.PolicyEvent, []string{"example.org"}, "", http.StatusForbidden},
		{records.PolicyEvent, nil, stranger, http.StatusForbidden},
		{records.PolicyEvent, nil, strings.ToUpper(lecturer), http.StatusCreated},
	} {
		w := newEnv(t, func(o *web.Options) { o.Policy, o.Domains = test.policy, test.domains })
		at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		w.must(w.store.EventMembers.Save(context.Background(), store.MemberEvent{
			Calendar: "c504@example.org",
			Event:    "e1",
			Room:     "504",
			Start:    at,
			End:      at.Add(75 * time.Minute),
			Members:  store.FormatMembers([]string{test.member, "guest@example.org"}),
		}))
		if got := w.do("POST", "/api/v1/records", wanted, "key", w.key); got.status != test.want {
			t.Errorf("%+v: /api/v1 answers %d: %s", test, got.status, got.body)
		}
		if got := w.do("POST", "/montage-event/504", lecture, "key", w.key); got.status != test.want {
			t.Errorf("%+v: the NVR's API answers %d: %s", test, got.status, got.body)
		}
		if got := w.do("POST", "/montage-event/504", lecture, "key", w.imported); got.status != http.StatusCreated {
			t.Errorf("%+v: a key of the NVR gets %d", test, got.status)
		}
		scoped := w.addKey(store.Key{Email: lecturer, Rooms: []string{"504"}})
		if got := w.do("POST", "/api/v1/records", wanted, "key", scoped); got.status != http.StatusCreated {
			t.Errorf("%+v: a key with a scope gets %d", test, got.status)
		}
		w.checkPagePolicy(test.want)
	}
}

// checkPagePolicy sends the form as a person, who is refused or not, and as an operator.
func (w *env) checkPagePolicy(want int) {
	w.t.Helper()
	form := url.Values{"room": {"504"}, "date": {"2026-11-20"}, "start": {"15:10"}, "end": {"16:30"}}.Encode()
	post := func() int {
		return w.do("POST", "/", form, "Content-Type", "application/x-www-form-urlencoded").status
	}
	if got := post(); (got == http.StatusForbidden) != (want == http.StatusForbidden) {
		w.t.Errorf("the page answers %d, the API %d", got, want)
	}
	w.operator.Store(true)
	if got := post(); got != http.StatusSeeOther {
		w.t.Errorf("an operator gets %d", got)
	}
}
