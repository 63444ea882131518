// Package browsertest starts a headless Chromium for tests of pages and videos.
package browsertest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startTime is how long a browser may take to start on a busy machine.
const startTime = 5 * time.Minute

// flags returns the switches of Chromium: it shows no window and talks to no server of its maker.
func flags() []string {
	return []string{
		"headless",
		"no-sandbox",
		"disable-dev-shm-usage",
		"disable-gpu",
		"disable-quic",
		"no-first-run",
		"disable-background-networking",
		"disable-component-update",
		"disable-sync",
	}
}

// Open starts Chromium, which is at a path, with a profile of its own, and returns the context of its tab. The
// browser ends with the test and leaves nothing behind.
func Open(ctx context.Context, t *testing.T, path string) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.WSURLReadTimeout(startTime),
		chromedp.Env("TMPDIR=" + tempDir(t)),
	}
	for _, flag := range flags() {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil && ctx.Err() == nil {
			t.Errorf("close the browser: %v", err)
		}
		closeTab()
		end()
	})
	return tab
}

// tempDir returns a folder for the temporary files of a browser, which does not remove them. Its path is
// short, as a socket's must be.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser") //nolint:usetesting // t.TempDir gives longer paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
