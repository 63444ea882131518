package web_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/web"
)

// TestOpenRecordsAreLimited fills the quota of a person. Keys that may name any address are exempt.
func TestOpenRecordsAreLimited(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.OpenRecords = 2 })
	w.file(lecturer, "2026-11-20", "10:10", "11:30")
	form := url.Values{"room": {"504"}, "date": {"2026-11-20"}, "start": {"15:10"}, "end": {"16:30"}}.Encode()
	postForm := func() answer {
		return w.do("POST", "/", form, "Content-Type", "application/x-www-form-urlencoded")
	}
	if got := postForm(); got.status != http.StatusSeeOther {
		t.Fatalf("the second open record: %d", got.status)
	}
	if got := postForm(); got.status != http.StatusTooManyRequests {
		t.Errorf("the page answers a third open record with %d", got.status)
	}
	if got := w.do("POST", "/api/v1/records", wanted, "key", w.key); got.status != http.StatusTooManyRequests {
		t.Errorf("/api/v1 answers a third open record with %d", got.status)
	}
	if got := w.do("POST", "/montage-event/504", lecture, "key", w.key); got.status != http.StatusTooManyRequests {
		t.Errorf("the NVR's API answers a third open record with %d", got.status)
	}
	if got := w.do("POST", "/montage-event/504", lecture, "key", w.imported); got.status != http.StatusCreated {
		t.Errorf("a key of the NVR gets %d: %s", got.status, got.body)
	}
	w.operator.Store(true)
	if got := postForm(); got.status != http.StatusSeeOther {
		t.Errorf("an operator gets %d", got.status)
	}
}

// TestChangesAreLimited: changing a delivered video opens its record, which counts.
func TestChangesAreLimited(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.OpenRecords = 1 })
	const path = "/api/v1/records/1"
	w.deliver()
	second := w.file(lecturer, "2026-11-20", "10:10", "11:30")
	got := w.do("PATCH", path, `{"title": "Алгебра"}`, "key", w.key, "If-Match", "*")
	if got.status != http.StatusTooManyRequests {
		t.Errorf("beside an open record: %d", got.status)
	}
	w.do("POST", "/api/v1/records/"+strconv.FormatInt(second.ID, 10)+"/cancel", "", "key", w.key)
	got = w.do("PATCH", path, `{"title": "Алгебра"}`, "key", w.key, "If-Match", "*")
	if got.status != http.StatusAccepted {
		t.Errorf("alone: %d", got.status)
	}
}

// TestRepeatedRequestsPassTheQuota repeats requests once they have filled the quota: with a key of their own
// by /api/v1, with the token of the form by the page.
func TestRepeatedRequestsPassTheQuota(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.OpenRecords = 2 })
	form := url.Values{
		"room": {"504"}, "date": {"2026-11-20"}, "start": {"15:10"}, "end": {"16:30"}, "token": {"once"},
	}.Encode()
	for try := range 2 {
		got := w.do("POST", "/", form, "Content-Type", "application/x-www-form-urlencoded")
		if got.status != http.StatusSeeOther {
			t.Errorf("form, try %d: %d", try+1, got.status)
		}
		got = w.do("POST", "/api/v1/records", wanted, "key", w.key, "Idempotency-Key", "once")
		if got.status != http.StatusCreated {
			t.Errorf("/api/v1, try %d: %d %s", try+1, got.status, got.body)
		}
	}
	got := w.do("POST", "/api/v1/records", wanted, "key", w.key, "Idempotency-Key", "another")
	if got.status != http.StatusTooManyRequests {
		t.Errorf("another request: %d, want 429", got.status)
	}
}

// TestFailedKeysAreLimited sends wrong keys from one address. Others are not affected.
func TestFailedKeysAreLimited(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	last := answer{}
	for range 21 {
		last = w.do("GET", "/rooms", "", "key", "wrong", "X-Forwarded-For", "spoofed, 203.0.113.7")
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("request 21 with a wrong key: %d, %v", last.status, last.header)
	}
	if got := w.do("GET", "/rooms", "", "key", "wrong", "X-Forwarded-For", "203.0.113.8"); got.status != 401 {
		t.Errorf("another address gets %d", got.status)
	}
	if got := w.do("GET", "/rooms", "", "key", w.key); got.status != 200 {
		t.Errorf("a valid key gets %d", got.status)
	}
}

// TestCallersAreLimited sends more requests than the limit to the NVR's API, and more writes to the page.
func TestCallersAreLimited(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.RateLimit = 2 })
	for i, want := range []int{200, 200, 429} {
		if got := w.do("GET", "/rooms", "", "key", w.key); got.status != want {
			t.Errorf("request %d: %d %s, want %d", i+1, got.status, got.body, want)
		}
	}
	for i, want := range []int{422, 422, 429} {
		got := w.do("POST", "/", "room=504", "Content-Type", "application/x-www-form-urlencoded")
		if got.status != want {
			t.Errorf("form %d: %d, want %d", i+1, got.status, want)
		}
	}
}

// TestStreamsAreLimited opens event streams of one key.
func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.file(lecturer, "2026-11-20", "10:10", "11:30")
	open := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.web.URL+"/api/v1/records/1/events", nil)
		w.must(err)
		r.Header.Set("key", w.key)
		got, err := http.DefaultClient.Do(r)
		w.must(err)
		t.Cleanup(func() { _ = got.Body.Close() })
		return got.StatusCode
	}
	for i := range 20 {
		if status := open(); status != http.StatusOK {
			t.Fatalf("stream %d: %d", i+1, status)
		}
	}
	if status := open(); status != http.StatusTooManyRequests {
		t.Errorf("stream 21: %d, want 429", status)
	}
}

// TestSlowReadersTakeLittleMemory asks for a long list on many connections and reads nothing but the beginning.
// It is not parallel: it measures the heap.
func TestSlowReadersTakeLittleMemory(t *testing.T) { //nolint:paralleltest // it measures the heap
	if testing.Short() {
		t.Skip("30,000 rows")
	}
	const rows, readers, most = 30_000, 40, 64 << 20
	dsn := storetest.SQLite(t)
	w := newEnvOn(t, dsn, func(o *web.Options) { o.RateLimit = 1000 })
	fillRecords(t, dsn, rows)
	list := func() string { return w.do("GET", "/records/"+lecturer, "", "key", w.key).body }
	if got := len(reads[[]struct{ ID int64 }](t, list())); got != rows {
		t.Fatalf("the list has %d records, want %d", got, rows)
	}
	before := heap()
	for range readers {
		conn, err := net.Dial("tcp", w.web.Listener.Addr().String())
		w.must(err)
		defer func() { _ = conn.Close() }()
		w.must(conn.(*net.TCPConn).SetReadBuffer(4096))
		_, err = fmt.Fprintf(conn, "GET /records/%s HTTP/1.1\r\nHost: x\r\nkey: %s\r\n\r\n", lecturer, w.key)
		w.must(err)
		if line, err := bufio.NewReaderSize(conn, 512).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if took := heap() - before; took > most {
		t.Errorf("%d slow readers take %d MB, want at most %d", readers, took>>20, most>>20)
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fillRecords inserts records of the lecturer by SQL.
func fillRecords(t *testing.T, dsn string, count int) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const insert = `insert into records (event_name, room_name, date, start_time, end_time, user_email)
		with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
		select 'Linear algebra and geometry, lecture ' || i, '504', '2026-11-20', '10:00', '11:00', ? from n`
	if _, err := db.ExecContext(context.Background(), insert, count, lecturer); err != nil {
		t.Fatal(err)
	}
}
