package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/idtoken"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// TestIAP holds who is believed: a header that is signed, for us, by the proxy, and names a person.
func TestIAP(t *testing.T) {
	t.Parallel()
	const audience = "/projects/1/locations/europe-west1/services/form"
	payload := func(issuer, email string) *idtoken.Payload {
		return &idtoken.Payload{Issuer: issuer, Claims: map[string]any{"email": email}}
	}
	tokens := map[string]*idtoken.Payload{
		"good":     payload("https://cloud.google.com/iap", lecturer),
		"account":  payload("https://accounts.google.com", lecturer),
		"nameless": payload("https://cloud.google.com/iap", ""),
	}
	iap := auth.IAP{
		Audience:  audience,
		Operators: []string{"Lecturer@Example.org"},
		Validate: func(_ context.Context, token, for_ string) (*idtoken.Payload, error) {
			if tokens[token] == nil || for_ != audience {
				return nil, errors.New("no")
			}
			return tokens[token], nil
		},
	}
	for _, test := range []struct {
		name, value string
		ok          bool
	}{
		{"X-Goog-Iap-Jwt-Assertion", "good", true},
		{"X-Goog-Iap-Jwt-Assertion", "account", false},
		{"X-Goog-Iap-Jwt-Assertion", "nameless", false},
		{"X-Goog-Iap-Jwt-Assertion", "forged", false},
		{"X-Goog-Authenticated-User-Email", "accounts.google.com:" + lecturer, false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(test.name, test.value)
		user, err := iap.Authenticate(r)
		if test.ok && (err != nil || user != auth.User{
			Email:    lecturer,
			Operator: true,
		}) || !test.ok && !errors.Is(err, auth.ErrNotSignedIn) {
			t.Errorf("%s: %s gives %+v, %v", test.name, test.value, user, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Goog-Iap-Jwt-Assertion", "not.a.token")
	if _, err := (auth.IAP{Audience: audience}).Authenticate(r); !errors.Is(err, auth.ErrNotSignedIn) {
		t.Errorf("Google's library: %v", err)
	}
}

// TestReportPage shows the report of a merge with exactly its own style allowed.
func TestReportPage(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	r := w.file(lecturer, "2026-11-20", "10:10", "11:30")
	w.bring(r, nvr.StepDone)
	if got := w.do("GET", "/recordings/1/report", ""); got.status != http.StatusNotFound || !strings.Contains(got.body, "Отчёта пока нет") {
		t.Errorf("no report: %v", got)
	}
	start := time.Date(2026, 11, 20, 10, 10, 0, 0, moscow(t))
	made := report.Report{Record: report.Record{
		Room:     "504",
		Date:     "2026-11-20",
		Start:    report.At(start),
		End:      report.At(start.Add(80 * time.Minute)),
		Title:    "<script>alert(1)</script>",
		TimeZone: "Europe/Moscow",
		FPS:      25,
		Policy:   report.Auto,
	}}
	var text bytes.Buffer
	w.must(made.Write(&text))
	body := text.Bytes()
	w.report.Store(&body)
	got := w.do("GET", "/recordings/1/report", "", "Accept-Language", "en")
	if got.status != http.StatusOK || strings.Contains(got.body, "<script") || !regexp.MustCompile(`style-src 'sha256-[^']+'`).MatchString(got.header.Get("Content-Security-Policy")) {
		t.Errorf("report: %d %v", got.status, got.header)
	}
}

// TestWhatBecameOfIt says in the reader's language what became of the share and of the course.
func TestWhatBecameOfIt(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		hold := w.bring(w.file(lecturer, "2026-11-20", "10:10", "11:30"), nvr.StepLink)
		share, course := `{"en":"A rule forbids it.","ru":"Это запрещает правило."}`, "null"
		w.must(w.store.Leases.Save(t.Context(), hold, store.Change{Share: &share, Course: &course}))
		for language, want := range map[string][]string{
			"ru": {"Доступ: Это запрещает правило.", "Курс: null"},
			"en": {"Sharing: A rule forbids it.", "Course: null"},
		} {
			got := w.do("GET", "/recordings", "", "Accept-Language", language)
			for _, text := range want {
				if !strings.Contains(got.body, text) {
					t.Errorf("%s: the page does not say %q", language, text)
				}
			}
		}
		if got := w.do("GET", "/api/v1/records/1", "", "key", w.key); !strings.Contains(got.body, `"course":"null","course_state":"posted","share":"A rule forbids it."`) {
			t.Errorf("the API: %v", got)
		}
	})
}

// TestThumbnail shows the picture of a video to whom the record belongs, and to no one else.
func TestThumbnail(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	r := w.file(lecturer, "2026-11-20", "10:10", "11:30")
	path := fmt.Sprintf("/recordings/%d/thumbnail", r.ID)
	if got := w.do("GET", path, ""); got.status != http.StatusNotFound {
		t.Errorf("none yet: %v", got)
	}
	if got := w.do("GET", "/recordings", ""); strings.Contains(got.body, "thumbnail") {
		t.Error("the page shows a picture of a video that is not made")
	}
	w.bring(r, nvr.StepDone)
	got := w.do("GET", path, "")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(got.body, "\xff\xd8") || got.header.Get("ETag") == "" {
		t.Errorf("done: %d %v", got.status, got.header)
	}
	if got := w.do("GET", "/recordings", ""); !strings.Contains(got.body, `src="`+path+`"`) {
		t.Error("the page does not show it")
	}
	other := w.file(stranger, "2026-11-20", "10:10", "11:30")
	w.bring(other, nvr.StepDone)
	if got := w.do("GET", fmt.Sprintf("/recordings/%d/thumbnail", other.ID), ""); got.status != http.StatusNotFound {
		t.Errorf("another's: %d", got.status)
	}
}

// FuzzRequests sends malformed requests; nothing may answer 5xx.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "/montage-event/504", lecture, "2026-11-20")
	f.Add("POST", "/api/v1/records", wanted, "x")
	f.Add("POST", "/", "room=504&date=2026-11-20&start=15:10&end=16:30&title=%00&token=t", "x")
	f.Add("GET", "/api/v1/records?limit=9&cursor=YmVmb3JlIDE&state=done&date=2026-11-20", "", "")
	f.Add("GET", "/api/v1/rooms/504/footage?date=0000-00-00", "", "")
	f.Add("GET", "/?room=504&date=9999-12-31&start=%ff&title=%zz", "", "ru;q=x,,")
	f.Add("GET", "/records/%2e%2e%2f", "", "")
	f.Add("POST", "/operators/rooms/1", "name=504&zone=../../etc/passwd&segment=1e99", "")
	f.Add("POST", "/operators/rooms/1/sources/9999999999999999999", "ip=1.2.3.4", "")
	f.Add("POST", "/calendar-notifications/", "", "channel")
	f.Add("POST", "/language", "language=ru&back=/%0a", "")
	f.Add("GET", "/recordings/1/thumbnail", "", "")
	w := newEnv(f)
	w.operator.Store(true)
	w.file(lecturer, "2026-11-20", "10:10", "11:30")
	f.Fuzz(func(t *testing.T, method, path, body, header string) {
		if !strings.HasPrefix(path, "/") || strings.Contains(path, "/events") {
			return
		}
		r, err := http.NewRequestWithContext(
			t.Context(),
			method,
			w.web.URL+path,
			strings.NewReader(body),
		)
		if err != nil {
			return
		}
		r.Header.Set("key", w.imported)
		if len(header)%2 == 0 {
			r.Header.Del("key")
			r.Header.Set("Cookie", "page=1; language="+header)
		}
		if strings.HasPrefix(body, "{") {
			r.Header.Set("Content-Type", "application/json")
		} else {
			r.Header.Set("Content-Type", formType)
		}
		r.Header.Set("Idempotency-Key", header)
		r.Header.Set("Accept-Language", header)
		r.Header.Set("X-Goog-Channel-ID", header)
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
		got, err := client.Do(r)
		if err != nil {
			return // what Go's client itself refuses to send
		}
		if _ = got.Body.Close(); got.StatusCode >= 500 {
			t.Errorf("%s %s %q %q: %s", method, path, body, header, got.Status)
		}
	})
}
