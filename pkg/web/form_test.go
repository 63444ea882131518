package web_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

const formType = "application/x-www-form-urlencoded"

func TestForm(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		got := w.do("GET", "/?room=504&date=2026-11-20", "", "Accept-Language", "ru")
		for _, want := range []string{`<html lang="ru">`, `name="room"`, `name="date" type="date" value="2026-11-20"`, `name="start"`, `name="end"`, `name="title"`, ">Запросить</button>",
			`<option selected>504</option>`, `<option>Зал/2 &lt;b&gt;</option>`, "Пятница, 20 ноября 2026"} {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("want %s in %v", want, got)
			}
		}
		if got = w.do("GET", "/", "", "Accept-Language", "de, en;q=0.5"); !strings.Contains(got.body, ">Request</button>") || !strings.Contains(got.body, `lang="en"`) {
			t.Errorf("English: %v", got)
		}
		token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(got.body)[1]
		form := url.Values{
			"token": {token},
			"room":  {"504"},
			"date":  {"2026-11-20"},
			"start": {"15:10"},
			"end":   {"16:30"},
			"title": {"<script>alert(1)</script>"},
		}
		for range 2 {
			got = w.do("POST", "/", form.Encode(), "Content-Type", formType)
			if got.status != http.StatusSeeOther || got.header.Get("Location") != "/recordings?sent=1" {
				t.Errorf("a double click: %v", got)
			}
		}
		form.Set("title", "другое")
		w.do("POST", "/", form.Encode(), "Content-Type", formType)
		records, err := w.store.Records.ByUser(context.Background(), lecturer)
		if err != nil || len(records) != 2 || records[0].Room != "504" || records[0].StartTime != "15:10" {
			t.Fatalf("records: %v, %v", records, err)
		}
		got = w.do("GET", "/recordings", "", "Accept-Language", "ru")
		if !strings.Contains(got.body, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(got.body, "Ждём конца лекции") {
			t.Errorf("recordings: %v", got)
		}
	})
}

func TestFormErrors(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		good := url.Values{
			"token": {"t"},
			"room":  {"504"},
			"date":  {"2026-11-20"},
			"start": {"15:10"},
			"end":   {"16:30"},
			"title": {`"Моё" название`},
		}
		for _, test := range []struct{ field, value, want string }{
			{"end", "15:10", "Конец должен быть позже начала"},
			{"start", "", "Укажите время"},
			{"start", "25:00", "Введите время в виде"},
			{"date", "20.11.2026", "Введите день в виде"},
			{"room", "505", "Выберите аудиторию"},
			{"title", strings.Repeat("Ы", 201), "Сократите название"},
		} {
			form, err := url.ParseQuery(good.Encode())
			w.must(err)
			form.Set(test.field, test.value)
			got := w.do(
				"POST",
				"/",
				form.Encode(),
				"Content-Type",
				formType,
				"Accept-Language",
				"ru",
			)
			if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, test.want) || !strings.Contains(got.body, `id="`+test.field+`-wrong"`) {
				t.Errorf("%s %q: %v", test.field, test.value, got)
			}
			if test.field != "title" && !strings.Contains(got.body, `value="&#34;Моё&#34; название"`) {
				t.Errorf("%s %q: what was typed is gone", test.field, test.value)
			}
			if !strings.Contains(got.body, test.value) {
				t.Errorf("%s: %q is gone", test.field, test.value)
			}
		}
		if got := w.do("POST", "/", strings.Repeat("a", 1<<20+1), "Content-Type", formType); got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("too long: %v", got.status)
		}
	})
}

func TestOtherSites(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Site.Hosts = []string{"127.0.0.1", "localhost"} })
	body := url.Values{
		"room":  {"504"},
		"date":  {"2026-11-20"},
		"start": {"15:10"},
		"end":   {"16:30"},
	}.Encode()
	for _, headers := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site", "Origin", w.web.URL},
	} {
		if got := w.do("POST", "/", body, append(headers, "Content-Type", formType)...); got.status != http.StatusForbidden {
			t.Errorf("%v: %v", headers, got)
		}
		if got := w.do("POST", "/api/v1/records", wanted, append(headers, "Cookie", "page=1")...); got.status != http.StatusForbidden {
			t.Errorf("%v, API: %v", headers, got)
		}
	}
	for _, headers := range [][]string{
		{"Origin", w.web.URL},
		{"Sec-Fetch-Site", "same-origin"},
		{},
	} {
		if got := w.do("POST", "/", body, append(headers, "Content-Type", formType)...); got.status != http.StatusSeeOther {
			t.Errorf("%v: %v", headers, got)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.web.URL, nil)
	w.must(err)
	r.Host = "rebound.example:80"
	got, err := http.DefaultClient.Do(r)
	w.must(err)
	if _ = got.Body.Close(); got.StatusCode != http.StatusForbidden {
		t.Errorf("another name: %v", got.Status)
	}
	page := w.do("GET", "/", "")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
		"Set-Cookie":              "SameSite=Strict",
	} {
		if !strings.Contains(page.header.Get(name), want) {
			t.Errorf("%s: %q", name, page.header.Get(name))
		}
	}
	if strings.Contains(page.body, "<style") || strings.Contains(page.body, "style=") || strings.Contains(page.body, "onclick") || strings.Count(page.body, "<script") != 1 {
		t.Error("the page has inline style or script")
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	if got := w.do("GET", "/api/v1/rooms", ""); got.status != http.StatusUnauthorized {
		t.Errorf("no key, no page: %v", got)
	}
	if got := w.do("GET", "/api/v1/rooms", "", "Cookie", "page=1"); got.status != http.StatusOK {
		t.Errorf("the page's session: %v", got)
	}
	if got := w.do("GET", "/api/v1/rooms", "", "Cookie", "page=1", "key", "wrong"); got.status != http.StatusUnauthorized {
		t.Errorf("a wrong key on the page: %v", got)
	}
	if got := w.do("GET", "/nothing", ""); got.status != http.StatusNotFound {
		t.Errorf("no page: %v", got)
	}
	if got := w.do("DELETE", "/recordings", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("no such method: %v", got)
	}
	if got := w.do("POST", "/language", "language=en&back=//evil.example", "Content-Type", formType); got.status != http.StatusSeeOther || got.header.Get("Location") != "/" || !strings.Contains(got.header.Get("Set-Cookie"), "language=en") {
		t.Errorf("language: %v", got)
	}
	signedOut := newEnv(t, func(o *web.Options) {
		o.Authenticate = func(*http.Request) (auth.User, error) {
			return auth.User{}, auth.ErrNotSignedIn
		}
	})
	for _, path := range []string{"/", "/recordings", "/operators"} {
		if got := signedOut.do("GET", path, ""); got.status != http.StatusUnauthorized || strings.Contains(got.body, "504") {
			t.Errorf("signed out at %s: %v", path, got)
		}
	}
}

func TestOperators(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		for _, path := range []string{"/operators", "/operators/rooms/1", "/operators/rooms/new"} {
			if got := w.do("GET", path, ""); got.status != http.StatusForbidden {
				t.Errorf("a lecturer at %s: %v", path, got.status)
			}
		}
		if got := w.do("POST", "/operators/rooms/1", "name=x", "Content-Type", formType); got.status != http.StatusForbidden {
			t.Errorf("a lecturer changes a room: %v", got.status)
		}
		w.operator.Store(true)
		strange := w.file(stranger, "2026-11-20", "15:10", "16:30")
		got := w.do("GET", "/operators", "", "Accept-Language", "en")
		for _, want := range []string{stranger, "In progress", "Зал/2 &lt;b&gt;", "0 of 144 files"} {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("want %s in %v", want, got)
			}
		}
		if got = w.do("POST", "/recordings/1/cancel", "back=/operators", "Content-Type", formType); got.header.Get("Location") != "/operators?said=cancelled" {
			t.Errorf("cancel: %v", got)
		}
		if r, err := w.store.Records.Get(context.Background(), strange.ID); err != nil || r.Step != "withdrawn" {
			t.Errorf("cancelled: %v, %v", r, err)
		}
		room := url.Values{
			"name":        {"601"},
			"main_source": {"172.18.191.40/0"},
			"zone":        {"Asia/Yekaterinburg"},
			"segment":     {"15"},
			"calendar":    {"c601"},

			"board_source": {"172.18.191.40"},
		}
		if got = w.do("POST", "/operators/rooms/new", room.Encode(), "Content-Type", formType); got.status != http.StatusSeeOther {
			t.Fatalf("a new room: %v", got)
		}
		saved, err := w.store.Rooms.Get(context.Background(), "601")
		if err != nil || saved.Zone.String() != "Asia/Yekaterinburg" || saved.SegmentLength.Minutes() != 15 || saved.Language != "ru" {
			t.Errorf("saved: %v, %v", saved, err)
		}
		path := strings.TrimSuffix(got.header.Get("Location"), "?said=saved")
		if got = w.do("POST", path+"/sources/0", "ip=172.18.191.41&merge=&name=second", "Content-Type", formType); got.status != http.StatusSeeOther {
			t.Errorf("a new source: %v", got)
		}
		w.boards(path, room)
		got = w.do("POST", path+"/sources/0", "ip=camera&name=Typed", "Content-Type", formType)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `id="source-0-ip-wrong"`) ||
			!strings.Contains(got.body, `value="Typed"`) {
			t.Errorf("a source with a wrong address: %v", got)
		}
		for field, value := range map[string]string{
			"name":        "504",
			"zone":        "Mars/Olympus",
			"segment":     "-1",
			"main_source": "camera",

			"board_source": "camera",
			"language":     "de",
			"drive":        strings.Repeat("d", 201),
		} {
			wrong, err := url.ParseQuery(room.Encode())
			w.must(err)
			wrong.Set(field, value)
			if got = w.do("POST", path, wrong.Encode(), "Content-Type", formType); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `id="room-`+field+`-wrong"`) {
				t.Errorf("%s %q: %v", field, value, got.status)
			}
		}
		saved, err = w.store.Rooms.Get(context.Background(), "601")
		if err != nil || len(saved.Sources) != 2 || saved.Board() != "172.18.191.41" {
			t.Errorf("saved: %v, %v", saved, err)
		}
		if got = w.do("GET", path, "", "Accept-Language", "ru"); got.status != http.StatusOK || strings.Contains(got.body, "⟦") {
			t.Errorf("room page: %v", got)
		}
	})
}

// boards moves the board camera of a room to another source, and back to none.
func (w *env) boards(path string, room url.Values) {
	w.t.Helper()
	for _, address := range []string{"172.18.191.41", "", "172.18.191.41"} {
		room.Set("board_source", address)
		if got := w.do("POST", path, room.Encode(), "Content-Type", formType); got.status != http.StatusSeeOther {
			w.t.Fatalf("board camera %q: %v", address, got)
		}
		saved, err := w.store.Rooms.Get(context.Background(), "601")
		if err != nil || saved.Board() != address || len(saved.Sources) != 2 {
			w.t.Errorf("board camera %q: %+v, %v", address, saved, err)
		}
	}
}

// TestFailures retries and dismisses failures on the operators' page, one and many.
func TestFailures(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		var all []nvr.Record
		for range 3 {
			r := w.file(lecturer, "2026-11-20", "01:00", "02:00")
			w.bring(r, nvr.StepFailed)
			all = append(all, r)
		}
		post := func(form string) int {
			return w.do("POST", "/operators/failures", form, "Content-Type", formType).status
		}
		if status := post("do=retry&record=1"); status != http.StatusForbidden {
			t.Errorf("a lecturer retries: %v", status)
		}
		w.operator.Store(true)
		if got := w.do("GET", "/operators", ""); !strings.Contains(got.body, `name="group" value="stage/text"`) ||
			!strings.Contains(got.body, "<td>3</td>") {
			t.Errorf("the failures are not grouped: %s", got.body)
		}
		post("do=dismiss&record=" + number(all[0].ID))
		if got := w.do("GET", "/operators", ""); !strings.Contains(got.body, "<td>2</td>") {
			t.Errorf("one is not dismissed: %s", got.body)
		}
		post("do=retry&group=stage/text")
		for i, want := range []nvr.Step{nvr.StepFailed, nvr.StepStage, nvr.StepStage} {
			if r, err := w.store.Records.Get(context.Background(), all[i].ID); err != nil || r.Step != want {
				t.Errorf("record %d: %v, %v", r.ID, r.Step, err)
			}
		}
		if got := w.do("GET", "/operators", "", "Accept-Language", "en"); !strings.Contains(got.body, "No failures.") {
			t.Errorf("failures are left: %s", got.body)
		}
	})
}

// TestRoomsWorstFirst sorts the rooms of the operators' page, and links each finding.
func TestRoomsWorstFirst(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.fill()
	w.operator.Store(true)
	_, err := w.store.Rooms.Save(context.Background(), nvr.Room{
		Name: "700", MainSource: "172.18.191.70", SegmentLength: 30 * time.Minute,
	})
	w.must(err)
	body := w.do("GET", "/operators", "", "Accept-Language", "en").body
	at := 0
	for _, want := range []string{
		`<th scope="row">Зал/2 &lt;b&gt;</th>`, `href="/operators/rooms/2">no cameras are set</a>`,
		`<th scope="row">700</th>`, `href="/?date=2026-11-19&amp;room=700">no footage for seven days</a>`,
		`<th scope="row">504</th>`, `href="/?date=2026-11-19&amp;room=504">1 unreadable file</a>`, "missing file",
	} {
		next := strings.Index(body[at:], want)
		if next < 0 {
			t.Fatalf("want %s after %d in %s", want, at, body)
		}
		at += next
	}
}
