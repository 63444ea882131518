package pipeline_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/workspace"
)

const lecturer = "lecturer@example.org"

// sweepWorld is a calendar server, a database and the sweep between them.
type sweepWorld struct {
	t      testing.TB
	store  *store.Store
	clock  *storetest.Clock
	base   string
	dsn    string
	calls  atomic.Int64
	table  *faults.Table
	sweep  *pipeline.Calendar
	strike http.RoundTripper // between the sweep and the calendar; nil: nothing strikes
}

// RoundTrip counts what the sweep asks.
func (w *sweepWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	w.calls.Add(1)
	if w.strike != nil {
		return w.strike.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func newSweepWorld(t testing.TB, rooms ...string) *sweepWorld {
	t.Helper()
	dsn := storetest.SQLite(t)
	return newSweepWorldAs(t, dsn, dsn, rooms...)
}

// newSweepWorldAs is [newSweepWorld] on a database that the sweep uses with a DSN of its own.
func newSweepWorldAs(t testing.TB, dsn, sweep string, rooms ...string) *sweepWorld {
	t.Helper()
	w := &sweepWorld{t: t, clock: storetest.NewClock(), table: faults.New(time.Millisecond)}
	zone, err := time.LoadLocation("Europe/Moscow")
	w.must(err)
	w.dsn = dsn
	options := store.Options{
		Now:      w.clock.Now,
		MaxOpen:  8,
		Defaults: store.Defaults{Zone: zone},
	}
	w.store = storetest.Open(t, dsn, options)
	own := w.store
	if sweep != dsn {
		own, err = store.Open(context.Background(), sweep, options)
		w.must(err)
		t.Cleanup(func() { w.must(own.Close()) })
	}
	for _, room := range rooms {
		_, err := w.store.Rooms.Save(context.Background(), nvr.Room{
			Name:     room,
			Calendar: calendarOf(room),
		})
		w.must(err)
	}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(rw, r)
	}))
	w.base = server.URL + "/workspace"
	fake, err := google.New(google.Options{
		Dir:      t.TempDir(),
		BaseURL:  w.base,
		Faults:   w.table,
		Now:      w.clock.Now,
		Scale:    1000,
		TimeZone: "Europe/Moscow",
	})
	w.must(err)
	handler = http.StripPrefix("/workspace", fake.Handler())
	client, err := workspace.New(workspace.Options{
		Endpoint:  w.base,
		Subjects:  workspace.Subjects{Calendar: "nvr@example.org"},
		Scopes:    workspace.CalendarScopes(),
		Transport: w,
		Scale:     1000,
		Now:       w.clock.Now,
	})
	w.must(err)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := fake.Close(); err != nil {
			t.Error(err)
		}
	})
	w.sweep = &pipeline.Calendar{
		Store:     pipeline.CalendarStoreOf(own),
		Workspace: client,
		Now:       w.clock.Now,
		Log:       slog.New(slog.DiscardHandler),
	}
	return w
}

func calendarOf(room string) string { return "c_" + room + "@resource.calendar.google.com" }

func (w *sweepWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask makes a call that no fault strikes, as the lecturer.
func (w *sweepWorld) ask(method, path string, body any) (status int, answer map[string]any) {
	w.t.Helper()
	return w.askAs(lecturer, method, path, body)
}

func (w *sweepWorld) askAs(who, method, path string, body any) (status int, answer map[string]any) {
	w.t.Helper()
	return exchange(w.t, who, method, w.base+path, body)
}

func (w *sweepWorld) call(method, path string, body any) map[string]any {
	w.t.Helper()
	return w.callAs(lecturer, method, path, body)
}

func (w *sweepWorld) callAs(who, method, path string, body any) map[string]any {
	w.t.Helper()
	status, answer := w.askAs(who, method, path, body)
	if status > 299 {
		w.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func eventsPath(room string) string {
	return "/calendar/v3/calendars/" + url.PathEscape(calendarOf(room)) + "/events"
}

func span(start, end string) map[string]any {
	return map[string]any{
		"start": map[string]any{"dateTime": start, "timeZone": "Europe/Moscow"},
		"end":   map[string]any{"dateTime": end, "timeZone": "Europe/Moscow"},
	}
}

func with(event map[string]any, more ...any) map[string]any {
	for i := 0; i+1 < len(more); i += 2 {
		event[more[i].(string)] = more[i+1]
	}
	return event
}

// records reads all records of a room, oldest first, as short texts.
func (w *sweepWorld) records(room string) []string {
	w.t.Helper()
	records, _, err := w.store.Records.List(
		context.Background(),
		store.Filter{Room: room},
		0,
		10000,
	)
	w.must(err)
	slices.Reverse(records)
	texts := []string{}
	for i := range records {
		r := &records[i]
		texts = append(texts, fmt.Sprintf(
			"%s %s-%s %q %s",
			r.Date, r.StartTime, r.EndTime, r.Title, r.Step,
		))
	}
	return texts
}

func (w *sweepWorld) expect(about, room string, want ...string) {
	w.t.Helper()
	w.must(w.sweep.Sweep(context.Background()))
	if got := w.records(room); !slices.Equal(got, append([]string{}, want...)) {
		w.t.Errorf("%s:\n%s\nwant\n%s", about, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// begin takes a record as claim does.
func (w *sweepWorld) begin(id int64) nvr.Lease {
	w.t.Helper()
	ctx := context.Background()
	r, err := w.store.Records.Get(ctx, id)
	w.must(err)
	claim, err := w.store.Queue.Claim(ctx, r, nvr.StepStage, time.Hour)
	w.must(err)
	_, hold, err := w.store.Leases.Enter(ctx, claim, "worker", time.Hour)
	w.must(err)
	return hold
}

// TestAnEventsLife follows one event through what people do to it.
func TestAnEventsLife(t *testing.T) {
	t.Parallel()
	testEventsLife(t, newSweepWorld(t, "504", "505"))
}

func testEventsLife(t *testing.T, w *sweepWorld) {
	t.Helper()
	path := eventsPath("504")
	id := w.call("POST", path, with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
		"summary",
		"Анализ",
	))["id"].(string)
	w.expect("new", "504", `2026-11-23 15:10-16:30 "Анализ" stage`)
	w.call("PATCH", path+"/"+id, with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:00:00+03:00"),
		"summary",
		"Алгебра",
	))
	w.expect("shortened and renamed", "504", `2026-11-23 15:10-16:00 "Алгебра" stage`)
	w.call("PATCH", path+"/"+id, map[string]any{"description": "<p>без&nbsp;записи</p>"})
	w.expect("opted out", "504", `2026-11-23 15:10-16:00 "Алгебра" withdrawn`)
	w.call("PATCH", path+"/"+id, map[string]any{"description": "", "summary": ""})
	w.expect("opted in, without a title", "504", `2026-11-23 15:10-16:00 "" stage`)
	w.call("PATCH", path+"/"+id, span("2027-01-20T10:00:00+03:00", "2027-01-20T11:00:00+03:00"))
	w.expect("moved out of the window", "504", `2027-01-20 10:00-11:00 "" stage`)
	w.call("PATCH", path+"/"+id, span("2026-11-10T10:00:00+03:00", "2026-11-10T11:00:00+03:00"))
	w.expect("moved into the past", "504", `2026-11-10 10:00-11:00 "" stage`)
	w.call("DELETE", path+"/"+id, nil)
	w.expect("cancelled", "504", `2026-11-10 10:00-11:00 "" withdrawn`)
	w.call("PATCH", path+"/"+id, map[string]any{"status": "confirmed"})
	w.expect("restored", "504", `2026-11-10 10:00-11:00 "" stage`)
	w.call("POST", path+"/"+id+"/move?destination="+url.QueryEscape(calendarOf("505")), nil)
	w.expect("moved to another room", "504", `2026-11-10 10:00-11:00 "" withdrawn`)
	w.expect("moved to another room", "505", `2026-11-10 10:00-11:00 "" stage`)

	hold := w.begin(2)
	w.call("PATCH", eventsPath("505")+"/"+id, map[string]any{"summary": "Поздно"})
	w.expect("renamed after processing began", "505", `2026-11-10 10:00-11:00 "" stage`)
	w.call("PATCH", eventsPath("505")+"/"+id, span(
		"2026-11-11T10:00:00+03:00",
		"2026-11-11T11:00:00+03:00",
	))
	w.expect(
		"moved after processing began",
		"505",
		`2026-11-10 10:00-11:00 "" stage`,
		`2026-11-11 10:00-11:00 "Поздно" stage`,
	)
	if r, err := w.store.Records.Get(context.Background(), 2); err != nil || r.Reason != cause.EventMoved("2026-11-11", "10:00", "11:00") || r.Holder != "worker" {
		t.Errorf("the old request is %+v, %v", r, err)
	}
	w.must(w.store.Leases.Renew(context.Background(), hold, time.Hour))
	w.must(w.store.Requests.Withdraw(
		context.Background(),
		3,
		cause.Legacy("Withdrawn by a person.", "x"),
	))
	w.expect(
		"withdrawn by a person",
		"505",
		`2026-11-10 10:00-11:00 "" stage`,
		`2026-11-11 10:00-11:00 "Поздно" withdrawn`,
	)
}

// TestEditsStay edits the record of an event: a sweep leaves it as people want it until the event itself
// changes.
func TestEditsStay(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	id := w.call("POST", eventsPath("504"), with(
		span("2026-11-23T15:00:00+03:00", "2026-11-23T16:00:00+03:00"),
		"summary", "Алгебра",
	))["id"].(string)
	w.expect("filed", "504", `2026-11-23 15:00-16:00 "Алгебра" stage`)
	_, err := w.store.Requests.Edit(context.Background(), 1, func(r nvr.Record) (nvr.Record, error) {
		r.Title, r.StartTime, r.Edits.StartAfter, r.Layout = "Анализ", "15:05", 7, nvr.LayoutStage
		return r, nil
	})
	w.must(err)
	w.expect("edited", "504", `2026-11-23 15:05-16:00 "Анализ" stage`)
	if r, err := w.store.Records.Get(context.Background(), 1); err != nil || r.Layout != nvr.LayoutStage {
		t.Errorf("the layout did not stay: %+v, %v", r, err)
	}
	w.call("PATCH", eventsPath("504")+"/"+id, span("2026-11-23T15:30:00+03:00", "2026-11-23T16:30:00+03:00"))
	w.expect("moved since", "504", `2026-11-23 15:30-16:30 "Алгебра" stage`)
	r, err := w.store.Records.Get(context.Background(), 1)
	if err != nil || r.Revision != 1 || r.Edits != (nvr.Edits{}) {
		t.Errorf("the edits stay beside the new time: %+v, %v", r, err)
	}
}

// TestHoldOfAnEvent holds the record of an event that says so. A person who releases it is not overruled.
func TestHoldOfAnEvent(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	id := w.call("POST", eventsPath("504"), with(
		span("2026-11-23T15:00:00+03:00", "2026-11-23T16:00:00+03:00"),
		"summary", "Алгебра",
	))["id"].(string)
	held := func() bool {
		t.Helper()
		w.expect("swept", "504", `2026-11-23 15:00-16:00 "Алгебра" stage`)
		r, err := w.store.Records.Get(context.Background(), 1)
		w.must(err)
		return r.Held
	}
	if held() {
		t.Error("held without a word")
	}
	w.call("PATCH", eventsPath("504")+"/"+id, map[string]any{"description": "поток: ALG\nна проверку"})
	if !held() {
		t.Error("not held")
	}
	w.must(w.store.Requests.Release(context.Background(), 1))
	if held() {
		t.Error("held again")
	}
}

func TestWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	path := eventsPath("504")
	w.call("POST", path, map[string]any{
		"summary": "all day",
		"start":   map[string]any{"date": "2026-11-23"},
		"end":     map[string]any{"date": "2026-11-24"},
	})
	w.call("POST", path, with(
		span("2026-11-23T22:00:00+03:00", "2026-11-24T02:00:00+03:00"),
		"summary",
		"over midnight",
	))
	w.call("POST", path, with(
		span("2026-11-23T08:00:00+03:00", "2026-11-23T09:00:00+03:00"),
		"summary",
		"opted out",
		"description",
		"No recording, please",
	))
	w.call("POST", path, with(
		span("2026-11-23T10:00:00+03:00", "2026-11-23T11:00:00+03:00"),
		"summary",
		"private",
		"visibility",
		"private",
	))
	w.call("POST", path, with(
		span("2027-02-23T10:00:00+03:00", "2027-02-23T11:00:00+03:00"),
		"summary",
		"far away",
	))
	for _, kind := range []string{"outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"} {
		w.call("POST", path, with(
			span("2026-11-23T12:00:00+03:00", "2026-11-23T13:00:00+03:00"),
			"summary",
			kind,
			"eventType",
			kind,
		))
	}
	w.call("POST", path, with(span(
		"2026-11-24T10:00:00+03:00",
		"2026-11-24T11:00:00+03:00",
	), "summary", "every Tuesday",
		"recurrence", []string{"RRULE:FREQ=WEEKLY;COUNT=3"}))
	var log bytes.Buffer
	w.sweep.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.must(w.sweep.Sweep(context.Background()))
	w.must(w.sweep.Sweep(context.Background()))
	for _, said := range []string{"why=all-day", "why=many-days", "why=opted-out"} {
		if n := strings.Count(log.String(), said); n != 1 {
			t.Errorf("the log says %d times %q:\n%s", n, said, log.String())
		}
	}
	got := slices.Sorted(slices.Values(w.records("504")))
	want := []string{`2026-11-23 10:00-11:00 "private" stage`, `2026-11-24 10:00-11:00 "every Tuesday" stage`, `2026-12-01 10:00-11:00 "every Tuesday" stage`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestInvited holds that a room that is only invited gets its record, and none once it declines.
func TestInvited(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	path := "/calendar/v3/calendars/" + url.PathEscape(lecturer) + "/events"
	id := w.call("POST", path, with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
		"summary",
		"Гость",
		"attendees",
		[]any{map[string]any{"email": calendarOf("504")}},
	))["id"].(string)
	w.expect("invited", "504", `2026-11-23 15:10-16:30 "Гость" stage`)
	w.call(
		"PATCH",
		eventsPath("504")+"/"+id,
		map[string]any{"attendees": []any{map[string]any{
			"email":          calendarOf("504"),
			"responseStatus": "declined",
		}}},
	)
	w.expect("declined", "504", `2026-11-23 15:10-16:30 "Гость" withdrawn`)
}

// TestNobody checks that an event without a person is the configured person's, and no record without one.
func TestNobody(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, "504")
	for i, program := range []string{"bot@project.iam.gserviceaccount.com", "import@group.calendar.google.com"} {
		event := with(
			span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
			"summary",
			fmt.Sprint("Программа ", i),
		)
		w.callAs(program, "POST", eventsPath("504"), event)
	}
	w.expect("of nobody", "504")
	w.sweep.Settings.Requester = "dean@example.org"
	w.must(w.sweep.Sweep(context.Background()))
	if records, err := w.store.Records.ByUser(context.Background(), "dean@example.org"); err != nil || len(records) != 2 {
		t.Errorf("the dean has %+v, %v", records, err)
	}
}

// TestAdoption takes a row that the NVR made of an event for the event's record.
func TestAdoption(t *testing.T) {
	t.Parallel()
	testAdoption(t, newSweepWorld(t, "504"))
}

func testAdoption(t *testing.T, w *sweepWorld) {
	t.Helper()
	id := w.call("POST", eventsPath("504"), with(
		span("2026-11-23T15:10:00+03:00", "2026-11-23T16:30:00+03:00"),
		"summary",
		"Анализ",
	))["id"].(string)
	for _, event := range []string{id, "gone"} {
		_, _, err := w.store.Requests.Insert(
			context.Background(),
			nvr.Record{
				Title:     "Старое",
				Room:      "504",
				Date:      "2026-11-23",
				StartTime: "15:00",
				EndTime:   "16:00",
				UserEmail: lecturer,
				EventID:   event,
			},
			nil,
		)
		w.must(err)
	}
	w.expect(
		"adopted",
		"504",
		`2026-11-23 15:10-16:30 "Анализ" stage`,
		`2026-11-23 15:00-16:00 "Старое" withdrawn`,
	)
}

// TestAQuietSweep holds what a sweep costs when nothing changed: one call a room, and no write.
func TestAQuietSweep(t *testing.T) {
	t.Parallel()
	rooms := make([]string, 200)
	for i := range rooms {
		rooms[i] = fmt.Sprint(500 + i)
	}
	w := newSweepWorld(t, rooms...)
	for _, room := range rooms {
		for day := 21; day < 24; day++ {
			w.call("POST", eventsPath(room), with(
				span(
					fmt.Sprintf("2026-11-%dT10:00:00+03:00", day),
					fmt.Sprintf("2026-11-%dT11:00:00+03:00", day),
				),
				"summary",
				room,
			))
		}
		gone := w.call("POST", eventsPath(room), span(
			"2026-11-23T12:00:00+03:00",
			"2026-11-23T13:00:00+03:00",
		))["id"].(string)
		w.must(w.sweep.SweepRoom(context.Background(), room))
		w.call("DELETE", eventsPath(room)+"/"+gone, nil)
	}
	w.must(w.sweep.Sweep(context.Background()))
	// data_version changes when another connection than this one has written.
	db, err := sql.Open("sqlite", strings.TrimPrefix(w.dsn, "sqlite:"))
	w.must(err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	version := func() (n int) {
		w.must(db.QueryRow("pragma data_version").Scan(&n))
		return n
	}
	before := version()
	w.calls.Store(0)
	w.must(w.sweep.Sweep(context.Background()))
	if calls, after := w.calls.Load(), version(); calls != int64(len(rooms)) || after != before {
		t.Errorf(
			"%d calls for %d rooms, the database went from version %d to %d",
			calls, len(rooms), before, after,
		)
	}
}

// TestChannels opens, renews and ends channels.
func TestChannels(t *testing.T) {
	t.Parallel()
	testChannels(t, newSweepWorld(t, "504", "505"))
}

func testChannels(t *testing.T, w *sweepWorld) {
	t.Helper()
	ctx := context.Background()
	heard := make(chan string, 100)
	ears := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if channel, err := w.store.Channels.Get(r.Context(), r.Header.Get("X-Goog-Channel-Id")); err == nil && channel.VerifyToken(r.Header.Get("X-Goog-Channel-Token")) {
			heard <- channel.Calendar + " " + r.Header.Get("X-Goog-Resource-State")
		}
		rw.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(ears.Close)
	w.must(w.sweep.RenewChannels(ctx)) // without an address: none
	w.sweep.Settings.Address = ears.URL + "/calendar-notifications/"
	w.must(w.sweep.RenewChannels(ctx))
	first, err := w.store.Channels.List(ctx)
	if err != nil || len(first) != 2 || first[0].Resource == "" {
		t.Fatalf("channels: %+v, %v", first, err)
	}
	w.call("POST", eventsPath("504"), span(
		"2026-11-23T12:00:00+03:00",
		"2026-11-23T13:00:00+03:00",
	))
	for word := range heard {
		if word == calendarOf("504")+" exists" {
			break
		}
	}
	w.must(w.sweep.RenewChannels(ctx))
	if same, err := w.store.Channels.List(ctx); err != nil || fmt.Sprint(same) != fmt.Sprint(first) {
		t.Errorf("renewed too early: %v, %v", same, err)
	}
	w.clock.Move(5 * 24 * time.Hour)
	w.must(w.sweep.RenewChannels(ctx))
	second, err := w.store.Channels.List(ctx)
	if err != nil || len(second) != 2 || second[0].ID == first[0].ID || !second[0].ExpiresAt.After(first[0].ExpiresAt) {
		t.Errorf("renewed: %+v, %v", second, err)
	}
	rooms, err := w.store.Rooms.List(ctx)
	w.must(err)
	w.must(w.store.Rooms.Delete(ctx, rooms[0].ID))
	w.must(w.sweep.RenewChannels(ctx))
	if left, err := w.store.Channels.List(ctx); err != nil || len(left) != 1 {
		t.Errorf("a room is gone: %+v, %v", left, err)
	}
}
