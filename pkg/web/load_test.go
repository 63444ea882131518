package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/web"
)

// TestManyWatch holds what 2,000 open streams cost, and that each of them hears of a change.
func TestManyWatch(t *testing.T) {
	if testing.Short() {
		t.Skip("2,000 connections")
	}
	const clients, records, streams = 2000, 100, 20 // streams of one key, the most it may have open
	w := newEnv(t, func(o *web.Options) { o.RateLimit = 1e6 })
	for range records {
		w.file(lecturer, "2026-11-20", "01:00", "02:00")
	}
	keys := make([]string, clients/streams)
	for i := range keys {
		keys[i] = w.addKey(store.Key{Email: lecturer})
	}
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	connections := make([]net.Conn, clients)
	for i := range connections {
		connection, err := net.Dial("tcp", strings.TrimPrefix(w.web.URL, "http://"))
		w.must(err)
		t.Cleanup(func() { _ = connection.Close() })
		_, err = fmt.Fprintf(
			connection, "GET /api/v1/records/%d/events HTTP/1.1\r\nHost: nvr\r\nkey: %s\r\n\r\n",
			i%records+1, keys[i/streams],
		)
		w.must(err)
		connections[i] = connection
	}
	for _, connection := range connections {
		hears(t, connection, `"state":"queued"`)
	}
	used := memory() - before
	t.Logf("%d streams take %.1f MB, clients included", clients, float64(used)/1e6)
	if used > 100e6 {
		t.Errorf("%d streams take %d bytes", clients, used)
	}
	for id := range int64(records) {
		w.must(w.store.Requests.Withdraw(context.Background(), id+1, cause.Legacy("no", "нет")))
	}
	for _, connection := range connections {
		hears(t, connection, `"state":"withdrawn"`)
	}
}

// hears reads a stream until a text comes, a line at a time and unbuffered.
func hears(t *testing.T, connection net.Conn, text string) {
	t.Helper()
	if err := connection.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var line []byte
	buffer := make([]byte, 1024)
	for !strings.Contains(string(line), text) {
		n, err := connection.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %s", err, line)
		}
		line = append(line, buffer[:n]...)
	}
}

// TestHalfRequests holds that who sends a request by drops is cut off.
func TestHalfRequests(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the cut")
	}
	w := newEnv(t)
	for name, request := range map[string]string{
		"headers":        "GET /rooms HTTP/1.1\r\nHost: nvr\r\nkey: x",
		"JSON":           "POST /montage-event/504 HTTP/1.1\r\nHost: nvr\r\nkey: " + w.key + "\r\nContent-Length: 100\r\n\r\n{",
		"a form":         "POST / HTTP/1.1\r\nHost: nvr\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nroom=",
		"what is unread": "POST /nothing HTTP/1.1\r\nHost: nvr\r\nContent-Length: 100\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := net.Dial("tcp", strings.TrimPrefix(w.web.URL, "http://"))
			w.must(err)
			defer func() { _ = connection.Close() }()
			_, err = io.WriteString(connection, request)
			w.must(err)
			w.must(connection.SetReadDeadline(time.Now().Add(30 * time.Second)))
			if _, err := io.ReadAll(bufio.NewReader(connection)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a stream lives", func(t *testing.T) {
		t.Parallel()
		filed := w.file(lecturer, "2026-11-20", "01:00", "02:00")
		connection, err := net.Dial("tcp", strings.TrimPrefix(w.web.URL, "http://"))
		w.must(err)
		defer func() { _ = connection.Close() }()
		_, err = fmt.Fprintf(
			connection, "GET /api/v1/records/%d/events HTTP/1.1\r\nHost: nvr\r\nkey: %s\r\n\r\n",
			filed.ID, w.key,
		)
		w.must(err)
		hears(t, connection, `"state":"queued"`)
		hears(t, connection, ": \n") // two beats are more than a request may last
		hears(t, connection, ": \n")
		w.must(w.store.Requests.Withdraw(context.Background(), filed.ID, cause.Legacy("no", "нет")))
		hears(t, connection, `"state":"withdrawn"`)
	})
}

// years fills the index of room 504 with so many days of four sources.
func years(b *testing.B, w *env, days int) {
	b.Helper()
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for range days {
		var segments []store.Segment
		date := day.Format(time.DateOnly)
		for half := range 48 {
			for _, source := range []string{"21", "24", "30", "31"} {
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
		_, err := w.store.Segments.Index(context.Background(), "504", date, segments)
		w.must(err)
		day = day.AddDate(0, 0, -1)
	}
}

// BenchmarkDay asks for the page with the strip of a day, with three years of segments in the index: for
// days all over them, one after the other.
func BenchmarkDay(b *testing.B) {
	storetest.Measure(b, func(b *testing.B, dsn string) {
		w := newEnvOn(b, dsn)
		years(b, w, 3*365)
		pages := 0
		for b.Loop() {
			for back := 0; back < 3*365; back += 37 {
				date := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -back).Format(time.DateOnly)
				if got := w.do("GET", "/?room=504&date="+date, ""); got.status != http.StatusOK || !strings.Contains(got.body, "записано 00:00–24:00") {
					b.Fatal(got)
				}
				pages++
			}
		}
		each := b.Elapsed() / time.Duration(pages)
		b.ReportMetric(float64(each.Microseconds())/1000, "ms/page")
		if each > 20*time.Millisecond {
			b.Errorf("the page of a day takes %v, want 20 ms at most", each)
		}
	})
}

// BenchmarkLoad sends 1,000 reads and 200 creates a second for a while, whether the answers come or not,
// and tells how long the slowest in a hundred waited.
func BenchmarkLoad(b *testing.B) {
	const reads, creates, seconds = 1000, 200, 10
	w := newEnv(b, func(o *web.Options) { o.RateLimit = 1e6 })
	years(b, w, 30)
	for range 500 {
		w.file(lecturer, "2026-11-19", "01:00", "02:00")
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}}
	paths := []string{"/api/v1/records/7", "/api/v1/records?limit=20", "/api/v1/rooms", "/api/v1/rooms/504/footage?date=2026-11-19", "/rooms", "/rooms/504", "/"}
	one := func(n int) (time.Duration, error) {
		method, path, body := http.MethodGet, paths[n%len(paths)], ""
		if n%(reads+creates) < creates {
			method, path, body = http.MethodPost, "/api/v1/records", wanted
		}
		r, err := http.NewRequestWithContext(
			context.Background(),
			method,
			w.web.URL+path,
			strings.NewReader(body),
		)
		if err != nil {
			return 0, err
		}
		r.Header.Set("key", w.key)
		begun := time.Now()
		got, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, got.Body)
		if got.StatusCode > 299 {
			err = fmt.Errorf("%s %s: %s", method, path, got.Status)
		}
		return time.Since(begun), errorsOf(err, got.Body.Close())
	}
	for b.Loop() {
		var waits sync.WaitGroup
		took := make([]time.Duration, (reads+creates)*seconds)
		ticker := time.NewTicker(10 * time.Millisecond)
		order := 7 // coprime to 1200: mixes creates among reads
		for n := range took {
			if n%((reads+creates)/100) == 0 {
				<-ticker.C
			}
			waits.Add(1)
			go func() {
				defer waits.Done()
				var err error
				if took[n], err = one(n * order); err != nil {
					b.Error(err)
				}
			}()
		}
		ticker.Stop()
		waits.Wait()
		kinds := map[string][]time.Duration{}
		for n := range took {
			kind := "read"
			if n*order%(reads+creates) < creates {
				kind = "create"
			}
			kinds[kind] = append(kinds[kind], took[n])
		}
		for kind, waited := range kinds {
			slices.Sort(waited)
			b.ReportMetric(float64(waited[len(waited)/2])/1e6, "ms-"+kind+"-p50")
			b.ReportMetric(float64(waited[len(waited)*99/100])/1e6, "ms-"+kind+"-p99")
		}
		writeLoad(b, kinds)
	}
}

// writeLoad plots how long requests waited: each kind's share of requests that were answered within a time.
func writeLoad(b *testing.B, kinds map[string][]time.Duration) {
	b.Helper()
	const width, height, left, bottom = 640.0, 280.0, 56.0, 44.0
	x := func(ms float64) float64 {
		return left + (math.Log10(max(ms, 0.1))+1)/4*(width-left-20)
	} // 0.1 ms to 1 s
	y := func(share float64) float64 { return height - bottom - share*(height-bottom-24) }
	var svg strings.Builder
	fmt.Fprintf(
		&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %v %v" font-family="sans-serif" font-size="12" fill="#444"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", width, height,
	)
	for _, ms := range []float64{0.1, 1, 10, 100, 1000} {
		fmt.Fprintf(
			&svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle">%v ms</text>`+"\n", x(ms), x(ms), y(0), y(1), x(ms), height-bottom+18, ms,
		)
	}
	for _, share := range []float64{0, 0.5, 0.99} {
		fmt.Fprintf(
			&svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end">%v %%</text>`+"\n", left, width-20, y(share), y(share), left-6, y(share)+4, share*100,
		)
	}
	csv := "kind,share,ms\n"
	for i, kind := range []string{"read", "create"} {
		waited, colour := kinds[kind], []string{"#2d5a8c", "#b9851a"}[i]
		var points strings.Builder
		for step := range 101 {
			share := float64(step) / 100
			ms := float64(waited[min(int(share*float64(len(waited))), len(waited)-1)]) / 1e6
			fmt.Fprintf(&points, "%.1f,%.1f ", x(ms), y(share))
			csv += fmt.Sprintf("%s,%.2f,%.2f\n", kind, share, ms)
		}
		fmt.Fprintf(&svg, `<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/><text x="%.1f" y="%v" fill="%s">%s, 99 %% within %.0f ms</text>`+"\n",
			colour, points.String(), left+8, 34+18*i, colour, kind, float64(waited[len(waited)*99/100])/1e6)
	}
	svg.WriteString("</svg>\n")
	for name, text := range map[string]string{"load.svg": svg.String(), "load.csv": csv} {
		if err := os.WriteFile(
			filepath.Join("../../docs", name),
			[]byte(text),
			0o644,
		); err != nil { // #nosec G306 -- documentation
			b.Fatal(err)
		}
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
