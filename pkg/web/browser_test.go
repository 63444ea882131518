package web_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/browsertest"
)

// axePath is where scripts/setup puts axe-core.
const axePath = "../../.cache/axe-core/axe.min.js"

// browser is a tab over an environment.
type browser struct {
	*env
	ctx context.Context
	axe string // axe-core; empty: not here
}

// openBrowser starts Chromium. A machine without one skips the test, unless it is the one that decides.
func openBrowser(t *testing.T, w *env) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	axe, errAxe := os.ReadFile(axePath)
	if os.Getenv("CI") != "" && (err != nil || errAxe != nil) {
		t.Fatalf("chromium or axe-core is not installed (scripts/setup): %v, %v", err, errAxe)
	}
	if err != nil {
		t.Skip("chromium is not installed")
	}
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(stop)
	tab := browsertest.Open(ctx, t, path)
	return &browser{env: w, ctx: tab, axe: string(axe)}
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, steps...))
}

func (b *browser) open(path string) { b.t.Helper(); b.run(chromedp.Navigate(b.web.URL + path)) }

// as sets the size of the window, the languages and the scheme of colours.
func (b *browser) as(width, height int64, language, scheme string) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(
		b.ctx,
		emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{
			Name:  "prefers-color-scheme",
			Value: scheme,
		}}},
	)
	b.must(err)
	_, err = chromedp.Call(
		b.ctx,
		network.SetExtraHTTPHeaders,
		network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}},
	)
	b.must(err)
}

// scripts lets the page's scripts run, or not.
func (b *browser) scripts(on bool) {
	b.t.Helper()
	_, err := chromedp.Call(
		b.ctx,
		emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !on},
	)
	b.must(err)
}

// ask evaluates a script in the page and waits for what its promise gives.
func ask[T any](b *browser, script string) T {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return got
}

// await waits until a condition of the page holds, over navigations too.
func (b *browser) await(condition string) {
	b.t.Helper()
	ticker := time.NewTicker(30 * time.Millisecond)
	defer ticker.Stop()
	for range 500 {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); ok && err == nil {
			return
		}
		<-ticker.C
	}
	b.t.Fatalf(
		"waited in vain for %s; the page says %s",
		condition, ask[string](b, "document.body.innerText"),
	)
}

// check holds a page against WCAG 2.2 AA, and that nothing sticks out of the window; it leaves a picture
// where SCREENSHOTS says.
func (b *browser) check(name string) {
	b.t.Helper()
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		b.must(err)
		b.must(os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
	}
	if wide := ask[[]float64](b, "[document.documentElement.scrollWidth, innerWidth]"); wide[0] > wide[1] {
		b.t.Errorf("%s: the page is %v px wide in a window of %v", name, wide[0], wide[1])
	}
	if text := ask[string](b, "document.body.innerText"); strings.Contains(text, "⟦") {
		b.t.Errorf("%s: words are missing in %s", name, text)
	}
	if b.axe == "" {
		b.t.Logf("%s: axe-core is not installed", name)
		return
	}
	ask[bool](b, b.axe+"; true")
	found := ask[[]string](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + " " + n.failureSummary)))`)
	for _, each := range found {
		b.t.Errorf("%s: %s", name, each)
	}
}

// fill makes a day with footage, and a record in every state.
func (w *env) fill() {
	w.t.Helper()
	ctx := context.Background()
	for _, date := range []string{"2026-11-18", "2026-11-19", "2026-11-20"} {
		var segments []store.Segment
		for half := range 48 {
			for _, source := range []string{"24", "21", "30"} {
				if source == "30" && half > 16 && half < 20 || date == "2026-11-20" && half >= 30 {
					continue
				}
				segments = append(segments, store.Segment{
					Name: nvr.SegmentName{
						Room:   "504",
						Date:   date,
						Time:   fmt.Sprintf("%02d:%02d", half/2, half%2*30),
						Source: source,
					},
					Bytes:      1,
					Generation: 1,
				})
			}
		}
		_, err := w.store.Segments.Index(ctx, "504", date, segments)
		w.must(err)
		for _, s := range segments {
			switch {
			case s.Name.Source == "21" && s.Name.Time >= "09:00" && s.Name.Time < "10:30":
				w.must(w.store.Segments.SaveAnalysis(ctx, s.Name, 1, store.Analysis{
					Seconds:   1800,
					Stretches: []store.Stretch{{From: 0, To: 1800, Presentation: true}},
				}))
			case s.Name.Source == "21" && s.Name.Time >= "10:30" && s.Name.Time < "12:00":
				w.must(w.store.Segments.SaveAnalysis(ctx, s.Name, 1, store.Analysis{
					Seconds: 1800,
					Stretches: []store.Stretch{
						{From: 0, To: 400, Presentation: true},
						{From: 400, To: 1800},
					},
				}))
			case s.Name.Source == "24" && s.Name.Time == "06:00":
				w.must(w.store.Segments.SaveAnalysis(
					ctx,
					s.Name,
					1,
					store.Analysis{Fault: "no moov"},
				))
			}
		}
	}
	for i, step := range []nvr.Step{
		nvr.StepDone,
		nvr.StepFailed,
		nvr.StepWithdrawn,
		nvr.StepLink,
		nvr.StepUpload,
		nvr.StepMerge,
		nvr.StepStage,
	} {
		r, _, err := w.store.Requests.Insert(ctx, nvr.Record{
			Title:     []string{"Математический анализ, лекция 4", "", "Алгебра", "Семинар по истории науки и техники", "Линейное программирование", "Физика", "Без спешки"}[i],
			Room:      "504",
			Date:      "2026-11-20",
			StartTime: fmt.Sprintf("%02d:10", 8+i),
			EndTime:   fmt.Sprintf("%02d:30", 9+i),
			UserEmail: lecturer,
		}, nil)
		w.must(err)
		w.bring(r, step)
	}
	w.file(lecturer, "2026-11-23", "15:10", "16:30")
}

// bring takes a record along its way to a step.
func (w *env) bring(r nvr.Record, step nvr.Step) nvr.Lease {
	w.t.Helper()
	ctx := context.Background()
	if step == nvr.StepWithdrawn {
		w.must(w.store.Requests.Withdraw(ctx, r.ID, cause.Legacy(
			"Cancelled by lecturer@example.org.",
			"Отменено: lecturer@example.org.",
		)))
		return nvr.Lease{}
	}
	claim, err := w.store.Queue.Claim(ctx, r, nvr.StepStage, time.Hour)
	w.must(err)
	_, hold, err := w.store.Leases.Enter(ctx, claim, "worker", time.Hour)
	w.must(err)
	if step == nvr.StepFailed {
		w.must(w.store.Leases.Fail(
			ctx,
			hold,
			cause.Legacy(
				"Nothing was recorded in room 504 between 09:10 and 10:30.",
				"В аудитории 504 с 09:10 до 10:30 ничего не записано.",
			),
			"stage: no segments of sources 24, 21, 30",
		))
		return hold
	}
	for _, next := range []nvr.Step{nvr.StepMerge, nvr.StepUpload, nvr.StepLink, nvr.StepDone} {
		if hold.Step == step {
			break
		}
		change := store.Change{}
		if next == nvr.StepDone {
			link, course, digest := "https://drive.google.com/file/d/abc/view", "Анализ, 1 курс", "d1"
			change = store.Change{Link: &link, Course: &course, Digest: &digest}
		}
		claim, err := w.store.Leases.Advance(ctx, hold, next, change, time.Hour)
		w.must(err)
		if next == nvr.StepDone {
			break
		}
		_, hold, err = w.store.Leases.Enter(ctx, claim, "worker", time.Hour)
		w.must(err)
	}
	if step == nvr.StepMerge {
		w.must(w.store.Leases.AddSlice(ctx, hold, 0, 62, 100))
	}
	return hold
}

// TestEveryPage looks at all pages, in both languages and schemes, on a phone, a desktop and a projector.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.fill()
	w.operator.Store(true)
	b := openBrowser(t, w)
	looks := []struct {
		name          string
		width, height int64
		language      string
		scheme        string
	}{
		{"phone-ru-light", 320, 640, "ru", "light"},
		{"desktop-en-dark", 1280, 800, "en", "dark"},
		{"desktop-ru-light", 1280, 800, "ru", "light"},
		{"projector-en-light", 2560, 1440, "en", "light"},
	}
	if testing.Short() {
		looks = looks[:2]
	}
	for _, look := range looks {
		b.as(look.width, look.height, look.language, look.scheme)
		for name, path := range map[string]string{
			"request":    "/?room=504&date=2026-11-20&start=09:10&end=10:30",
			"recordings": "/recordings?sent=1",
			"operators":  "/operators",
			"room":       "/operators/rooms/1",
			"nothing":    "/nothing",
		} {
			b.open(path)
			b.check(name + "-" + look.name)
		}
		b.open("/?room=504&date=2026-11-20")
		b.run(
			chromedp.SetValue(chromedp.CSS("#end"), "08:00"),
			chromedp.SetValue(chromedp.CSS("#start"), "09:00"),
		)
		b.submit()
		b.await(`document.querySelector("#end-wrong")`)
		b.check("wrong-" + look.name)
	}
}

// submit presses the button and waits for the page that comes.
func (b *browser) submit() {
	b.t.Helper()
	b.run(chromedp.Click(chromedp.CSS("#ask .primary")))
}

// TestTasks goes through each task as people do, in both languages, with scripts and without.
func TestTasks(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name, language, send, sent string
		width                      int64
		scripts                    bool
	}{
		{"phone with scripts", "ru", "Запросить", "Запрос принят", 360, true},
		{"desktop without scripts", "en", "Request", "Request received.", 1280, false},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.fill()
			b := openBrowser(t, w)
			b.as(how.width, 800, how.language, "light")
			b.scripts(how.scripts)
			b.request(how.send, how.sent)
			if how.scripts {
				b.drags()
				b.watches()
			}
			b.decides()
		})
	}
}

// request fills in the form wrongly, then rightly, and presses the button twice.
func (b *browser) request(send, sent string) {
	b.t.Helper()
	b.open("/?room=504&date=2026-11-20")
	if text := ask[string](b, `document.querySelector("#ask .primary").innerText`); text != send {
		b.t.Errorf("the button says %q", text)
	}
	b.run(
		chromedp.SetValue(chromedp.CSS("#start"), "14:10"),
		chromedp.SetValue(chromedp.CSS("#end"), "13:00"),
		chromedp.SetValue(chromedp.CSS("#title"), "<b>Введение</b>"),
	)
	b.submit()
	b.await(`document.querySelector("#end-wrong")`)
	if value := ask[string](b, `document.querySelector("#title").value`); value != "<b>Введение</b>" {
		b.t.Errorf("the title became %q", value)
	}
	b.run(chromedp.SetValue(chromedp.CSS("#end"), "15:00"))
	ask[bool](
		b,
		`(() => { const button = document.querySelector("#ask .primary"); button.click(); button.click(); return true; })()`,
	)
	b.await(`location.pathname === "/recordings"`)
	b.await(`document.body.innerText.includes("` + sent + `") && document.body.innerText.includes("<b>Введение</b>")`)
	records, err := b.store.Records.ByUser(context.Background(), lecturer)
	b.must(err)
	if last := records[len(records)-1]; len(records) != 9 || last.StartTime != "14:10" || last.EndTime != "15:00" {
		b.t.Errorf("%d records, the last %+v", len(records), last)
	}
}

// drags draws a stretch on the day strip, moves its end by keyboard, and changes the day.
func (b *browser) drags() {
	b.t.Helper()
	b.open("/?room=504&date=2026-11-20")
	b.await(`document.querySelector(".handle.end")`)
	x, y := b.stripAt(10, 1)
	b.run(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft),
	)
	x, _ = b.stripAt(11.5, 1)
	b.run(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x, y, chromedp.ButtonLeft),
	)
	if got := b.hours(); got != "10:00 11:30" {
		b.t.Errorf("dragged: %s", got)
	}
	b.run(
		chromedp.Focus(chromedp.CSS(".handle.end")),
		chromedp.KeyEvent(kb.ArrowRight),
		chromedp.KeyEvent(kb.PageUp),
		chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)),
	)
	if got := b.hours(); got != "10:00 12:06" {
		b.t.Errorf("by keyboard: %s", got)
	}
	if text := ask[string](b, `document.querySelector("#length").innerText`); text != "2 ч 6 мин" {
		b.t.Errorf("the length is told as %q", text)
	}
	ask[bool](
		b,
		`(() => { const d = document.querySelector("#date"); d.value = "2026-11-19"; d.dispatchEvent(new Event("change", {bubbles: true})); return true; })()`,
	)
	b.await(`document.querySelector("figure.day").dataset.date === "2026-11-19" && document.querySelector(".handle.end")`)
	if got := b.hours(); got != "10:00 12:06" {
		b.t.Errorf("after another day: %s", got)
	}
}

// watches follows a record without touching the page.
func (b *browser) watches() {
	b.t.Helper()
	b.open("/recordings")
	r := b.file(lecturer, "2026-11-20", "01:00", "02:00")
	b.open("/recordings")
	id := fmt.Sprintf("#record-%d", r.ID)
	b.await(`document.querySelector("` + id + `")?.dataset.state === "queued"`)
	hold := b.bring(r, nvr.StepMerge)
	b.await(`document.querySelector("` + id + ` progress")?.value === 62`)
	b.hides(true)
	b.must(b.store.Leases.AddSlice(context.Background(), hold, 0, 80, 100))
	b.hides(false)
	b.await(`document.querySelector("` + id + ` progress")?.value === 80`)
	b.must(b.store.Leases.Fail(
		context.Background(),
		hold,
		cause.Legacy("Broken <i>.", "Сломалось <i>."),
		"cause",
	))
	b.await(`document.querySelector("` + id + `").innerText.includes("Сломалось <i>.") && document.querySelector("` + id + ` form[action$=retry]")`)
}

// hides puts the tab into the background, where it may hold no stream open, or brings it back.
func (b *browser) hides(hidden bool) {
	b.t.Helper()
	if hidden {
		select {
		case <-b.streams: // of an earlier page
		default:
		}
	}
	script := `Object.defineProperty(document, "hidden", { configurable: true, value: %t });
		document.dispatchEvent(new Event("visibilitychange"))`
	ask[bool](b, fmt.Sprintf(script, hidden))
	if !hidden {
		return
	}
	select {
	case <-b.streams:
	case <-b.ctx.Done():
		b.t.Fatal("a hidden tab holds its stream open")
	}
}

// decides retries what failed and withdraws what waits.
func (b *browser) decides() {
	b.t.Helper()
	b.open("/recordings")
	b.run(chromedp.Click(chromedp.CSS("#record-2 form[action$=retry] button")))
	b.await(`document.querySelector(".said") && document.querySelector("#record-2").dataset.state === "queued"`)
	b.run(chromedp.Click(chromedp.CSS("#record-8 form[action$=cancel] button")))
	b.await(`document.querySelector("#record-8").dataset.state === "withdrawn"`)
	b.open("/recordings")
	b.run(chromedp.Click(chromedp.CSS(".language button")))
	b.await(`document.querySelector(".language button") && document.cookie === ""`) // no script reads our cookies
}
