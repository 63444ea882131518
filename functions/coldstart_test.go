package functions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// coldStart is what a function may take at most.
const coldStart = 300 * time.Millisecond

// BenchmarkColdStart takes the image's entry from the start of its process to its first answer, as each
// function. Nothing of Google is there: a function opens its clients without a word to anybody, and what
// the network adds on Cloud Run is not ours to measure.
func BenchmarkColdStart(b *testing.B) {
	dir := b.TempDir()
	entry := filepath.Join(dir, "serve")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", entry, "./serve").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	dsn := storetest.SQLite(b)
	storetest.Open(b, dsn, store.Options{Now: time.Now})
	for _, name := range functions.Names() {
		b.Run(name, func(b *testing.B) {
			var spent time.Duration // of the processor
			fastest := time.Hour
			for range max(b.N, 5) {
				b.StopTimer()
				port := freePort(b)
				process := exec.CommandContext(b.Context(), entry)
				process.Env = []string{
					"FUNCTION_TARGET=" + name,
					"HOST=127.0.0.1",
					"PORT=" + port,
					"DATABASE=" + dsn,
					"LOCAL_USER=a@example.org",
					"DELEGATE=a@example.org",
					"DRIVE_SUBJECT=a@example.org",
					"CALENDAR_SUBJECT=a@example.org",
					"PATH=" + os.Getenv("PATH"),
					"TRACE_FILE=" + filepath.Join(dir, "traces"),
					"STORAGE_ENDPOINT=http://127.0.0.1:9/storage/v1/",
					"PUBSUB_ENDPOINT=127.0.0.1:9",
					"RUN_ENDPOINT=http://127.0.0.1:9",
					"WORKSPACE_ENDPOINT=http://127.0.0.1:9",
				}
				process.Stderr = os.Stderr
				b.StartTimer()
				began := time.Now()
				if err := process.Start(); err != nil {
					b.Fatal(err)
				}
				err := firstAnswer(b.Context(), name, "http://127.0.0.1:"+port)
				b.StopTimer()
				fastest = min(fastest, time.Since(began))
				if err := errors.Join(err, process.Process.Signal(os.Interrupt), process.Wait()); err != nil {
					b.Fatal(err)
				}
				spent += process.ProcessState.UserTime() + process.ProcessState.SystemTime()
			}
			if fastest > coldStart { // the others may have waited for other work of the machine
				b.Errorf("%s starts in %v at best, more than %v", name, fastest, coldStart)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(max(b.N, 5)), "ms/start")
			b.ReportMetric(float64(spent.Milliseconds())/float64(max(b.N, 5)), "cpu-ms/start")
		})
	}
}

func freePort(b testing.TB) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // only its number is wanted
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return port
}

// firstAnswer asks until the function answers as it does to a caller who has nothing to say.
func firstAnswer(ctx context.Context, name, base string) error {
	method, path, want := http.MethodPost, "/", http.StatusNoContent
	switch name {
	case "form":
		method, want = http.MethodGet, http.StatusOK
	case "api":
		method, path, want = http.MethodGet, "/rooms", http.StatusUnauthorized
	}
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	for {
		request, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader("{}"))
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				return fmt.Errorf("%s answers %s: %s", name, answer.Status, text)
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w", name, err)
		}
		time.Sleep(time.Millisecond)
	}
}
