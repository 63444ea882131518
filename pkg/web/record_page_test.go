package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web"
)

// formOf reads what the form of a record's page holds.
func (w *env) formOf(path string) url.Values {
	w.t.Helper()
	body := w.do("GET", path, "", "Accept-Language", "en").body
	form := url.Values{}
	inputs := regexp.MustCompile(`name="(tag|start|end|title|course|forget)"[^>]*? value="([^"]*)"`)
	for _, found := range inputs.FindAllStringSubmatch(body, -1) {
		form.Set(found[1], found[2])
	}
	return form
}

// TestRecordPage changes a delivered video on its page, field by field, and presses its buttons.
func TestRecordPage(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Retention = 14 * 24 * time.Hour })
	const path = "/recordings/1"
	w.deliver()
	w.clock.Move(48 * time.Hour)
	post := func(path string, form url.Values, headers ...string) answer {
		return w.do("POST", path, form.Encode(), append(headers, "Content-Type", formType, "Accept-Language", "en")...)
	}
	row := func() nvr.Record {
		t.Helper()
		r, err := w.store.Records.Get(t.Context(), 1)
		w.must(err)
		return r
	}
	form := w.formOf(path)
	if form.Get("start") != "15:10:00" || form.Get("end") != "16:30:00" || form.Get("forget") != "1" {
		t.Fatalf("the form holds %v", form)
	}
	if got := post(path, form); got.status != http.StatusSeeOther || row().Revision != 1 {
		t.Errorf("nothing changed: %v", got)
	}
	if got := post(path, form, "Origin", "https://evil.example"); got.status != http.StatusForbidden {
		t.Errorf("from another site: %v", got)
	}
	form.Set("end", "15:00")
	if got := post(path, form); got.status != http.StatusBadRequest || !strings.Contains(got.body, "The end must be after") ||
		!strings.Contains(got.body, `value="15:00"`) {
		t.Errorf("the end before the start: %v", got)
	}
	form.Set("end", "16:30:00")
	form.Set("course", "БПМИ201")
	if got := post(path, form); got.status != http.StatusSeeOther || !strings.HasSuffix(got.header.Get("Location"), "said=changed") {
		t.Errorf("course: %v", got)
	}
	if r := row(); r.Step != nvr.StepLink || r.Revision != 2 || r.Edits.Course == nil || r.Edits.Forget {
		t.Errorf("course: %+v", r)
	}
	if got := post(path, form); !strings.HasSuffix(got.header.Get("Location"), "said=unchanged") {
		t.Errorf("the same again: %v", got)
	}
	form.Set("title", "Алгебра")
	if got := post(path, form); !strings.HasSuffix(got.header.Get("Location"), "said=cannot") || row().Title != "Анализ" {
		t.Errorf("of a former version: %v", got)
	}
	form = w.formOf(path)
	form.Set("start", "15:10:07")
	form.Set("title", "Алгебра")
	form.Set("layout", "stage")
	post(path, form)
	if r := row(); r.Step != nvr.StepStage || r.Edits.StartAfter != 7 || r.Title != "Алгебра" || r.Layout != nvr.LayoutStage || !r.Edits.Forget {
		t.Errorf("start, title and layout: %+v", r)
	}
	back := url.Values{"back": {path}}
	if got := post(path+"/takeback", back); got.header.Get("Location") != path+"?said=taken-back" || row().Edits.TakenBack == "" {
		t.Errorf("take back: %v", got)
	}
	if got := w.do("GET", path, "", "Accept-Language", "en"); !strings.Contains(got.body, path+"/restore") ||
		strings.Contains(got.body, `id="change"`) {
		t.Errorf("taken back: %v", got)
	}
	if got := post(path+"/restore", back); got.header.Get("Location") != path+"?said=restored" || row().Edits.TakenBack != "" {
		t.Errorf("restore: %v", got)
	}
	w.clock.Move(30 * 24 * time.Hour)
	form = w.formOf(path)
	form.Set("title", "Физика")
	if got := post(path, form); got.status != http.StatusBadRequest || !strings.Contains(got.body, "is deleted") {
		t.Errorf("without footage: %v", got)
	}
}

// TestReleaseOnThePage releases a held record.
func TestReleaseOnThePage(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	r := w.deliver()
	r.Held = true
	_, _, err := w.store.Requests.Insert(t.Context(), r, nil)
	w.must(err)
	const path = "/recordings/2"
	if got := w.do("GET", path, ""); !strings.Contains(got.body, path+"/release") {
		t.Errorf("held: %v", got)
	}
	w.do("POST", path+"/release", url.Values{"back": {path}}.Encode(), "Content-Type", formType)
	if r, err = w.store.Records.Get(t.Context(), 2); err != nil || r.Held {
		t.Errorf("released: %+v, %v", r, err)
	}
}

// TestRecordPageInABrowser looks at the page of a record, and takes its video back, without scripts.
func TestRecordPageInABrowser(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Retention = 14 * 24 * time.Hour })
	w.deliver()
	b := openBrowser(t, w)
	b.open("/recordings")
	b.run(chromedp.Click(chromedp.CSS(`#record-1 a[href="/recordings/1"]`)))
	b.await(`document.querySelector("#change")`)
	b.as(320, 640, "ru", "light")
	b.open("/recordings/1")
	b.check("record-phone-ru-light")
	b.as(1280, 800, "en", "dark")
	b.open("/recordings/1")
	b.check("record-desktop-en-dark")
	b.scripts(false)
	b.open("/recordings/1")
	b.run(
		chromedp.SetValue(chromedp.CSS("#start"), "15:12:05"),
		chromedp.Click(chromedp.CSS("#change .primary")),
	)
	b.await(`document.querySelector(".said")`)
	b.run(chromedp.Click(chromedp.CSS("form[action$=takeback] button")))
	b.await(`document.querySelector("form[action$=restore]")`)
	b.scripts(true)
	b.open("/recordings/1")
	b.check("record-taken-back")
	r, err := w.store.Records.Get(t.Context(), 1)
	if err != nil || r.StartTime != "15:12" || r.Edits.StartAfter != 5 || r.Edits.TakenBack == "" {
		t.Errorf("%+v, %v", r, err)
	}
}
