package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/run"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

const (
	mergeJob = "projects/local/locations/local/jobs/merge"
	student  = "student@example.org"
	service  = "nvr@example.org"
)

// shared is what all tests of this binary use: FFmpeg and one minute of a room.
type shared struct {
	dir   string
	tools *pipeline.Tools
	proxy *rangeproxy.Proxy
	files map[string]string // object name to path
}

//nolint:gochecknoglobals // footage is made once a binary, if a test wants it
var (
	sharedOnce = sync.OnceValues(newShared)
	sharedMade atomic.Bool
)

func TestMain(m *testing.M) {
	code := m.Run()
	if sharedMade.Load() {
		if s, err := sharedOnce(); err == nil {
			err = errors.Join(s.proxy.Close(), os.RemoveAll(s.dir))
			if err != nil {
				fmt.Println(err)
			}
		}
	}
	os.Exit(code)
}

func newShared() (*shared, error) {
	sharedMade.Store(true)
	ctx := context.Background()
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return nil, err
	}
	cards, err := presence.LoadCards("")
	if err != nil {
		return nil, err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nvr-footage")
	if err != nil {
		return nil, err
	}
	s := &shared{dir: dir, proxy: proxy, files: map[string]string{}, tools: &pipeline.Tools{
		FFmpeg: tool, Proxy: proxy, Screen: &presence.Judge{Tool: tool, Cards: cards},
		Usage: func() (time.Duration, int64) { return 0, 0 },
	}}
	from := time.Date(2026, 11, 20, 15, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	source := func(octet string, role nvr.Role, scene recorder.Scene, sound recorder.Sound) recorder.Source {
		return recorder.Source{
			Octet: octet, Role: role, Label: string(role), Scene: scene, Sound: sound,
			Pictures: recorder.Pictures{Width: 160, Height: 90, NoStrip: true, NoClock: true},
			Segments: recorder.Slots(from, from.Add(time.Minute), time.Minute),
		}
	}
	session := recorder.Session{Room: "504", Seed: 7, Sources: []recorder.Source{
		source("24", nvr.Lecturer, recorder.Lecturer, recorder.TrueSound()),
		source("21", nvr.Screen, recorder.Screen(), recorder.Sound{None: true}),
	}}
	if err := session.Record(ctx, tool, dir, nil); err != nil {
		return nil, err
	}
	return s, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			s.files["504/2026-11-20/"+entry.Name()] = path
		}
		return err
	})
}

// env is everything around the pipeline: the stand-ins, a database, a clock. All state lies in one
// directory, which can be copied and begun again.
type env struct {
	t        testing.TB
	tools    *pipeline.Tools
	dir      string
	clock    *storetest.Clock
	faults   *faults.Table
	base     string // of storage and workspace
	runURL   string
	door     *proxy // of workspace
	pubsub   *pstest.Server
	settings pipeline.Settings
	command  []string              // what a task of the job does, beside what the tests do in its place
	limit    time.Duration         // of a task's process; 0: an hour
	db       *storetest.Components // nil: the file nvr.db
	log      slog.Handler          // nil: none

	queue []nvr.Claim     // published, not delivered yet
	old   []nvr.Claim     // delivered
	tasks []pipeline.Task // of executions that were started
	ran   map[string]bool // launches whose tasks are in tasks, or were
	posts map[string]int  // notices by id
	life  atomic.Pointer[process]
}

// snapshot is a world at rest, to be begun again.
type snapshot struct {
	dir   string
	at    time.Time
	queue []nvr.Claim
	tasks []pipeline.Task
	ran   map[string]bool
}

// tempDir makes a directory that is quick to write to.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "nvr")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (w *env) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// newEnv is a world with room 504 and its minute of footage, at 15:03 of that day.
func newEnv(t testing.TB) *env {
	t.Helper()
	return newEnvOn(t, nil)
}

// newEnvOn is [newEnv] on a database in which each step has the rights of its component.
func newEnvOn(t testing.TB, db *storetest.Components) *env {
	t.Helper()
	w := open(t, snapshot{
		dir: tempDir(t),
		at:  time.Date(2026, 11, 20, 12, 3, 0, 0, time.UTC),
		ran: map[string]bool{},
	})
	w.db = db
	w.prepare()
	return w
}

// prepare fills a new world.
func (w *env) prepare() {
	t := w.t
	t.Helper()
	db := w.database()
	w.must(db.Schema.Migrate(t.Context(), store.Adoption{}))
	_, err := db.Rooms.Save(t.Context(), nvr.Room{
		Name:         "504",
		Calendar:     calendarOf("504"),
		MainSource:   "172.18.191.24/0",
		ScreenSource: "172.18.191.21/0",
		SoundSource:  "172.18.191.24/0",
		Language:     "ru",
	})
	w.must(err)
	s, err := sharedOnce()
	w.must(err)
	for name, path := range s.files {
		w.put("segments", name, path)
	}
}

// open begins a world where a scene was left. The scene's directory becomes the world's.
func open(t testing.TB, s snapshot) *env {
	t.Helper()
	common, err := sharedOnce()
	if err != nil {
		t.Fatal(err)
	}
	w := &env{
		t:       t,
		tools:   common.tools,
		dir:     s.dir,
		clock:   storetest.NewClock(),
		faults:  faults.New(time.Millisecond),
		queue:   slices.Clone(s.queue),
		tasks:   slices.Clone(s.tasks),
		ran:     maps.Clone(s.ran),
		posts:   map[string]int{},
		command: []string{"true"},
	}
	w.clock.Move(s.at.Sub(w.clock.Now()))
	w.settings = pipeline.Settings{
		MergeJob:     mergeJob,
		DriveFolder:  "videos",
		DriveSearch:  true,
		Slice:        40 * time.Second, // two of the minute from 15:00
		Policy:       merge.Auto,
		Width:        64,
		Height:       36,
		FPS:          25,
		Loudness:     merge.Loudness{Off: true},
		MaxMerges:    20,
		Retention:    14 * 24 * time.Hour,
		Lease:        time.Minute,
		FootageWait:  time.Hour,
		FootagePoll:  5 * time.Minute,
		PushBudget:   time.Minute,
		PushTimeout:  2 * time.Minute,
		RetryPauses:  []time.Duration{time.Minute, 5 * time.Minute},
		PlayableWait: 6 * time.Hour,
		PlayablePoll: 2 * time.Minute,
	}
	w.serve()
	return w
}

// serve starts the stand-ins.
func (w *env) serve() {
	t := w.t
	t.Helper()
	objects, err := storage.New(storage.Options{
		Dir:    filepath.Join(w.dir, "storage"),
		Now:    w.clock.Now,
		Faults: w.faults,
	})
	w.must(err)
	w.must(errors.Join(objects.Ensure("segments"), objects.Ensure("work")))
	mux := http.NewServeMux()
	mux.Handle("/", objects)
	mux.HandleFunc("POST /notices", w.posted)
	front := httptest.NewServer(mux)
	w.base = front.URL
	fake, err := google.New(google.Options{
		Dir:      filepath.Join(w.dir, "workspace"),
		BaseURL:  w.base + "/workspace",
		Faults:   w.faults,
		Now:      w.clock.Now,
		Scale:    1000,
		TimeZone: "Europe/Moscow",
	})
	w.must(err)
	w.door = &proxy{inner: http.StripPrefix("/workspace", fake.Handler())}
	mux.Handle("/workspace/", w.door)
	w.pubsub = pstest.NewServer(pstest.ServerReactorOption{FuncName: "Publish", Reactor: w})
	for _, topic := range []string{"stage", "upload", "link", "fail"} {
		_, err := w.pubsub.GServer.CreateTopic(
			t.Context(),
			&pubsubpb.Topic{Name: "projects/local/topics/" + topic},
		)
		w.must(err)
	}
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		if err := errors.Join(fake.Close(), objects.Close(), w.pubsub.Close()); err != nil {
			t.Error(err)
		}
	})
}

// jobs starts the stand-in of Cloud Run when it is first wanted: its command may be set until then.
func (w *env) jobs() string {
	if w.runURL == "" {
		server, err := run.New(run.Options{
			Job:        mergeJob,
			Command:    w.command,
			Faults:     w.faults,
			MaxRetries: -1,
			Timeout:    w.limit,
			Scale:      1000,
			Dir:        filepath.Join(w.dir, "run"),
			Now:        w.clock.Now,
		})
		w.must(err)
		front := httptest.NewServer(server)
		w.runURL = front.URL
		w.t.Cleanup(func() { front.CloseClientConnections(); front.Close(); server.Close() })
	}
	return w.runURL
}

// React implements pstest.Reactor: a publish is a point at which a process may die.
func (w *env) React(any) (bool, any, error) {
	if l := w.life.Load(); l != nil && l.point() {
		return true, nil, status.Error(codes.PermissionDenied, "killed")
	}
	return false, nil, nil
}

// posted receives notices.
func (w *env) posted(rw http.ResponseWriter, r *http.Request) {
	var event struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.t.Error(err)
	}
	w.posts[event.ID]++ // the one process of the world waits for the answer
	rw.WriteHeader(http.StatusNoContent)
}

// put writes an object.
func (w *env) put(to, name, path string) {
	w.t.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	w.putBytes(to, name, text)
}

func (w *env) putBytes(to, name string, text []byte) {
	w.t.Helper()
	status, answer := w.ask(
		"POST",
		"/upload/storage/v1/b/"+to+"/o?uploadType=media&name="+url.QueryEscape(name),
		text,
	)
	if status != http.StatusOK {
		w.t.Fatalf("put %s: %d %v", name, status, answer)
	}
}

// objects are the names in a bucket.
func (w *env) objects(of, prefix string) []string {
	w.t.Helper()
	_, answer := w.ask(
		"GET",
		"/storage/v1/b/"+of+"/o?maxResults=1000&prefix="+url.QueryEscape(prefix),
		nil,
	)
	names := []string{}
	items, _ := answer["items"].([]any)
	for _, item := range items {
		names = append(names, item.(map[string]any)["name"].(string))
	}
	return names
}

// ask makes a call that no fault strikes, to the calendar as the student.
func (w *env) ask(method, path string, body any) (status int, answer map[string]any) {
	w.t.Helper()
	who := ""
	if strings.HasPrefix(path, "/workspace/calendar") {
		who = student
	}
	return exchange(w.t, who, method, w.base+path, body)
}

func (w *env) call(method, path string, body any) map[string]any {
	w.t.Helper()
	status, answer := w.ask(method, path, body)
	if status > 299 {
		w.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// database opens the database for the test.
func (w *env) database() *store.Store {
	w.t.Helper()
	return w.databaseAs("", w.clock.Now)
}

// databaseAs opens the database as a component; empty: as one who may do everything.
func (w *env) databaseAs(component string, now func() time.Time) *store.Store {
	w.t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	w.must(err)
	dsn := "sqlite:" + filepath.Join(w.dir, "nvr.db")
	if w.db != nil {
		dsn = w.db.DSN
		if component != "" {
			dsn = w.db.As(component)
		}
	}
	db, err := store.Open(context.Background(), dsn, store.Options{
		Now:      now,
		Defaults: store.Defaults{Zone: zone, Language: "ru", SegmentLength: time.Minute},
	})
	w.must(err)
	return db
}

func (w *env) row() nvr.Record { w.t.Helper(); return w.rowOf(1) }

func (w *env) rowOf(id int64) nvr.Record {
	w.t.Helper()
	db := w.database()
	rec, err := db.Records.Get(context.Background(), id)
	w.must(errors.Join(err, db.Close()))
	return rec
}

// insert adds a record of room 504; change may be nil.
func (w *env) insert(change func(*nvr.Record)) nvr.Record {
	w.t.Helper()
	rec := nvr.Record{
		Title:     "Алгебра",
		Room:      "504",
		Date:      "2026-11-20",
		StartTime: "15:00",
		EndTime:   "15:01",
		UserEmail: student,
	}
	if change != nil {
		change(&rec)
	}
	db := w.database()
	rec, _, err := db.Requests.Insert(context.Background(), rec, nil)
	w.must(errors.Join(err, db.Close()))
	return rec
}

// event makes an event of the record's time with a course, and returns its id.
func (w *env) event(description string) string {
	w.t.Helper()
	return w.call("POST", "/workspace"+eventsPath("504"), with(span(
		"2026-11-20T15:00:00+03:00",
		"2026-11-20T15:01:00+03:00",
	),
		"summary", "Алгебра", "description", description))["id"].(string)
}

func (w *env) course(name string) string {
	w.t.Helper()
	return w.call("POST", "/workspace/classroom/v1/courses", map[string]any{
		"name":        name,
		"ownerId":     "teacher@example.org",
		"courseState": "ACTIVE",
	})["id"].(string)
}

// collect takes what was published.
func (w *env) collect() {
	w.t.Helper()
	for _, m := range w.pubsub.Messages() {
		var claim nvr.Claim
		w.must(json.Unmarshal(m.Data, &claim))
		w.queue = append(w.queue, claim)
	}
	w.pubsub.ClearMessages()
}

// save copies the world, which is at rest.
func (w *env) save() snapshot {
	w.t.Helper()
	return snapshot{
		dir:   w.dir,
		at:    w.clock.Now(),
		queue: slices.Clone(w.queue),
		tasks: slices.Clone(w.tasks),
		ran:   maps.Clone(w.ran),
	}.copy(w.t)
}

func (s snapshot) copy(t testing.TB) snapshot {
	t.Helper()
	dir := tempDir(t)
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	return s
}
