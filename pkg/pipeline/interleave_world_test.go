package pipeline

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/i18n"
	calendarserver "github.com/nvr-miem/merger/pkg/localcloud/google/calendar"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// interleaved is everything around the sweeps and claims of a run: a database, the stand-in of Calendar, a
// Pub/Sub, a Cloud Run and a receiver of notices. It serves many runs, one after the other; each has calendars
// of its own and begins with an empty database.
type interleaved struct {
	pubsubpb.UnimplementedPublisherServer

	t         testing.TB
	clock     *storetest.Clock
	start     time.Time
	s         *scheduler
	texts     *i18n.Catalog
	raw       *sql.DB // of the NVR, and of the test
	store     *store.Store
	google    *calendarserver.Calendar
	client    *workspace.Client
	topics    *dispatch.Topics
	jobs      *dispatch.Jobs
	notices   []notify.Channel
	tables    []string
	runs      int
	failure   error           // what a server found
	queue     []nvr.Claim     // published, not delivered yet
	delivered []nvr.Claim     // may be delivered again
	launches  []*launched     // of the job
	posts     map[string]int  // notices by id
	trace     strings.Builder // of the run
	traced    bool
	page      string // the most events that Calendar shows in one page
	watch     watch
	rooms     []string
	lectures  []string
	requests  int
	people    int // for names that differ
	processes []*Pipeline
	sweeper   *Calendar
	atMost    int
}

// launched is an execution of the job.
type launched struct {
	key     string
	claim   nvr.Claim
	created time.Time
	ended   time.Time
	failed  bool
}

const interleavedZone = "Europe/Moscow"

func newInterleaved(t testing.TB, dsn string) *interleaved {
	t.Helper()
	w := &interleaved{t: t, clock: storetest.NewClock(), s: &scheduler{}, texts: i18n.Default()}
	w.start = w.clock.Now()
	zone, err := time.LoadLocation(interleavedZone)
	w.must(err)
	w.s.after, w.s.log = w.check, w.note
	w.store = storetest.Open(t, dsn, store.Options{
		Now:           w.clock.Now,
		SingleProcess: true,
		Defaults:      store.Defaults{Zone: zone},
		Around: func(_ context.Context, send func() error) error {
			return w.s.around("database", send)
		},
	})
	w.openRaw(dsn)
	w.client, err = workspace.New(workspace.Options{
		Endpoint:  "http://calendar",
		Subjects:  workspace.Subjects{Calendar: "nvr@example.org"},
		Scopes:    workspace.CalendarScopes(),
		Transport: inProcess(w.serveCalendar),
		Now:       w.clock.Now,
		Pause:     noPause,
	})
	w.must(err)
	w.jobs, err = dispatch.NewJobs(t.Context(), dispatch.JobsOptions{
		Endpoint: "http://run/",
		Client:   &http.Client{Transport: inProcess(w.serveRun)},
		Pause:    noPause,
	})
	w.must(err)
	w.notices, err = notify.New(notify.Options{
		Webhook:       "http://receiver/",
		WebhookSecret: "secret",
		Transport:     inProcess(w.serveNotice),
		Now:           w.clock.Now,
		Pause:         noPause,
	})
	w.must(err)
	w.listen()
	t.Cleanup(func() {
		if w.google != nil {
			w.must(w.google.Close())
		}
	})
	return w
}

func (w *interleaved) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// openRaw opens the connection of the NVR.
func (w *interleaved) openRaw(dsn string) {
	w.t.Helper()
	file, inFile := strings.CutPrefix(dsn, "sqlite:")
	list := `select table_name from information_schema.tables where table_schema = database()`
	var err error
	if inFile {
		w.raw, err = sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(7000)")
		list = `select name from sqlite_master where type = 'table'`
	} else {
		w.raw, err = sql.Open("mysql", dsn)
	}
	w.must(err)
	w.raw.SetMaxOpenConns(1)
	w.t.Cleanup(func() { w.must(w.raw.Close()) })
	w.listTables(list)
}

// listTables lists the tables that a run begins without rows in.
func (w *interleaved) listTables(list string) {
	w.t.Helper()
	rows, err := w.raw.QueryContext(w.t.Context(), list)
	w.must(err)
	defer func() { _ = rows.Close() }() // rows.Err returns the error that matters
	for rows.Next() {
		var name string
		w.must(rows.Scan(&name))
		if name != "merger_migrations" && (name == "sqlite_sequence" || !strings.HasPrefix(name, "sqlite_")) {
			w.tables = append(w.tables, name)
		}
	}
	w.must(rows.Err())
}

// inProcess is a handler as a transport: the protocol without the network.
type inProcess func(http.ResponseWriter, *http.Request) error

// RoundTrip implements [http.RoundTripper].
func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	if err := h(answer, r); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// serveCalendar serves Calendar, in small pages, so that events change between two of them.
func (w *interleaved) serveCalendar(rw http.ResponseWriter, r *http.Request) error {
	return w.s.around("calendar", func() error {
		if query := r.URL.Query(); query.Has("maxResults") && w.page != "" {
			query.Set("maxResults", w.page)
			r.URL.RawQuery = query.Encode()
		}
		w.google.Service().ServeHTTP(rw, r)
		return nil
	})
}

// serveNotice receives notices.
func (w *interleaved) serveNotice(rw http.ResponseWriter, r *http.Request) error {
	return w.s.around("notice", func() error {
		var event struct{ ID string }
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			return err
		}
		w.posts[event.ID]++
		rw.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// serveRun answers executions.list, executions.get and tasks.list.
func (w *interleaved) serveRun(rw http.ResponseWriter, r *http.Request) error {
	return w.s.around("executions", func() error {
		rw.Header().Set("Content-Type", "application/json")
		_, name, one := strings.Cut(r.URL.Path, "/executions/")
		number, _ := strconv.Atoi(name)
		var answer any = map[string]any{}
		switch {
		case !one:
			all := []any{}
			for i := range slices.Backward(w.launches) {
				all = append(all, w.launches[i].json(i))
			}
			answer = map[string]any{"executions": all}
		case !strings.HasSuffix(name, "/tasks"):
			answer = w.launches[number].json(number)
		}
		return json.NewEncoder(rw).Encode(answer)
	})
}

func (l *launched) json(number int) map[string]any {
	all := map[string]any{
		"name":       mergeJobName + "/executions/" + strconv.Itoa(number),
		"taskCount":  1,
		"createTime": l.created.Format(time.RFC3339Nano),
		"template": map[string]any{"containers": []any{map[string]any{"env": []any{map[string]any{
			"name":  dispatch.KeyEnv,
			"value": l.key,
		}}}}},
	}
	switch {
	case l.ended.IsZero():
		all["runningCount"] = 1
		return all
	case l.failed:
		all["failedCount"] = 1
	default:
		all["succeededCount"] = 1
	}
	all["completionTime"] = l.ended.Format(time.RFC3339Nano)
	return all
}

const mergeJobName = "projects/local/locations/local/jobs/merge"

// listen starts the Pub/Sub.
func (w *interleaved) listen() {
	w.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	w.must(err)
	server := grpc.NewServer()
	pubsubpb.RegisterPublisherServer(server, w)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	w.topics, err = dispatch.NewTopics(w.t.Context(), dispatch.TopicsOptions{
		Project:  "local",
		Endpoint: listener.Addr().String(),
	})
	w.must(err)
	w.t.Cleanup(func() { w.must(w.topics.Close()); server.Stop() })
}

// Publish implements pubsubpb.PublisherServer.
func (w *interleaved) Publish(_ context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	err := w.s.around("publish", func() error {
		for _, m := range r.GetMessages() {
			var claim nvr.Claim
			if err := json.Unmarshal(m.GetData(), &claim); err != nil {
				return err
			}
			w.queue = append(w.queue, claim)
		}
		return nil
	})
	switch {
	case errors.Is(err, errProcessDied):
		return nil, status.Error(codes.PermissionDenied, err.Error())
	case err != nil:
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &pubsubpb.PublishResponse{MessageIds: make([]string, len(r.GetMessages()))}, nil
}

// runsOfOneServer is how many runs share a stand-in of Calendar: it reads all events of all calendars.
const runsOfOneServer = 25

// begin makes the world empty, for the run of a seed.
func (w *interleaved) begin() {
	w.t.Helper()
	w.clock.Move(w.start.Sub(w.clock.Now()))
	tx, err := w.raw.BeginTx(w.t.Context(), nil)
	w.must(err)
	for _, table := range w.tables {
		_, err := tx.ExecContext(w.t.Context(), "delete from "+table)
		w.must(err)
	}
	w.must(tx.Commit())
	if w.runs%runsOfOneServer == 0 {
		if w.google != nil {
			w.must(w.google.Close())
		}
		w.google, err = calendarserver.New(calendarserver.Options{
			Dir:      filepath.Join(w.t.TempDir(), "calendar"),
			BaseURL:  "http://calendar",
			Now:      w.clock.Now,
			Log:      slog.New(slog.DiscardHandler),
			TimeZone: interleavedZone,
		})
		w.must(err)
	}
	w.runs++
	w.queue, w.delivered, w.launches, w.failure = nil, nil, nil, nil
	w.rooms, w.lectures, w.requests, w.people = nil, nil, 0, 0
	w.posts = map[string]int{}
	w.trace.Reset()
	w.watch = watch{}
}

func (w *interleaved) note(format string, args ...any) {
	if w.traced {
		fmt.Fprintf(&w.trace, w.clock.Now().Format("02 15:04 ")+format+"\n", args...)
	}
}

// calendarOfRoom is the calendar of a room in this run.
func (w *interleaved) calendarOfRoom(room string) string {
	return fmt.Sprintf("run%d-%s@resource.calendar.google.com", w.runs, room)
}

func (w *interleaved) eventsOf(room string) string {
	return "/calendar/v3/calendars/" + url.PathEscape(w.calendarOfRoom(room)) + "/events"
}

// edit calls Calendar as the lecturer. A refusal is an answer, too: the event may be elsewhere.
func (w *interleaved) edit(method, path string, body map[string]any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	w.must(err)
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Workspace-User", "lecturer@example.org")
	answer := httptest.NewRecorder()
	w.google.Service().ServeHTTP(answer, r)
	got, err := io.ReadAll(answer.Result().Body)
	w.must(err)
	if answer.Code > 299 && answer.Code != http.StatusNotFound && answer.Code != http.StatusGone {
		w.failure = fmt.Errorf("%s %s %s: %d %s", method, path, text, answer.Code, got)
	}
	w.note("%-10s %s %s %s: %d", "", method, path, text, answer.Code)
}

// newProcess is an instance of the functions.
func (w *interleaved) newProcess() *Pipeline {
	return &Pipeline{
		Store:     StoreOf(w.store),
		Workspace: w.client,
		Topics:    w.topics,
		Jobs:      w.jobs,
		Notices:   w.notices,
		Texts:     w.texts,
		Settings: Settings{
			MergeJob:     mergeJobName,
			MaxMerges:    w.atMost,
			Lease:        interleavedLease,
			StandbyAfter: 10 * time.Minute,
			PushBudget:   time.Hour,
			PushTimeout:  2 * time.Hour,
			RetryPauses:  []time.Duration{time.Minute, 5 * time.Minute},
		},
		Now: w.clock.Now,
		Log: w.logger(),
	}
}

const interleavedLease = 10 * time.Minute

func (w *interleaved) logger() *slog.Logger {
	if !w.traced {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(&w.trace, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// rows reads all records as they are.
func (w *interleaved) rows() map[int64]nvr.Record {
	w.t.Helper()
	records, _, err := w.store.Records.List(context.Background(), store.Filter{}, 0, 1000)
	w.must(err)
	rows := map[int64]nvr.Record{}
	for i := range records {
		rows[records[i].ID] = records[i]
	}
	return rows
}

func ids(rows map[int64]nvr.Record) []int64 { return slices.Sorted(maps.Keys(rows)) }
