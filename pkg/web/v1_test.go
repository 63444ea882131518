package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
)

const wanted = `{"room": "504", "title": "Анализ", "start": "2026-11-20T15:10:00+03:00", "end": "2026-11-20T13:30:00Z"}`

type record struct {
	ID                 int64
	Room, State        string
	Title, Start, End  *string
	Link, Course, Shar *string
	Percent            int
	Reason             *struct{ En, Ru string }
}

type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Field, Detail string }
}

func TestCreate(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		got := w.do("POST", "/api/v1/records", wanted, "key", w.key)
		want := `{"id":1,"room":"504","title":"Анализ","start":"2026-11-20T15:10:00+03:00","end":"2026-11-20T16:30:00+03:00","state":"waiting","percent":0,"link":null,"course":null,"course_state":"none","share":null,"missing_s":null,"warnings":null,"reason":null,"revision":1,"held":false,"changeable_until":null}` + "\n"
		if got.status != http.StatusCreated || got.body != want || got.header.Get("Location") != "/api/v1/records/1" {
			t.Errorf("create: %v", got)
		}
		if got = w.do("GET", "/api/v1/records/1", "", "key", w.key); got.status != http.StatusOK || got.body != want {
			t.Errorf("read: %v", got)
		}
		tag := got.header.Get("ETag")
		if got = w.do("GET", "/api/v1/records/1", "", "key", w.key, "If-None-Match", `"other", W/`+tag); got.status != http.StatusNotModified || got.body != "" {
			t.Errorf("unchanged: %v", got)
		}
		if got = w.do("HEAD", "/api/v1/records/1", "", "key", w.key); got.status != http.StatusOK || got.body != "" || got.header.Get("ETag") != tag {
			t.Errorf("head: %v", got)
		}
		other := w.addKey(store.Key{Email: stranger})
		for _, path := range []string{"", "/report", "/slides", "/events"} {
			if got = w.do("GET", "/api/v1/records/1"+path, "", "key", other); got.status != http.StatusNotFound {
				t.Errorf("another's %s: %v", path, got)
			}
		}
		for _, path := range []string{"/cancel", "/retry"} {
			if got = w.do("POST", "/api/v1/records/1"+path, "", "key", other); got.status != http.StatusNotFound {
				t.Errorf("another's %s: %v", path, got)
			}
		}
		if got = w.do("POST", "/api/v1/records/1/retry", "", "key", w.key); got.status != http.StatusConflict {
			t.Errorf("retry of a waiting one: %v", got)
		}
		for range 2 {
			got = w.do("POST", "/api/v1/records/1/cancel", "", "key", w.key)
			if r := reads[record](t, got.body); got.status != http.StatusOK || r.State != "withdrawn" || r.Reason == nil {
				t.Errorf("cancel: %v", got)
			}
		}
		got = w.do("POST", "/api/v1/records/1/retry", "", "key", w.key)
		if r := reads[record](t, got.body); got.status != http.StatusOK || r.State != "waiting" {
			t.Errorf("retry: %v", got)
		}
		for _, of := range []string{"report", "slides"} {
			if got = w.do("GET", "/api/v1/records/1/"+of, "", "key", w.key); got.status != http.StatusNotFound {
				t.Errorf("no report, asked for the %s: %v", of, got)
			}
		}
		made := []byte(`{"x": 1}`)
		w.report.Store(&made)
		if got = w.do("GET", "/api/v1/records/1/report", "", "key", w.key); got.status != http.StatusOK || got.body != `{"x": 1}` {
			t.Errorf("report: %v", got)
		}
		const slide = `{"start":"2026-11-20T15:10:00+03:00","end":"2026-11-20T15:20:00+03:00","title":"T","text":"T","picture":null}`
		for report, want := range map[string]string{
			`{"x": 1}`:                    "[]", // of a former version
			`{"slides": [` + slide + `]}`: "[" + slide + "]",
		} {
			made := []byte(report)
			w.report.Store(&made)
			got = w.do("GET", "/api/v1/records/1/slides", "", "key", w.key)
			if got.status != http.StatusOK || strings.TrimSpace(got.body) != want {
				t.Errorf("slides of %s: %v", report, got)
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		scoped := w.addKey(store.Key{Email: lecturer, Rooms: []string{"Зал/2 <b>"}})
		with := func(was, is string) string { return strings.Replace(wanted, was, is, 1) }
		for _, test := range []struct {
			about, method, path, body, key string
			status                         int
			field                          string
		}{
			{"no key", "GET", "/rooms", "", "", 401, ""},
			{"a wrong key", "POST", "/records", wanted, "x", 401, ""},
			{"nothing here", "GET", "/nothing", "", w.key, 404, ""},
			{"the root", "GET", "", "", w.key, 404, ""},
			{"no record", "GET", "/records/77", "", w.key, 404, ""},
			{"an odd number", "GET", "/records/+1", "", w.key, 404, ""},
			{"a huge number", "GET", "/records/99999999999999999999", "", w.key, 404, ""},
			{"a wrong method", "DELETE", "/records", "", w.key, 405, ""},
			{"a wrong method", "GET", "/records/1/cancel", "", w.key, 405, ""},
			{"broken JSON", "POST", "/records", "{", w.key, 400, "body"},
			{"an array", "POST", "/records", "[]", w.key, 400, "body"},
			{"no room", "POST", "/records", with(`"room": "504", `, ""), w.key, 400, "room"},
			{"an unknown room", "POST", "/records", with("504", "505"), w.key, 400, "room"},
			{"a room out of scope", "POST", "/records", wanted, scoped, 403, "room"},
			{"a number as title", "POST", "/records", with(`"Анализ"`, "4"), w.key, 400, "title"},
			{
				"a long title",
				"POST",
				"/records",
				with("Анализ", strings.Repeat("Ы", 201)),
				w.key,
				400,
				"title",
			},
			{
				"no offset",
				"POST",
				"/records",
				with("15:10:00+03:00", "15:10:00"),
				w.key,
				400,
				"start",
			},
			{
				"seconds",
				"POST",
				"/records",
				with("15:10:00+03:00", "15:10:30+03:00"),
				w.key,
				400,
				"start",
			},
			{
				"no end",
				"POST",
				"/records",
				with(`, "end": "2026-11-20T13:30:00Z"`, ""),
				w.key,
				400,
				"end",
			},
			{
				"the end before the start",
				"POST",
				"/records",
				with("13:30:00Z", "12:10:00Z"),
				w.key,
				400,
				"end",
			},
			{
				"the end on the next day",
				"POST",
				"/records",
				with("13:30:00Z", "21:00:00Z"),
				w.key,
				400,
				"end",
			},
			{
				"the end the day before",
				"POST",
				"/records",
				with("20T13:30:00Z", "19T13:30:00Z"),
				w.key,
				400,
				"end",
			},
			{
				"an unknown field",
				"POST",
				"/records",
				with("}", `, "user_email": "a@example.org"}`),
				w.key,
				400,
				"user_email",
			},
			{"too long", "POST", "/records", strings.Repeat(" ", 1<<20) + wanted, w.key, 413, ""},
			{"no date", "GET", "/rooms/504/footage", "", w.key, 400, "date"},
			{"no such room", "GET", "/rooms/505/footage?date=2026-11-20", "", w.key, 404, ""},
			{"a room out of scope", "GET", "/rooms/504/footage?date=2026-11-20", "", scoped, 404, ""},
			{"a limit", "GET", "/records?limit=0", "", w.key, 400, "limit"},
			{"a limit", "GET", "/records?limit=201", "", w.key, 400, "limit"},
			{"a cursor", "GET", "/records?cursor=MTI", "", w.key, 400, "cursor"},
			{"a state", "GET", "/records?state=lost", "", w.key, 400, "state"},
			{"a date", "GET", "/records?date=yesterday", "", w.key, 400, "date"},
		} {
			got := w.do(test.method, "/api/v1"+test.path, test.body, "key", test.key)
			p := reads[problem](t, got.body)
			if got.status != test.status || p.Status != test.status || p.Detail == "" || p.Title == "" || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %v, want %d", test.about, got, test.status)
			}
			if test.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != test.field) {
				t.Errorf("%s: %v, want field %s", test.about, p.Errors, test.field)
			}
		}
	})
}

func TestIdempotency(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		first := w.do("POST", "/api/v1/records", wanted, "key", w.key, "Idempotency-Key", "once")
		again := w.do("POST", "/api/v1/records", wanted, "key", w.key, "Idempotency-Key", "once")
		if first.status != http.StatusCreated || again.status != http.StatusCreated || first.body != again.body {
			t.Errorf("the same request: %v, %v", first, again)
		}
		if got := w.do("POST", "/api/v1/records", strings.Replace(wanted, "15:10", "15:20", 1), "key", w.key, "Idempotency-Key", "once"); got.status != http.StatusUnprocessableEntity {
			t.Errorf("another body: %v", got)
		}
		other := w.addKey(store.Key{Email: lecturer})
		if got := w.do("POST", "/api/v1/records", wanted, "key", other, "Idempotency-Key", "once"); reads[record](t, got.body).ID == reads[record](t, first.body).ID {
			t.Errorf("another API key: %v", got)
		}
		if got := w.do("POST", "/api/v1/records", wanted, "key", w.key, "Idempotency-Key", strings.Repeat("k", 256)); got.status != http.StatusBadRequest {
			t.Errorf("a long key: %v", got)
		}
	})
}

func TestPages(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		for range 7 {
			w.file(lecturer, "2026-11-19", "10:00", "11:00")
			w.file(stranger, "2026-11-19", "10:00", "11:00")
		}
		w.file(lecturer, "2026-11-18", "10:00", "11:00")
		type page struct {
			Records []record
			Next    *string
		}
		var ids []int64
		path := "/api/v1/records?limit=3&date=2026-11-19"
		for path != "" {
			got := w.do("GET", path, "", "key", w.key)
			p := reads[page](t, got.body)
			for _, r := range p.Records {
				ids = append(ids, r.ID)
			}
			path = ""
			if p.Next != nil {
				path = "/api/v1/records?limit=3&date=2026-11-19&cursor=" + *p.Next
				if !strings.Contains(got.header.Get("Link"), *p.Next) {
					t.Errorf("Link: %v", got.header)
				}
			}
		}
		if fmt.Sprint(ids) != "[13 11 9 7 5 3 1]" {
			t.Errorf("pages give %v", ids)
		}
		if got := w.do("GET", "/api/v1/records?state=waiting", "", "key", w.key); len(reads[page](t, got.body).Records) != 0 {
			t.Errorf("waiting: %v", got)
		}
		if got := w.do("GET", "/api/v1/records?state=queued&limit=8", "", "key", w.key); len(reads[page](t, got.body).Records) != 8 {
			t.Errorf("queued: %v", got)
		}
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.RateLimit = 5 })
	var last answer
	for range 6 {
		last = w.do("GET", "/api/v1/rooms", "", "key", w.key)
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") != "1" {
		t.Errorf("the sixth: %v", last)
	}
	if got := w.do("GET", "/api/v1/rooms", "", "key", w.imported); got.status != http.StatusOK {
		t.Errorf("another key: %v", got)
	}
	if got := w.do("GET", "/rooms", "", "key", w.key); got.status != http.StatusTooManyRequests {
		t.Errorf("the NVR's API: %v", got)
	}
	w.clock.Move(time.Second)
	if got := w.do("GET", "/api/v1/rooms", "", "key", w.key); got.status != http.StatusOK {
		t.Errorf("a second later: %v", got)
	}
}

func TestFootage(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		ctx := context.Background()
		name := nvr.SegmentName{Room: "504", Date: "2026-11-20", Time: "15:00", Source: "21"}
		segments := []store.Segment{{Name: name, Bytes: 1, Generation: 1}}
		for _, source := range []string{"21", "24"} {
			name.Source, name.Time = source, "15:30"
			segments = append(segments, store.Segment{Name: name, Bytes: 1, Generation: 1})
		}
		_, err := w.store.Segments.Index(ctx, "504", "2026-11-20", segments)
		w.must(err)
		w.must(w.store.Segments.SaveAnalysis(ctx, segments[0].Name, 1, store.Analysis{
			Seconds: 1803,
			Stretches: []store.Stretch{
				{From: 0, To: 420},
				{From: 420, To: 1803, Presentation: true},
			},
		}))
		w.file(stranger, "2026-11-20", "15:10", "16:30")
		got := w.do("GET", "/api/v1/rooms/504/footage?date=2026-11-20", "", "key", w.key)
		for _, want := range []string{
			`"source":"21"`, `{"end":"2026-11-20T15:07:00+03:00","kept_until":null,"presentation":"absent","start":"2026-11-20T15:00:00+03:00"}`,
			`{"end":"2026-11-20T15:30:00+03:00","kept_until":null,"presentation":"present","start":"2026-11-20T15:07:00+03:00"}`,
			`{"end":"2026-11-20T16:00:00+03:00","kept_until":null,"presentation":"not looked at","start":"2026-11-20T15:30:00+03:00"}`,
			`"requested":[{"end":"2026-11-20T16:30:00+03:00","start":"2026-11-20T15:10:00+03:00"}]`, `"roles":["lecturer","sound"]`,
		} {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("want %s in %v", want, got)
			}
		}
		if strings.Contains(got.body, stranger) {
			t.Error("it says whose request it is")
		}
	})
}

// TestEvents follows a record through its life.
func TestEvents(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		ctx := context.Background()
		filed := w.file(lecturer, "2026-11-20", "10:10", "11:30")
		r, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodGet,
			fmt.Sprintf("%s/api/v1/records/%d/events", w.web.URL, filed.ID),
			nil,
		)
		w.must(err)
		r.Header.Set("key", w.key)
		stream, err := http.DefaultClient.Do(r)
		w.must(err)
		defer func() { _ = stream.Body.Close() }()
		if stream.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("answer: %v", stream.Header)
		}
		lines := bufio.NewScanner(stream.Body)
		next := func() record {
			t.Helper()
			for lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return reads[record](t, data)
				}
			}
			t.Fatal("the stream ended")
			return record{}
		}
		if got := next(); got.State != "queued" {
			t.Errorf("at once: %+v", got)
		}
		claim, err := w.store.Queue.Claim(ctx, filed, nvr.StepMerge, time.Minute)
		w.must(err)
		_, hold, err := w.store.Leases.Enter(ctx, claim, "worker", time.Minute)
		w.must(err)
		claim, err = w.store.Leases.Advance(ctx, hold, nvr.StepMerge, store.Change{}, time.Minute)
		w.must(err)
		if got := next(); got.State != "merging" {
			t.Errorf("then: %+v", got)
		}
		_, hold, err = w.store.Leases.Enter(ctx, claim, "worker", time.Minute)
		w.must(err)
		w.must(w.store.Leases.AddSlice(ctx, hold, 0, 62, 100))
		if got := next(); got.Percent != 62 {
			t.Errorf("then: %+v", got)
		}
		w.must(w.store.Requests.Withdraw(ctx, filed.ID, cause.Legacy("no", "нет")))
		if got := next(); got.State != "withdrawn" || got.Reason == nil || got.Reason.Ru != "нет" {
			t.Errorf("at the end: %+v", got)
		}
		for lines.Scan() {
			if lines.Text() != "" {
				t.Errorf("after the end: %q", lines.Text())
			}
		}
	})
}
