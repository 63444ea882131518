package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
)

// TestManyWatch holds what 2,000 open streams cost, and that each of them hears of a change.
func TestManyWatch(t *testing.T) {
	if testing.Short() {
		t.Skip("2,000 connections")
	}
	const clients, records = 2000, 100
	w := newWorld(t, func(o *web.Options) { o.RateLimit = 1e6 })
	for range records {
		w.file(lecturer, "2026-11-20", "01:00", "02:00")
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
		_, err = fmt.Fprintf(connection, "GET /api/v1/records/%d/events HTTP/1.1\r\nHost: nvr\r\nkey: %s\r\n\r\n", i%records+1, w.key)
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
		w.must(w.store.Withdraw(context.Background(), id+1, nvr.Reason{En: "no", Ru: "нет"}))
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
	w := newWorld(t)
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
		_, err = fmt.Fprintf(connection, "GET /api/v1/records/%d/events HTTP/1.1\r\nHost: nvr\r\nkey: %s\r\n\r\n", filed.ID, w.key)
		w.must(err)
		hears(t, connection, `"state":"queued"`)
		hears(t, connection, ": \n") // two beats are more than a request may last
		hears(t, connection, ": \n")
		w.must(w.store.Withdraw(context.Background(), filed.ID, nvr.Reason{En: "no", Ru: "нет"}))
		hears(t, connection, `"state":"withdrawn"`)
	})
}

// years fills the index of room 504 with so many days of four sources.
func years(b *testing.B, w *world, days int) {
	b.Helper()
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for range days {
		var segments []store.Segment
		date := day.Format(time.DateOnly)
		for half := range 48 {
			for _, source := range []string{"21", "24", "30", "31"} {
				segments = append(segments, store.Segment{Name: nvr.SegmentName{Room: "504", Date: date, Time: fmt.Sprintf("%02d:%02d", half/2, half%2*30), Source: source}, Bytes: 1, Generation: 1})
			}
		}
		_, err := w.store.IndexSegments(context.Background(), "504", date, segments)
		w.must(err)
		day = day.AddDate(0, 0, -1)
	}
}

// BenchmarkDay asks for the page with the strip of a day, with three years of segments in the index.
func BenchmarkDay(b *testing.B) {
	w := newWorld(b)
	years(b, w, 3*365)
	for b.Loop() {
		if got := w.do("GET", "/?room=504&date=2025-03-04", ""); got.status != http.StatusOK {
			b.Fatal(got)
		}
	}
}

// BenchmarkLoad sends 1,000 reads and 200 creates a second for a while, whether the answers come or not,
// and tells how long the slowest in a hundred waited.
func BenchmarkLoad(b *testing.B) {
	const reads, creates, seconds = 1000, 200, 10
	w := newWorld(b, func(o *web.Options) { o.RateLimit = 1e6 })
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
		r, err := http.NewRequestWithContext(context.Background(), method, w.web.URL+path, strings.NewReader(body))
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
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2])/1e6, "ms-p50")
		b.ReportMetric(float64(took[len(took)*99/100])/1e6, "ms-p99")
		b.ReportMetric(float64(took[len(took)-1])/1e6, "ms-max")
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
