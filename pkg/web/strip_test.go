package web_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/nvr-miem/merger/pkg/web"
)

// stripAt scrolls an hour of the strip into view and returns where it is, in the row of that number.
func (b *browser) stripAt(hour float64, row int) (x, y float64) {
	b.t.Helper()
	at := ask[[]float64](b, fmt.Sprintf(`(() => {
		const view = document.querySelector(".view"), over = document.querySelector(".over");
		const x = %f / 24 * over.offsetWidth;
		document.querySelector(".tracks").scrollIntoView({block: "center"});
		const shown = view.clientWidth - over.offsetLeft;
		if (x < view.scrollLeft + 60 || x > view.scrollLeft + shown - 60) view.scrollLeft = x - shown / 2;
		const bar = document.querySelectorAll(".track .bar")[%d - 1].getBoundingClientRect();
		return [over.getBoundingClientRect().left + x, bar.top + bar.height / 2];
	})()`, hour, row))
	return at[0], at[1]
}

// hours returns the chosen hours.
func (b *browser) hours() string {
	b.t.Helper()
	return ask[string](b, `document.querySelector("#start").value + " " + document.querySelector("#end").value`)
}

// wantHours checks the chosen hours after an action.
func (b *browser) wantHours(after, want string) {
	b.t.Helper()
	if got := b.hours(); got != want {
		b.t.Errorf("after %s the hours are %q, want %q", after, got, want)
	}
}

// touch sends touches at points of the window: x, y, x, y.
func (b *browser) touch(kind input.DispatchTouchEventType, points ...float64) {
	b.t.Helper()
	touches := []*input.TouchPoint{}
	for i := 0; i+1 < len(points); i += 2 {
		id := float64(i)
		touches = append(touches, &input.TouchPoint{X: points[i], Y: points[i+1], ID: &id})
	}
	_, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{
		Type:        kind,
		TouchPoints: touches,
	})
	b.must(err)
}

// phone emulates a phone with a touch screen.
func (b *browser) phone(language string) {
	b.t.Helper()
	b.as(390, 844, language, "light")
	_, err := chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{
		Enabled: true,
	})
	b.must(err)
}

// TestStripByTouch scrolls, taps, drags and zooms the strip of a day with fingers. Only a tap on a stretch of
// a lecture's length and a drag of a handle change the chosen hours.
func TestStripByTouch(t *testing.T) {
	t.Parallel()
	var taken atomic.Int32
	w := newEnv(t, func(o *web.Options) { o.Footage = pictures(&taken) })
	w.fill()
	w.event("Линейная алгебра", stranger, "16:40", "18:00", lecturer)
	b := openBrowser(t, w)
	b.phone("ru")
	b.open("/?room=504&date=2026-11-20&start=08:20&end=09:40")
	b.await(`document.querySelector(".handle.end")`)
	if scale := ask[float64](b, `document.querySelector(".over").offsetWidth / 1440`); scale < 2 {
		t.Errorf("a minute is %v px wide", scale)
	}
	b.check("strip-phone")

	x, y := b.stripAt(11, 1)
	scrolled := ask[float64](b, `document.querySelector(".view").scrollLeft`)
	b.touch(input.DispatchTouchEventTypeTouchStart, x, y)
	for _, by := range []float64{10, 30, 60, 90} {
		b.touch(input.DispatchTouchEventTypeTouchMove, x-by, y)
	}
	b.touch(input.DispatchTouchEventTypeTouchEnd)
	b.await(fmt.Sprintf(`document.querySelector(".view").scrollLeft > %f`, scrolled+30))
	b.rests()
	b.wantHours("a scroll", "08:20 09:40")

	x, y = b.stripAt(13.5, 1) // footage of the whole day, longer than a lecture
	b.tap(x, y)
	b.await(`document.querySelector(".spot strong")?.innerText === "13:30"`)
	b.wantHours("a tap", "08:20 09:40")
	b.await(`document.querySelectorAll(".pictures img").length === 2 &&
		[...document.querySelectorAll(".pictures img")].every(i => i.naturalWidth > 0) &&
		document.querySelector(".pictures").innerText.includes("нет кадра")`)
	b.check("pointed-phone")
	b.run(chromedp.Click(chromedp.CSS(`.spot [data-here="end"]`)))
	b.wantHours("end here", "08:20 13:30")
	b.undoes("08:20 09:40")

	x, y = b.stripAt(9.5, 2) // the presentation from 09:00 to 10:36
	b.tap(x, y)
	b.await(`document.querySelector("#start").value === "09:00"`)
	b.wantHours("a tap on a presentation", "09:00 10:37")
	b.undoes("08:20 09:40")

	x, y = b.stripAt(17, 4)
	b.tap(x, y)
	b.await(`document.querySelector("#start").value === "16:40"`)
	b.wantHours("a tap on an event", "16:40 18:00")
	b.undoes("08:20 09:40")

	b.dragsByTouch()
	b.zooms()
	b.tellsDoubts()
}

// tellsDoubts chooses hours without footage, and hours that were requested already.
func (b *browser) tellsDoubts() {
	b.t.Helper()
	choose := `(() => { for (const [name, value] of [["start", %q], ["end", %q]]) {
		const field = document.getElementById(name);
		field.value = value;
		field.dispatchEvent(new Event("input", {bubbles: true}));
	} return true; })()`
	ask[bool](b, fmt.Sprintf(choose, "08:10", "09:30"))
	b.await(`document.querySelector("#doubts a")?.getAttribute("href") === "/recordings#record-1"`)
	b.check("doubts-phone")
	ask[bool](b, fmt.Sprintf(choose, "08:11", "09:31"))
	b.await(`!document.querySelector("#doubts a")`)
}

// rests waits until the strip does not scroll any more. A tap before that only stops it.
func (b *browser) rests() {
	b.t.Helper()
	ask[bool](b, `new Promise(done => {
		const view = document.querySelector(".view");
		let last = view.scrollLeft, still = 0;
		const look = () => {
			still = view.scrollLeft === last ? still + 1 : 0;
			last = view.scrollLeft;
			still > 10 ? done(true) : requestAnimationFrame(look);
		};
		look();
	})`)
}

// tap touches a point of the window for a moment. A busy machine may hold the finger so long that it is no
// tap; then it taps again.
func (b *browser) tap(x, y float64) {
	b.t.Helper()
	ask[bool](b, `(() => {
		window.tapped = false;
		addEventListener("click", () => { window.tapped = true; }, {once: true, capture: true});
		return true;
	})()`)
	for range 10 {
		b.touch(input.DispatchTouchEventTypeTouchStart, x, y)
		b.touch(input.DispatchTouchEventTypeTouchEnd)
		b.rests()
		if ask[bool](b, "window.tapped") {
			return
		}
	}
	b.t.Fatal("taps have no effect")
}

// undoes presses the undo control and checks the hours that return.
func (b *browser) undoes(want string) {
	b.t.Helper()
	b.run(chromedp.Click(chromedp.CSS(".undo button")))
	b.wantHours("undo", want)
}

// dragsByTouch drags the handle of the end close to the end of the presentation, where it snaps.
func (b *browser) dragsByTouch() {
	b.t.Helper()
	b.stripAt(9.7, 1)
	box := ask[[]float64](b, `(() => {
		const h = document.querySelector(".handle.end").getBoundingClientRect();
		return [h.left + 10, h.top + 20, document.querySelector(".over").offsetWidth / 1440];
	})()`)
	x, y, scale := box[0], box[1], box[2]
	b.touch(input.DispatchTouchEventTypeTouchStart, x, y)
	b.touch(input.DispatchTouchEventTypeTouchMove, x+10*scale, y)
	b.touch(input.DispatchTouchEventTypeTouchMove, x+55*scale, y)
	b.touch(input.DispatchTouchEventTypeTouchEnd)
	b.await(`document.querySelector("#end").value === "10:37"`)
	if label := ask[string](b, `document.querySelector(".handle.end").innerText`); label != "10:37" {
		b.t.Errorf("the handle says %q", label)
	}
	b.undoes("08:20 09:40")
}

// zooms zooms with two fingers, the buttons and the keys.
func (b *browser) zooms() {
	b.t.Helper()
	scale := func() float64 { return ask[float64](b, `document.querySelector(".over").offsetWidth / 1440`) }
	before := scale()
	x, y := b.stripAt(9, 1)
	b.touch(input.DispatchTouchEventTypeTouchStart, x-20, y, x+20, y)
	b.touch(input.DispatchTouchEventTypeTouchMove, x-30, y, x+30, y)
	b.touch(input.DispatchTouchEventTypeTouchMove, x-40, y, x+40, y)
	b.touch(input.DispatchTouchEventTypeTouchEnd)
	pinched := scale()
	b.run(chromedp.Click(chromedp.CSS(`[data-zoom="2"]`)))
	pressed := scale()
	b.run(chromedp.Focus(chromedp.CSS(".view")), chromedp.KeyEvent("-"), chromedp.KeyEvent(kb.ArrowRight))
	if pinched < before*1.8 || pressed < pinched*1.8 || scale() > pressed*0.6 {
		b.t.Errorf("a minute is %v px wide, pinched %v, then %v and %v", before, pinched, pressed, scale())
	}
	b.wantHours("zooming", "08:20 09:40")
}
