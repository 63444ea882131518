package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/web/browsertest"
)

// The merge that the browser is shown.
const (
	shownWidth, shownHeight = 640, 180
	shownLength             = 20 * time.Second
	shownFrame              = 40 * time.Millisecond
)

// page holds the merge.
const page = `<!doctype html><title>merge</title><video src="/merge.mp4" preload="auto"></video>`

// player is what a test asks of a page with a video. The luma is that of BT.709, limited range.
const player = `
const v = document.querySelector("video");
v.muted = true;
const failed = new Promise((_, no) => v.addEventListener("error", () => no(new Error("video: " + v.error.message))));
const event = name => Promise.race([failed, new Promise(yes => v.addEventListener(name, yes, {once: true}))]);
// A busy browser has "seeked" before the picture of that place is there to be drawn.
let shown = -1;
const note = (_, frame) => { shown = frame.mediaTime; v.requestVideoFrameCallback(note); };
v.requestVideoFrameCallback(note);
async function ready() {
	if (v.readyState < 2) await event("loadeddata");
	return {width: v.videoWidth, height: v.videoHeight, duration: v.duration};
}
async function play(seconds) {
	await v.play();
	while (v.currentTime < seconds) await event("timeupdate");
	v.pause();
	return v.currentTime;
}
async function luma(seconds) {
	const there = event("seeked");
	v.currentTime = seconds;
	await there;
	for (let i = 0; i < 2000 && Math.abs(shown - seconds) > 0.04; i++) await new Promise(yes => setTimeout(yes, 10));
	const canvas = document.createElement("canvas");
	canvas.width = v.videoWidth; canvas.height = v.videoHeight;
	const context = canvas.getContext("2d");
	context.drawImage(v, 0, 0);
	const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
	let text = "";
	for (let i = 0; i < rgba.length; i += 4)
		text += String.fromCharCode(16 + (0.2126 * rgba[i] + 0.7152 * rgba[i+1] + 0.0722 * rgba[i+2]) * 219 / 255);
	return btoa(text);
}
true`

// TestPlaysInABrowser merges a small lecture, and Chromium plays it, seeks in it, and shows at each
// place what the recorder saw at that instant.
func TestPlaysInABrowser(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t.Context(), t)
	start := time.Date(2026, 11, 20, 15, 0, 10, 0, time.FixedZone("MSK", 3*3600))
	server := httptest.NewServer(serveMerge(smallMerge(t, start)))
	defer server.Close()

	if _, err := chromedp.Run(browser, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	watch(browser, t, start, shownLength, 337, 12, 250, 499, 51)
}

// watch plays the video of the page where the browser is, and looks at some of its frames.
func watch(browser context.Context, t *testing.T, start time.Time, length time.Duration, frames ...int64) {
	t.Helper()
	ask[bool](browser, t, player)
	video := ask[struct{ Width, Height, Duration float64 }](browser, t, "ready()")
	if video.Width != shownWidth || video.Height != shownHeight || video.Duration != length.Seconds() {
		t.Errorf("the browser sees %+v, want %dx%d, %v", video, shownWidth, shownHeight, length)
	}
	if at := ask[float64](browser, t, "play(1.5)"); at < 1.5 {
		t.Errorf("it played to %v s", at)
	}
	for _, frame := range frames {
		middle := time.Duration(frame)*shownFrame + shownFrame/2
		checkShown(
			t,
			ask[string](browser, t, fmt.Sprintf("luma(%f)", middle.Seconds())),
			start.Add(time.Duration(frame)*shownFrame),
		)
	}
}

// checkShown reads the strips of both panes and wants the instant, within a frame.
func checkShown(t *testing.T, text string, want time.Time) {
	t.Helper()
	luma, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(luma) != shownWidth*shownHeight {
		t.Fatalf("the picture at %v has %d pixels: %v", want, len(luma), err)
	}
	for i, source := range []string{"24", "21"} {
		const half = shownWidth / 2
		pane := make([]byte, 0, half*shownHeight)
		for y := range shownHeight {
			row := luma[y*shownWidth+i*half:]
			pane = append(pane, row[:half]...)
		}
		got := timecode.Read(pane, half, shownHeight, want)
		if got.State != timecode.Valid || got.Source != source || got.At.Sub(want).Abs() > shownFrame {
			t.Errorf("at %v the browser shows %+v, want source %s", want, got, source)
		}
	}
}

// openBrowser starts Chromium. A machine without one skips the test, unless it is the one that decides.
func openBrowser(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed: no browser plays the merge")
	}
	return browsertest.Open(ctx, t, path)
}

// ask waits for what a promise of the page gives.
func ask[T any](browser context.Context, t *testing.T, script string) T {
	t.Helper()
	got, err := chromedp.Run(browser, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return got
}

// serveMerge serves the page and the video, by ranges as a web server does.
func serveMerge(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page)) // a browser that is gone is the test's to notice
	})
	mux.HandleFunc("/merge.mp4", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, path)
	})
	return mux
}

// shownSession is what two sources record, minute by minute.
func shownSession(start, end time.Time) recorder.Session {
	session := recorder.Session{Room: "504", Seed: 7}
	for _, octet := range []string{"24", "21"} {
		s := recorder.Source{
			Octet:    octet,
			Scene:    recorder.Lecturer,
			Sound:    recorder.TrueSound(),
			Pictures: recorder.Pictures{Width: 320, Height: 180},
			Segments: recorder.Slots(start.Truncate(time.Minute), end, time.Minute),
		}
		if octet == "21" {
			s.Scene = recorder.Screen()
		}
		session.Sources = append(session.Sources, s)
	}
	return session
}

// smallMerge records half a minute of two sources and merges 20 s out of the middle, in several slices.
func smallMerge(t *testing.T, start time.Time) (path string) {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := shownSession(start, start.Add(shownLength+2*time.Second)).Record(t.Context(), tool, dir, nil); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "merge.mp4")
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{
		"merge",
		"--segments",
		dir,
		"--room",
		"504",
		"--date",
		start.Format(time.DateOnly),
		"--start",
		start.Format(time.TimeOnly),
		"--end",
		start.Add(shownLength).Format(time.TimeOnly),
		"--lecturer",
		"24",
		"--screen",
		"21",
		"--sound",
		"24",
		"--segment-length",
		"1m",
		"--slice",
		"6s",
		"--size",
		fmt.Sprintf("%dx%d", shownWidth, shownHeight),
		"--out",
		path,
	}, &stdout, &stderr); code != exitDone {
		t.Fatalf("merge = %d: %s", code, stderr.String())
	}
	return path
}
