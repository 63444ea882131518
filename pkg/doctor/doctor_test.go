package doctor_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/doctor"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	"github.com/nvr-miem/merger/pkg/localcloud/run"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

const job = "projects/local/locations/local/jobs/merge"

// doctorEnv is a deployment of stand-ins in this process.
type doctorEnv struct {
	*testing.T
	faults *faults.Table
	env    map[string]string
	db     *store.Store
	now    time.Time
}

func open(t *testing.T) *doctorEnv {
	t.Helper()
	c := &doctorEnv{
		T:      t,
		faults: faults.New(time.Millisecond),
		now:    time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC),
	}
	clock := func() time.Time { return c.now }
	dir := t.TempDir()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)

	workspace, err := google.New(google.Options{
		Dir:     filepath.Join(dir, "workspace"),
		BaseURL: server.URL + "/workspace",
		Faults:  c.faults,
		Now:     clock,
		Scale:   1000,
	})
	c.must(err)
	buckets, err := storage.New(storage.Options{
		Dir:     filepath.Join(dir, "buckets"),
		Folders: map[string]string{"segments": t.TempDir()},
		Faults:  c.faults,
		Now:     time.Now,
	})
	c.must(err)
	c.must(buckets.Ensure("work"))
	jobs, err := run.New(run.Options{
		Dir:     filepath.Join(dir, "run"),
		Job:     job,
		Command: []string{"true"},
		Faults:  c.faults,
		Scale:   1000,
		Now:     time.Now,
	})
	c.must(err)
	topics, err := pubsub.Start(context.Background(), pubsub.Options{
		Project: "local",
		Topics:  []string{"calendar", "stage", "upload", "link", "fail"},
		Now:     time.Now,
	})
	c.must(err)
	mux.Handle("/workspace/", http.StripPrefix("/workspace", workspace.Handler()))
	mux.Handle("/v2/", jobs)
	mux.Handle("/", buckets)

	dsn := "sqlite:" + filepath.Join(dir, "nvr.db")
	c.db, err = store.Open(context.Background(), dsn, store.Options{
		Now:      clock,
		Defaults: store.Defaults{Zone: time.UTC, Language: "en", SegmentLength: 30 * time.Minute},
	})
	c.must(err)
	c.must(c.db.Schema.Migrate(context.Background(), store.Adoption{}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		jobs.Close()
		topics.Close()
		if err := errors.Join(workspace.Close(), buckets.Close(), c.db.Close()); err != nil {
			t.Error(err)
		}
	})
	c.env = map[string]string{
		"DATABASE":           dsn,
		"STORAGE_ENDPOINT":   server.URL + "/storage/v1/",
		"PUBSUB_ENDPOINT":    topics.Addr(),
		"RUN_ENDPOINT":       server.URL,
		"WORKSPACE_ENDPOINT": server.URL + "/workspace",
		"DRIVE_SUBJECT":      "nvr@example.org",
		"CALENDAR_SUBJECT":   "nvr@example.org",
		"TIME_ZONE":          "UTC",
		"TIME_SCALE":         "1000",
		"WEBHOOK":            server.URL + "/workspace/",
	}
	return c
}

func (c *doctorEnv) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// room adds one, with footage of some sources.
func (c *doctorEnv) room(r nvr.Room, recorded ...string) {
	c.Helper()
	_, err := c.db.Rooms.Save(c.Context(), r)
	c.must(err)
	var segments []store.Segment
	for _, source := range recorded {
		segments = append(segments, store.Segment{
			Name: nvr.SegmentName{
				Date:   "2026-11-20",
				Time:   "10:00",
				Room:   r.Name,
				Source: source,
			},
			Bytes:      1,
			Generation: 1,
		})
	}
	_, err = c.db.Segments.Index(c.Context(), r.Name, "2026-11-20", segments)
	c.must(err)
}

func (c *doctorEnv) look() map[string]doctor.Finding {
	c.Helper()
	settings, err := config.From(c.Context(), envconfig.MapLookuper(c.env))
	d := &doctor.Doctor{
		Config: settings,
		Wrong:  err,
		Space:  func() (int64, error) { return 500e6, nil },
		Now:    func() time.Time { return c.now },
	}
	found := map[string]doctor.Finding{}
	for _, f := range d.Run(c.Context()) {
		if _, twice := found[f.What]; twice {
			c.Errorf("two findings for %q", f.What)
		}
		if f.Cause.IsZero() || (f.State == doctor.StateOK) != f.Way.IsZero() {
			c.Errorf("incomplete finding: %+v", f)
		}
		found[f.What] = f
	}
	return found
}

// want holds the state of findings, and words that they must say, in detail or way.
func want(t *testing.T, found map[string]doctor.Finding, what string, state doctor.State, words ...string) {
	t.Helper()
	f, there := found[what]
	if !there || f.State != state {
		t.Errorf("%s: %q %s, want %s", what, f.State, f.Cause, state)
	}
	english := i18n.Default().For("en")
	text := english.Cause(f.Cause) + " → " + f.Way.Text(english)
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: %q lacks %q", what, text, word)
		}
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.room(
		nvr.Room{
			Name:         "504",
			MainSource:   "10.0.0.24",
			ScreenSource: "10.0.0.21",
			SoundSource:  "10.0.0.24",
			Calendar:     "room504@example.org",
		},
		"24",
		"21",
	)
	found := c.look()
	for _, what := range []string{
		"configuration", "database", "foreign rows", "bucket segments", "bucket work", "bucket work, writing", "topic stage", "topic fail", "job merge",
		"workspace as stage", "workspace as upload", "workspace as calendar", "workspace as link", "webhook", "room 504 footage", "room 504 calendar",
	} {
		want(t, found, what, doctor.StateOK)
	}
	want(t, found, "disk", doctor.StateFail, "free some space")
	want(t, found, "room 504 sources", doctor.StateWarn, "board")
	want(t, found, "room 504 folder", doctor.StateWarn, "--drive")
}

func TestSick(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.room(nvr.Room{Name: "505", MainSource: "camera", ScreenSource: "10.0.0.22"})
	c.room(nvr.Room{Name: "506"})
	for _, api := range []string{"calendar", "drive"} {
		c.must(c.faults.Add(faults.Rule{
			API:    api,
			Method: faults.Any,
			Rate:   1,
			Kind:   faults.Broken,
		}))
	}
	c.env["MERGE_JOB"] = "projects/local/locations/local/jobs/other"
	c.env["WORK_BUCKET"] = "absent"
	c.env["PROJECT"] = "other"
	c.env["FPS"] = "24"
	c.env["WEBHOOK"] = "http://127.0.0.1:1/"
	found := c.look()
	want(t, found, "configuration", doctor.StateFail, "FPS=24")
	want(t, found, "bucket segments", doctor.StateOK)
	want(t, found, "bucket work", doctor.StateFail, "WORK_BUCKET")
	want(t, found, "topic link", doctor.StateFail, "PROJECT")
	want(t, found, "job merge", doctor.StateFail, "MERGE_JOB")
	want(
		t,
		found,
		"workspace as upload",
		doctor.StateFail,
		"https://www.googleapis.com/auth/drive,https://www.googleapis.com/auth/calendar.events.readonly",
	)
	want(t, found, "workspace as calendar", doctor.StateFail, "calendar.events.readonly")
	want(t, found, "webhook", doctor.StateFail, "WEBHOOK")
	want(t, found, "room 505 sources", doctor.StateFail, "lecturer camera")
	want(t, found, "room 505 footage", doctor.StateWarn, "screen 22")
	want(t, found, "room 506 sources", doctor.StateFail, "none at all")
	if f, said := found["room 506 footage"]; said {
		t.Errorf("the footage of no source: %+v", f)
	}
}

// TestUploaders tries those who share the uploads: one may write, one only read, one sees nothing.
func TestUploaders(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.env["DRIVE_UPLOADERS"] = "a@example.org,b@example.org,c@example.org"
	want(t, c.look(), "uploader a@example.org", doctor.StateWarn, "drive_folder")

	folder, _ := c.drive(
		"files",
		`{"name": "Lectures", "mimeType": "application/vnd.google-apps.folder"}`,
	)["id"].(string)
	c.drive(
		"files/"+folder+"/permissions",
		`{"role": "writer", "type": "user", "emailAddress": "a@example.org"}`,
	)
	c.drive(
		"files/"+folder+"/permissions",
		`{"role": "reader", "type": "user", "emailAddress": "b@example.org"}`,
	)
	c.room(nvr.Room{
		Name:       "504",
		MainSource: "10.0.0.24",
		Drive:      "https://drive.google.com/drive/folders/" + folder,
	})
	found := c.look()
	want(t, found, "room 504 folder", doctor.StateOK)
	want(t, found, "uploader a@example.org", doctor.StateOK, "folders checked: 1")
	want(
		t,
		found,
		"uploader b@example.org",
		doctor.StateFail,
		"may not write to folder Lectures",
		"shared drive",
	)
	want(t, found, "uploader c@example.org", doctor.StateFail, "cannot see folder", folder)

	file, _ := c.drive("files", `{"name": "Notes", "mimeType": "text/plain"}`)["id"].(string)
	c.drive(
		"files/"+file+"/permissions",
		`{"role": "writer", "type": "user", "emailAddress": "a@example.org"}`,
	)
	c.room(nvr.Room{
		Name:       "505",
		MainSource: "10.0.1.24",
		Drive:      "https://drive.google.com/drive/folders/" + file,
	})
	found = c.look()
	want(t, found, "room 505 folder", doctor.StateFail, "Notes is not a folder", "nvr@example.org")
	want(t, found, "uploader a@example.org", doctor.StateFail, "Notes is not a folder")

	c.must(c.faults.Add(faults.Rule{
		API:    "drive",
		Method: "files.generateIds",
		Rate:   1,
		Kind:   faults.Broken,
	}))
	want(t, c.look(), "uploader a@example.org", doctor.StateFail, "DRIVE_UPLOADERS")
}

// drive makes something on Drive as its user.
func (c *doctorEnv) drive(path, body string) map[string]any {
	c.Helper()
	request, err := http.NewRequestWithContext(
		c.Context(),
		http.MethodPost,
		c.env["WORKSPACE_ENDPOINT"]+"/drive/v3/"+path,
		strings.NewReader(body),
	)
	c.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Workspace-User", "nvr@example.org")
	res, err := http.DefaultClient.Do(request)
	c.must(err)
	answer := map[string]any{}
	c.must(errors.Join(json.NewDecoder(res.Body).Decode(&answer), res.Body.Close()))
	return answer
}

func TestDatabaseThatIsNotMigrated(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.must(c.db.Schema.Rollback(c.Context()))
	want(t, c.look(), "database", doctor.StateFail, "migrate")
}

func TestADumpOverAMigratedDatabase(t *testing.T) {
	t.Parallel()
	c := open(t)
	db, err := sql.Open("sqlite", strings.TrimPrefix(c.env["DATABASE"], "sqlite:"))
	c.must(err)
	for _, statement := range []string{`create table dump as select id, done, processing from records`, `drop table records`, `alter table dump rename to records`} {
		_, err := db.ExecContext(c.Context(), statement)
		c.must(err)
	}
	c.must(db.Close())
	want(t, c.look(), "database", doctor.StateFail, "dump", "down")
}

func TestNoDatabase(t *testing.T) {
	t.Parallel()
	c := open(t)
	dir := t.TempDir()
	c.env["DATABASE"] = "sqlite:" + filepath.Join(dir, "nvr.db")
	want(t, c.look(), "database", doctor.StateFail, dir, "migrate")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the doctor left %v (%v)", left, err)
	}
}

func TestRemediesFitTheCause(t *testing.T) {
	t.Parallel()
	c := open(t)
	file := filepath.Join(t.TempDir(), "nvr.db")
	c.must(os.WriteFile(
		file,
		[]byte("something else, of the length of a page's head, or a bit more than that, to be sure of it"),
		0o600,
	))
	c.env["DATABASE"] = "sqlite:" + file
	delete(c.env, "WORKSPACE_ENDPOINT")
	found := c.look()
	want(
		t,
		found,
		"database",
		doctor.StateFail,
		"not a database",
		"replace a damaged file with a backup",
	)
	want(t, found, "workspace as stage", doctor.StateFail, "set DELEGATE")
}

// unset returns the findings of a configuration without a database while serve is down.
func unset(t *testing.T) []doctor.Finding {
	t.Helper()
	d := &doctor.Doctor{Config: &config.Config{}, Down: true, Now: time.Now}
	findings := d.Run(t.Context())
	return []doctor.Finding{findings[0], findings[len(findings)-1]}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"en": "fail  configuration  DATABASE is not set → set it to the address of the database, or use --data DIR\n" +
			"warn  serve          not running; buckets, messages and the Workspace were not checked → local serve --data DIR\n",
		"ru": "fail  configuration  переменная DATABASE не задана → " +
			"укажите в ней адрес базы данных или используйте --data DIR\n" +
			"warn  serve          не запущен; хранилище, сообщения и Workspace не проверены → local serve --data DIR\n",
	} {
		var text bytes.Buffer
		if err := doctor.Print(&text, unset(t), i18n.Default().For(tag)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, text.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
}

func TestPrintJSON(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := doctor.PrintJSON(&text, unset(t)[:1], i18n.Default()); err != nil {
		t.Fatal(err)
	}
	want := `{
  "ok": false,
  "findings": [
    {
      "state": "fail",
      "what": "configuration",
      "code": "database-unset",
      "detail": {
        "en": "DATABASE is not set",
        "ru": "переменная DATABASE не задана"
      },
      "way": {
        "en": "set it to the address of the database, or use --data DIR",
        "ru": "укажите в ней адрес базы данных или используйте --data DIR"
      }
    }
  ]
}
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRemediesHaveTexts checks that no text of a finding has an unknown key or argument, which the
// catalogue shows in double brackets.
func TestRemediesHaveTexts(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.room(nvr.Room{Name: "505", MainSource: "camera"})
	c.env["DRIVE_UPLOADERS"] = "a@example.org"
	for _, f := range c.look() {
		for _, tag := range i18n.Default().Languages() {
			l := i18n.Default().For(tag)
			if text := l.Cause(f.Cause) + f.Way.Text(l); strings.Contains(text, "[[") {
				t.Errorf("%s in %s: %s", f.What, tag, text)
			}
		}
	}
}
