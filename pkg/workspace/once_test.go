package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/classroom/v1"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// effects is all that a record leaves in Google, made as the steps make it: what must outlive a worker
// is in the fields, as it would be in the row.
type effects struct {
	w        *env
	room     string // the folder
	event    string
	course   workspace.Course
	folder   string
	file     string
	uploaded bool
	post     string
}

func newEffects(w *env, n int) *effects {
	w.t.Helper()
	made := w.course(&classroom.Course{Name: "Алгебра"})
	return &effects{
		w:      w,
		room:   fmt.Sprint("room", n),
		course: workspace.Course{ID: made.Id, Owner: made.OwnerId},
		event: w.event(
			teacher,
			teacher,
			&calendar.Event{
				Summary:   "Lecture",
				Attendees: []*calendar.EventAttendee{{Email: roomCalendar}},
			},
		).Id,
	}
}

// work takes all effects as far as it comes.
func (e *effects) work(ctx context.Context, c *workspace.Client) (err error) {
	content := noise(600_000)
	if e.folder, err = c.EnsureFolder(ctx, e.room, "2026-11-20", "504/2026-11-20"); err != nil {
		return err
	}
	if e.file == "" {
		if e.file, err = c.GenerateID(ctx, 1); err != nil {
			return err
		}
	}
	if !e.uploaded {
		u := workspace.Upload{FileID: e.file, Parent: e.folder, Name: "a.mp4", MIME: "video/mp4"}
		if err := send(ctx, c, u, content, 512<<10, nil); err != nil {
			return err
		}
		e.uploaded = true
	}
	if _, err := c.Share(ctx, e.file, "student@school.example"); err != nil {
		return err
	}
	file, err := c.Stat(ctx, e.file)
	if err != nil {
		return err
	}
	at := workspace.Attachment{FileID: file.ID, URL: file.Link, Title: file.Name, MIME: file.MIME}
	if err := c.Attach(ctx, roomCalendar, e.event, at, "ru"); err != nil {
		return err
	}
	_, err = c.Announce(ctx, e.course, "Видео", file, e.post, func(id string) error {
		e.post = id
		return ctx.Err()
	})
	return err
}

// check counts the effects: one of each.
func (e *effects) check(t *testing.T) {
	t.Helper()
	if n := len(e.w.files(" and '" + e.room + "' in parents")); n != 1 {
		t.Errorf("%d folders", n)
	}
	if n := len(e.w.files(" and mimeType = 'video/mp4' and '" + e.folder + "' in parents")); n != 1 {
		t.Errorf("%d files", n)
	}
	shares := map[string]int{}
	for _, p := range e.w.permissions(e.file) {
		shares[p.EmailAddress]++
	}
	if len(shares) != 3 || shares["student@school.example"] != 1 || shares[teacher] != 1 || shares[uploader] != 1 {
		t.Errorf("shares %v", shares)
	}
	for _, in := range []string{teacher, roomCalendar} {
		if n := len(e.w.readEvent(in, e.event).Attachments); n != 1 {
			t.Errorf("%d attachments in %s", n, in)
		}
	}
	if list := e.w.announcements(e.course.ID); len(list) != 1 || list[0].State != "PUBLISHED" {
		t.Errorf("announcements %+v", list)
	}
}

func (w *env) worker(transport http.RoundTripper) *workspace.Client {
	w.t.Helper()
	return client(w.t, workspace.Options{
		Endpoint:  w.base,
		Subjects:  workspace.Subjects{Drive: uploader, Calendar: roomUser},
		Scale:     1000,
		Now:       time.Now,
		Transport: transport,
	})
}

// TestEachFaultAtEachCall fails the n-th call in each way, for every n.
func TestEachFaultAtEachCall(t *testing.T) {
	t.Parallel()
	for _, kind := range []faults.Kind{faults.Lost, faults.Cut, faults.Broken} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			if testing.Short() && kind != faults.Lost {
				t.Skip("only lost answers in short mode")
			}
			w := begin(t, google.Options{})
			for n := 1; ; n++ {
				e := newEffects(w, n)
				w.faults.Clear()
				w.rule(faults.Rule{API: faults.Any, Method: faults.Any, Nth: int64(n), Kind: kind})
				if err := e.work(t.Context(), e.w.worker(nil)); err != nil {
					t.Errorf("call %d: %v", n, err)
				}
				if e.check(t); t.Failed() {
					t.Fatalf("call %d", n)
				}
				if w.faults.Rules()[0].Hits == 0 {
					t.Logf("%d calls", n-1)
					return
				}
			}
		})
	}
}

var errKilled = errors.New("killed")

// killer ends a worker at its n-th call: before it goes out, or after it took effect.
type killer struct {
	under http.RoundTripper
	left  int
	after bool
	kill  context.CancelCauseFunc
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.left--
	if k.left > 0 {
		return k.under.RoundTrip(r)
	}
	if k.left == 0 && k.after {
		if response, err := k.under.RoundTrip(r); err == nil {
			_ = response.Body.Close()
		}
	} else if r.Body != nil {
		_ = r.Body.Close()
	}
	k.kill(errKilled)
	return nil, errKilled
}

// TestKilledAtEachCall kills the worker before and after its n-th call, for every n; the next one goes on.
func TestKilledAtEachCall(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%t", after), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{})
			for n := 1; ; n++ {
				e := newEffects(w, n)
				ctx, kill := context.WithCancelCause(t.Context())
				transport := http.DefaultTransport.(*http.Transport).Clone()
				k := &killer{under: transport, left: n, after: after, kill: kill}
				err := e.work(ctx, e.w.worker(k))
				transport.CloseIdleConnections()
				kill(nil)
				if err != nil && !errors.Is(err, errKilled) && !errors.Is(err, context.Canceled) {
					t.Errorf("call %d: %v", n, err)
				}
				if err := e.work(t.Context(), e.w.worker(nil)); err != nil {
					t.Errorf("call %d, the next worker: %v", n, err)
				}
				if e.check(t); t.Failed() {
					t.Fatalf("call %d", n)
				}
				if k.left > 0 {
					t.Logf("%d calls", n-1)
					return
				}
			}
		})
	}
}

// TestWhatARecordCosts counts the requests of a record, also those that one call of this package makes of many.
// A number may fall; one that grows must have a reason.
func TestWhatARecordCosts(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	first := newEffects(w, 1)
	if err := first.work(t.Context(), w.worker(nil)); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		counter := &counter{under: http.DefaultTransport, calls: map[string]int{}}
		e := first
		if !again {
			e = newEffects(w, 2)
		}
		if err := e.work(t.Context(), w.worker(counter)); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{
			"GET files":             2,
			"GET files/generateIds": 2,
			"POST files":            1, // the folder of the day, the file's id
			"POST upload":           1,
			"PUT upload":            2,
			"GET files/ID":          3, // the video, and the drives of two folders, once a process
			"GET permissions":       4,
			"POST permissions":      2, // the student, the teacher
			"GET events":            2,
			"PATCH events":          1, // the room's copy, the organiser's event
			"GET userProfiles":      1,
			"GET announcements":     2,
			"POST announcements":    2,
			"PATCH announcements":   1,
		}
		if again { // a link step that comes a second time
			want = map[string]int{
				"GET files":         2,
				"GET files/ID":      2, // the video, and the drive of a folder
				"GET permissions":   1,
				"GET events":        1,
				"GET userProfiles":  1,
				"GET announcements": 1,
			}
		}
		for call, n := range counter.calls {
			if n > want[call] {
				t.Errorf("again=%t: %d requests %s, want %d", again, n, call, want[call])
			}
		}
		t.Log(counter.calls)
	}
}

// counter counts requests by what they ask for.
type counter struct {
	under http.RoundTripper
	calls map[string]int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(r.URL.Path, "/workspace/")
	name := ""
	for _, known := range []string{"upload", "permissions", "events", "userProfiles", "announcements", "files/generateIds", "files/"} {
		if name == "" && strings.Contains(path, known) {
			name = known
		}
	}
	switch name {
	case "files/":
		name = "files/ID"
	case "":
		name = "files"
	}
	c.calls[r.Method+" "+name]++
	return c.under.RoundTrip(r)
}
