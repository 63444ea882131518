package web_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web"
)

// withGerman returns the product's catalogue with a third language, which is one more file.
func withGerman(t *testing.T) *i18n.Catalog {
	t.Helper()
	english, err := os.ReadFile("../i18n/locale/en.json")
	if err != nil {
		t.Fatal(err)
	}
	german := strings.NewReplacer(
		`"English"`, `"Deutsch"`,
		`"Request a recording"`, `"Aufzeichnung anfordern"`,
		`"Friday"`, `"Freitag"`,
	).Replace(string(english))
	file := fstest.MapFS{"de.json": {Data: []byte(german)}}
	catalog, err := i18n.New(os.DirFS("../i18n/locale"), file)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// TestThirdLanguage adds a language by one file. The pages offer it, and answers of the API have it.
func TestThirdLanguage(t *testing.T) {
	t.Parallel()
	catalog := withGerman(t)
	w := newEnv(t, func(o *web.Options) { o.Catalog = catalog })
	w.operator.Store(true)
	page := w.do("GET", "/?room=504&date=2026-11-20", "", "Accept-Language", "de-AT, en;q=0.5")
	for _, want := range []string{
		`<html lang="de">`,
		"Aufzeichnung anfordern",
		"Freitag, 20 November 2026",
		`value="en" lang="en">English</button>`,
		`value="ru" lang="ru">По-русски</button>`,
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if got := page.header.Get("Content-Language"); got != "de" {
		t.Errorf("Content-Language %q, want de", got)
	}
	russian := w.do("GET", "/", "", "Accept-Language", "ru")
	if want := `value="de" lang="de">Deutsch</button>`; !strings.Contains(russian.body, want) {
		t.Errorf("the Russian page does not show %s", want)
	}
	chosen := w.do("POST", "/language", "language=de&back=/recordings", "Content-Type", formType)
	if cookie := chosen.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "language=de;") {
		t.Errorf("the chosen language sets the cookie %q", cookie)
	}
	unknown := w.do("POST", "/language", "language=fr", "Content-Type", formType)
	if unknown.status != http.StatusBadRequest {
		t.Errorf("an unknown language: status %d", unknown.status)
	}
	room := w.do("POST", "/operators/rooms/1", "name=504&language=de", "Content-Type", formType)
	if room.status != http.StatusSeeOther {
		t.Errorf("a room whose notices are German: status %d", room.status)
	}
}

// TestReason checks that the API answers a reason in every language, and the page in the reader's.
func TestReason(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	r := w.file(lecturer, "2026-11-20", "10:10", "11:30")
	w.bring(r, nvr.StepFailed)
	got := w.do("GET", "/api/v1/records/1", "", "key", w.key)
	want := `"reason":{"en":"Nothing was recorded in room 504 between 09:10 and 10:30.","ru":"В аудитории 504`
	if !strings.Contains(got.body, want) {
		t.Errorf("the API answers %s, want %s", got.body, want)
	}
	page := w.do("GET", "/recordings", "", "Accept-Language", "ru")
	if want := "В аудитории 504 с 09:10 до 10:30 ничего не записано."; !strings.Contains(page.body, want) {
		t.Errorf("the page does not show %q", want)
	}
	if strings.Contains(page.body, "no segments of sources") {
		t.Error("the page shows a technical cause to a lecturer")
	}
	w.operator.Store(true)
	operators := w.do("GET", "/operators", "", "Accept-Language", "ru")
	for _, want := range []string{"no segments of sources", "поиск файлов"} {
		if !strings.Contains(operators.body, want) {
			t.Errorf("the status page does not show %q", want)
		}
	}
}
