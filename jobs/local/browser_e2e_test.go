package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestByHand asks for two recordings as people do, on a desktop with scripts and on a phone without, and
// watches in the browser what the whole of serve made of them: the page shows the way and then the link,
// and the link plays what the room's recorders saw.
func TestByHand(t *testing.T) {
	t.Parallel()
	start, err := nvr.Wall(lesson(), "10:00", moscow())
	if err != nil {
		t.Fatal(err)
	}
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := newServed(t)
	s.flags = []string{"--time-scale", "600", "--segment-length", "1m", "--size", "640x180"}
	folder := filepath.Join(s.dir, "segments", "504", lesson())
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := shownSession(start, start.Add(2*time.Minute)).Record(t.Context(), tool, folder, nil); err != nil {
		t.Fatal(err)
	}
	s.up()
	s.room("504")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	browser := openBrowser(ctx, t)
	for _, hand := range []hand{
		{
			name:     "desktop with scripts",
			language: "en",
			width:    1280,
			scripts:  true,
			from:     "10:00",
			to:       "10:01",
			start:    start,
			send:     "Request",
			done:     "Done",
		},
		{
			name:     "phone without scripts",
			language: "ru",
			width:    360,
			from:     "10:01",
			to:       "10:02",
			start:    start.Add(time.Minute),
			send:     "Запросить",
			done:     "Готово",
		},
	} {
		t.Run(hand.name, func(t *testing.T) { hand.asks(browser, s.with(t)) })
	}
}

// hand is a person before the page.
type hand struct {
	name, language string
	width          int64
	scripts        bool
	from, to       string
	start          time.Time
	send, done     string // words of the page
}

func (h hand) asks(browser context.Context, s *served) {
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		s.Helper()
		if err := chromedp.Do(browser, steps...); err != nil {
			s.Fatal(err)
		}
	}
	h.sits(browser, s)
	s.call(204, "POST", "/functions/calendar", "") // the sweep sees the footage, too
	do(chromedp.Navigate(s.base + "/?room=504&date=" + lesson()))
	if send := ask[string](browser, s.T, `document.querySelector("#ask .primary").innerText`); send != h.send {
		s.Errorf("the button says %q", send)
	}
	if footage := ask[int](browser, s.T, `document.querySelectorAll("figure.day .track.source rect:not(.nothing)").length`); footage == 0 {
		s.Error("the day shows no footage")
	}
	h.pictures(browser, s, "asking")
	do(
		chromedp.SetValue(chromedp.CSS("#start"), h.from),
		chromedp.SetValue(chromedp.CSS("#end"), h.to),
		chromedp.SetValue(chromedp.CSS("#title"), h.name),
	)
	do(chromedp.Click(chromedp.CSS("#ask .primary")))
	seen := func(what, script string) {
		s.Helper()
		s.until(what, func() bool {
			held, err := chromedp.Run(browser, chromedp.Evaluate[bool]("Boolean("+script+")"))
			return held && err == nil
		})
	}
	seen("the request is taken", `location.pathname === "/recordings"`)
	record := `[...document.querySelectorAll(".record")].find(r => r.innerText.includes("` + h.name + `"))`
	seen("the record is listed", record)
	s.call(204, "POST", "/functions/claim", "")
	if h.scripts {
		seen(
			"the page itself shows the link",
			record+`?.querySelector("a.button") && `+record+`.dataset.state === "done"`,
		)
	} else { // a busy machine has better things to do than to load the page again and again
		id, err := strconv.ParseInt(
			strings.TrimPrefix(ask[string](browser, s.T, record+".id"), "record-"),
			10,
			64,
		)
		if err != nil {
			s.Fatal(err)
		}
		s.reaches(id, "done")
		do(chromedp.Navigate(s.base + "/recordings"))
		if !ask[bool](browser, s.T, "Boolean("+record+`?.querySelector("a.button"))`) {
			s.Error("the page has no link when it is loaded again")
		}
	}
	if state := ask[string](browser, s.T, record+`.querySelector(".state").innerText`); state != h.done {
		s.Errorf("the record is %q", state)
	}
	h.pictures(browser, s, "done")
	link := ask[string](browser, s.T, record+`.querySelector("a.button").href`)
	h.scripts = true // the test's own, to look at the video
	h.sits(browser, s)
	do(chromedp.Navigate(link))
	watch(browser, s.T, h.start, time.Minute, 0, 700, 1499)
}

// sits sets the window, the language, and whether scripts run.
func (h hand) sits(browser context.Context, s *served) {
	if err := chromedp.Do(browser, chromedp.EmulateViewport(h.width, 800)); err != nil {
		s.Fatal(err)
	}
	if _, err := chromedp.Call(browser, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": h.language}}); err != nil {
		s.Fatal(err)
	}
	if _, err := chromedp.Call(browser, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !h.scripts}); err != nil {
		s.Fatal(err)
	}
}

// pictures leaves the page where SCREENSHOTS says.
func (h hand) pictures(browser context.Context, s *served, name string) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	if err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "by-hand-"+name+"-"+h.language+".png"), picture, 0o600); err != nil {
		s.Fatal(err)
	}
}
