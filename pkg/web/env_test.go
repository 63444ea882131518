package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

const (
	lecturer = "lecturer@example.org"
	stranger = "stranger@example.org"
)

// env is the handlers over a database, at one address.
type env struct {
	t     testing.TB
	store *store.Store
	clock *storetest.Clock
	web   *httptest.Server

	key      string // of lecturer
	imported string // of the NVR, of lecturer; may name any address
	looks    chan string
	operator atomic.Bool // the person on the pages is one
	report   atomic.Pointer[[]byte]
	streams  chan struct{} // one token if a stream of a page has ended
}

// moscow is the zone of the rooms.
func moscow(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// onEach runs a test over an environment on each database. On MariaDB the handlers have the rights of the
// components api and form.
func onEach(t *testing.T, test func(*testing.T, *env)) {
	t.Helper()
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newEnv(t))
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		db := storetest.MariaDBOfComponents(t)
		test(t, newEnvApart(t, db.DSN, db.As("api"), db.As("form")))
	})
}

func newEnv(t testing.TB, change ...func(*web.Options)) *env {
	t.Helper()
	return newEnvOn(t, storetest.SQLite(t), change...)
}

func newEnvOn(t testing.TB, dsn string, change ...func(*web.Options)) *env {
	t.Helper()
	return newEnvApart(t, dsn, dsn, dsn, change...)
}

// newEnvApart returns an environment whose API and pages use the database as users of their own.
func newEnvApart(t testing.TB, dsn, api, form string, change ...func(*web.Options)) *env {
	t.Helper()
	w := &env{
		t:       t,
		clock:   storetest.NewClock(),
		looks:   make(chan string, 10),
		streams: make(chan struct{}, 1),
	}
	open := func(dsn string) *store.Store {
		s, err := store.Open(context.Background(), dsn, store.Options{Now: w.clock.Now, MaxOpen: 8,
			Defaults: store.Defaults{Zone: moscow(t), Language: "ru", SegmentLength: 30 * time.Minute}})
		w.must(err)
		t.Cleanup(func() { w.must(s.Close()) })
		return s
	}
	w.store = open(dsn)
	w.must(w.store.Schema.Migrate(t.Context(), store.Adoption{}))
	ctx := context.Background()
	id, err := w.store.Rooms.Save(ctx, nvr.Room{
		Name:          "504",
		Drive:         "folder504",
		Calendar:      "c504@resource.calendar.google.com",
		MainSource:    "172.18.191.24/0",
		ScreenSource:  "172.18.191.21/0",
		SoundSource:   "172.18.191.24/0",
		Language:      "ru",
		SegmentLength: 30 * time.Minute,
	})
	w.must(err)
	for _, source := range []nvr.Source{
		{Name: "camera", IP: "172.18.191.24", Merge: "left"},
		{Name: "encoder", IP: "172.18.191.21"},
		{Name: "board", IP: "172.18.191.30/0", Merge: "board-right"},
	} {
		_, err := w.store.Rooms.SaveSource(ctx, id, source)
		w.must(err)
	}
	_, err = w.store.Rooms.Save(ctx, nvr.Room{
		Name:          "Зал/2 <b>",
		Language:      "ru",
		SegmentLength: 30 * time.Minute,
	})
	w.must(err)
	w.key = w.addKey(store.Key{Email: lecturer})
	_, err = w.store.Keys.Import(ctx, []store.User{{Email: lecturer, Key: "nvr-plain-key"}})
	w.must(err)
	w.imported = "nvr-plain-key"

	options := web.Options{
		Store: records.StoreOf(w.store),
		Now:   w.clock.Now,
		Log: slog.New(slog.NewTextHandler(
			testLog{t},
			&slog.HandlerOptions{Level: slog.LevelWarn},
		)),
		Scale:         20,
		SweepCalendar: func(_ context.Context, room string) error { w.looks <- room; return nil },
		Authenticate: func(*http.Request) (auth.User, error) {
			return auth.User{Email: lecturer, Operator: w.operator.Load()}, nil
		},
		Report: func(context.Context, nvr.Record) ([]byte, error) {
			if body := w.report.Load(); body != nil {
				return *body, nil
			}
			return nil, nil
		},
		Thumbnail: func(_ context.Context, r nvr.Record) ([]byte, error) {
			return picture(r.Digest), nil
		},
	}
	for _, each := range change {
		each(&options)
	}
	handler := web.New(options)
	if api != dsn {
		ofAPI, ofForm := options, options
		ofAPI.Store, ofForm.Store = records.StoreOf(open(api)), records.StoreOf(open(form))
		handler = web.NewApart(ofAPI, ofForm)
	}
	w.web = httptest.NewUnstartedServer(nil)
	w.web.Config = httpapi.NewServer(w.noteStreams(handler))
	w.web.Start()
	t.Cleanup(func() {
		w.web.CloseClientConnections()
		w.web.Close()
	})
	return w
}

// noteStreams notes the end of each stream of a page.
func (w *env) noteStreams(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(writer, r)
		if r.URL.Path != "/recordings/events" {
			return
		}
		select {
		case w.streams <- struct{}{}:
		default: // it has its token already
		}
	})
}

// picture is a thumbnail of two panes; none without a merge.
func picture(digest string) []byte {
	if digest == "" {
		return nil
	}
	panes := image.NewRGBA(image.Rect(0, 0, 480, 135))
	draw.Draw(
		panes,
		image.Rect(0, 0, 240, 135),
		image.NewUniform(color.RGBA{70, 90, 70, 255}),
		image.Point{},
		draw.Src,
	)
	draw.Draw(
		panes,
		image.Rect(240, 0, 480, 135),
		image.NewUniform(color.RGBA{235, 235, 220, 255}),
		image.Point{},
		draw.Src,
	)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, panes, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// testLog writes the handlers' log into the test's.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

func (w *env) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *env) addKey(key store.Key) string {
	w.t.Helper()
	secret, _, err := w.store.Keys.Add(context.Background(), key)
	w.must(err)
	return secret
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are name, value, name, value.
func (w *env) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(
		context.Background(),
		method,
		w.web.URL+path,
		strings.NewReader(body),
	)
	w.must(err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	got, err := client.Do(r)
	w.must(err)
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	w.must(err)
	a := answer{got.StatusCode, got.Header, string(text)}
	if strings.HasPrefix(path, "/api/v1/") && path != "/api/v1/openapi.yaml" {
		holdContract(w.t, method, path, body, headers, a)
	}
	return a
}

// file files a record of a person in room 504.
func (w *env) file(email, date, start, end string) nvr.Record {
	w.t.Helper()
	r, _, err := w.store.Requests.Insert(
		context.Background(),
		nvr.Record{
			Title:     "Анализ",
			Room:      "504",
			Date:      date,
			StartTime: start,
			EndTime:   end,
			UserEmail: email,
		},
		nil,
	)
	w.must(err)
	return r
}

// reads decodes JSON.
func reads[T any](t testing.TB, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}
