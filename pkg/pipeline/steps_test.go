package pipeline_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
)

// sql runs a statement as an operator would.
func (w *env) sql(statement string, args ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "nvr.db"))
	w.must(err)
	_, err = db.ExecContext(w.t.Context(), statement, args...)
	w.must(errors.Join(err, db.Close()))
}

func (w *env) claim() {
	w.t.Helper()
	w.ended()
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		return p.Claim(ctx)
	}))
}

// TestBadRows: what makes no sense is failed with a reason and one notice, at once.
func TestBadRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*nvr.Record)
		reason cause.Code
	}{
		"unknown room": {func(r *nvr.Record) { r.Room = "505" }, cause.CodeUnknownRoom},
		"a nonsense date": {
			func(r *nvr.Record) { r.Date = "2026-02-30" },
			cause.CodeBadTimes,
		},
		"a nonsense time": {
			func(r *nvr.Record) { r.StartTime = "25:99" },
			cause.CodeBadTimes,
		},
		"an empty date": {func(r *nvr.Record) { r.Date = "" }, cause.CodeBadTimes},
		"end before the start": {
			func(r *nvr.Record) { r.StartTime, r.EndTime = "15:01", "15:00" },
			cause.CodeBadTimes,
		},
		"end at the start": {
			func(r *nvr.Record) { r.EndTime = r.StartTime },
			cause.CodeBadTimes,
		},
		"a room of no cameras": {func(r *nvr.Record) { r.Room = "empty" }, cause.CodeNoCameras},
		"yesterday, no footage": {
			func(r *nvr.Record) { r.Date = "2026-11-19" },
			cause.CodeNoFootage,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			db := w.database()
			_, err := db.Rooms.Save(t.Context(), nvr.Room{Name: "empty"})
			w.must(errors.Join(err, db.Close()))
			w.insert(c.change)
			rec := w.until()
			if rec.Step != nvr.StepFailed || !rec.Reason.Is(c.reason) || rec.Done || rec.Processing {
				t.Errorf("%+v", rec)
			}
			w.claim()
			if w.posts["record-1-failed"] != 1 || len(w.posts) != 1 {
				t.Errorf("notices %v", w.posts)
			}
		})
	}
}

// TestClaimSendsDeferredNotices fails a record in a process that reaches no address but Google's.
func TestClaimSendsDeferredNotices(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.DeferNotices = true
	w.insert(func(r *nvr.Record) { r.Date = "2026-11-19" }) // without footage
	if rec := w.until(); rec.Step != nvr.StepFailed || len(w.posts) != 0 {
		t.Errorf("the record is on step %s, with the notices %v", rec.Step, w.posts)
	}
	w.settings.DeferNotices = false // claim's own process
	w.claim()
	if w.posts["record-1-failed"] != 1 || len(w.posts) != 1 {
		t.Errorf("claim sends the notices %v", w.posts)
	}
}

// TestWaiting: what is not due yet is left alone, what lacks segments is given back without a try, and
// after the waiting time what there is is merged.
func TestWaiting(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(func(r *nvr.Record) {
		r.StartTime, r.EndTime = "15:00", "15:10"
	}) // 15:01 to 15:10 will never come
	w.claim()
	rec := w.row()
	if due := time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC); !rec.DueAt.Equal(due) || rec.Attempt != 0 || rec.Processing || len(w.queue) != 0 {
		t.Fatalf("before it is due: %+v", rec)
	}
	w.clock.Move(8 * time.Minute)
	w.claim()
	w.must(w.live(&process{}, w.next().do))
	rec = w.row()
	if rec.Step != nvr.StepStage || rec.Processing || rec.Tries != 0 || !rec.DueAt.Equal(w.clock.Now().Add(5*time.Minute)) || rec.Reason.Args()["files"] != json.Number("18") {
		t.Fatalf("waiting: %+v", rec)
	}
	w.clock.Move(time.Hour)
	w.claim()
	w.must(w.live(&process{}, w.next().do))
	if rec = w.row(); rec.Step != nvr.StepMerge {
		t.Errorf("after the wait: %+v", rec)
	}
}

// TestStaleMessages: a message that the row knows nothing of changes nothing and is settled.
func TestStaleMessages(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	w.claim()
	before := w.row()
	for name, c := range map[string]nvr.Claim{
		"an older attempt":  {Record: 1, Attempt: 0, Step: nvr.StepStage},
		"a newer attempt":   {Record: 1, Attempt: 9, Step: nvr.StepStage},
		"another turn":      {Record: 1, Attempt: 1, Continuation: 3, Step: nvr.StepStage},
		"another step":      {Record: 1, Attempt: 1, Step: nvr.StepUpload},
		"an unknown record": {Record: 99, Attempt: 1, Step: nvr.StepLink},
	} {
		if err := w.live(&process{}, deliver(c).do); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := w.row(); after != before {
		t.Errorf("%+v\nwant\n%+v", after, before)
	}
	for _, kill := range []nvr.Claim{
		{Record: 1, Attempt: 0, Step: nvr.StepStage},
		{Record: 99, Attempt: 1, Step: nvr.StepLink},
	} {
		w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
			return p.Fail(ctx, kill, "dead")
		}))
	}
	if after := w.row(); after != before {
		t.Errorf("after dead letters of another attempt: %+v", after)
	}
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		_, _, err := p.Store.Leases.Enter(ctx, before.Claim(), "somebody", time.Minute)
		w.must(err)
		if err := p.Stage(ctx, before.Claim()); !errors.Is(err, pipeline.ErrHeld) {
			t.Errorf("held: %v", err)
		}
		return p.Fail(ctx, before.Claim(), "dead")
	}))
	if after := w.row(); after.Step != nvr.StepStage || after.Holder != "somebody" {
		t.Errorf("a dead letter of a record that is worked on: %+v", after)
	}
	w.clock.Move(2 * time.Minute)
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		return p.Fail(ctx, before.Claim(), "dead")
	}))
	if after := w.row(); after.Step != nvr.StepFailed || w.posts["record-1-failed"] != 1 {
		t.Errorf("a dead letter where it still stands: %+v %v", after, w.posts)
	}
}

// TestTriesRunOut: a bucket or a Drive that cannot be listed is an error, never "no footage"; the fifth
// fails the record, with a notice.
func TestTriesRunOut(t *testing.T) {
	t.Parallel()
	for _, rule := range []faults.Rule{
		{API: "storage", Method: "objects.list", Rate: 1, Kind: faults.Broken},
		{API: "drive", Method: "files.list", Rate: 1, Kind: faults.Broken},
	} {
		t.Run(rule.API, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.must(w.faults.Add(rule))
			w.insert(func(r *nvr.Record) { r.Date = "2026-11-19" })
			for try := int64(1); try < store.MaxTries; try++ {
				w.claim()
				w.must(w.live(&process{}, w.next().do))
				rec := w.row()
				if rec.Step != nvr.StepStage || rec.Tries != try || rec.Cause == "" || !rec.Reason.Is(cause.CodeWillRetry) {
					t.Fatalf("try %d: %+v", try, rec)
				}
				w.clock.Move(10 * time.Minute)
			}
			w.claim()
			w.must(w.live(&process{}, w.next().do))
			rec := w.row()
			if rec.Step != nvr.StepFailed || rec.FailedStep != nvr.StepStage || rec.Reason.Is(cause.CodeNoFootage) || w.posts["record-1-failed"] != 1 {
				t.Errorf("%+v %v", rec, w.posts)
			}
		})
	}
}

// TestDriveSegments: what the bucket lacks comes from Drive, the newest complete one of several.
func TestDriveSegments(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s, err := sharedOnce()
	w.must(err)
	for object, path := range s.files {
		_, _ = w.ask(
			"DELETE",
			"/storage/v1/b/segments/o/"+strings.ReplaceAll(
				strings.ReplaceAll(object, "/", "%2F"),
				":",
				"%3A",
			),
			nil,
		)
		name := filepath.Base(path)
		for range 2 {
			w.driveFile(name, path)
			w.clock.Move(time.Second)
		}
	}
	if left := w.objects("segments", ""); len(left) != 0 {
		t.Fatalf("left %v", left)
	}
	w.insert(nil)
	if rec := w.until(nvr.StepMerge); rec.Step != nvr.StepMerge {
		t.Fatalf("%+v", rec)
	}
	if got := w.objects("segments", "504/"); len(got) != 2 {
		t.Errorf("in the bucket: %v", got)
	}
	if got := w.objects("work", "copies/"); len(got) != 0 {
		t.Errorf("chunks are left: %v", got)
	}
}

// uploadScene is a world whose record stands before its upload.
func uploadScene(t *testing.T, event string) (*env, string) {
	w := newEnv(t)
	id := ""
	if event != "" {
		id = w.event(event)
	}
	w.insert(func(r *nvr.Record) { r.EventID = id; r.Title = `"Q" 'q' \ 🎓 שלום <b>` })
	w.until(nvr.StepUpload)
	return w, id
}

// TestEnds: what may happen to the event, the course and the share while the video is on its way.
func TestEnds(t *testing.T) {
	t.Parallel()
	w, event := uploadScene(t, "поток: ALG")
	before := w.save()
	path := "/workspace" + eventsPath("504") + "/" + event
	begin := func(t *testing.T) *env { return open(t, before.copy(t)) }
	t.Run("the event is cancelled before the share", func(t *testing.T) {
		w := begin(t)
		w.call("DELETE", path, nil)
		rec := w.until()
		f := w.facts("", "")
		if rec.Step != nvr.StepWithdrawn || f.videos != 0 || f.shares != 0 || f.notices != 0 || rec.Done || rec.Processing || !rec.Reason.Is(cause.CodeEventWithdrawn) {
			t.Errorf("%+v", f)
		}
	})
	t.Run("the event is deleted after the upload", func(t *testing.T) {
		w := begin(t)
		w.until(nvr.StepLink)
		w.call("DELETE", path, nil)
		rec := w.until()
		if rec.Step != nvr.StepDone || !strings.Contains(rec.Course, `"code":"event-gone"`) || w.posts["record-1-done"] != 1 {
			t.Errorf("%+v %v", rec, w.posts)
		}
	})
	for how, method := range map[string]string{"thrown away": "PATCH", "deleted": "DELETE"} {
		t.Run("the video is "+how+" before it is linked", func(t *testing.T) {
			w := begin(t)
			first := w.until(nvr.StepLink)
			w.call(
				method,
				"/workspace/drive/v3/files/"+first.FileID,
				map[string]any{"trashed": true},
			)
			rec := w.until()
			if rec.Step != nvr.StepFailed || rec.FailedStep != nvr.StepUpload || !rec.Reason.Is(cause.CodeVideoGone) || w.posts["record-1-failed"] != 1 {
				t.Fatalf("%+v %v", rec, w.posts)
			}
			db := w.database()
			w.must(errors.Join(db.Requests.Retry(t.Context(), 1), db.Close()))
			w.claim()
			rec = w.until()
			if f := w.facts(event, ""); rec.Step != nvr.StepDone || rec.FileID == first.FileID || f.videos != 1 || f.attachments != 1 || f.shares != 1 || w.posts["record-1-done"] != 1 || rec.Tries != 0 {
				t.Errorf("once more: %+v", f)
			}
		})
	}
	t.Run("no such course", func(t *testing.T) {
		w := begin(t)
		if rec := w.until(); rec.Step != nvr.StepDone || !strings.Contains(rec.Course, `"code":"course-not-found"`) || w.posts["record-1-done"] != 1 {
			t.Errorf("%+v", rec)
		}
	})
	t.Run("several courses", func(t *testing.T) {
		w := begin(t)
		a, b := w.course("ALG"), w.course("ALG")
		if rec := w.until(); rec.Step != nvr.StepDone || !strings.Contains(rec.Course, "Several courses") {
			t.Errorf("%+v", rec)
		}
		if n := w.facts("", a).posts + w.facts("", b).posts; n != 0 {
			t.Errorf("%d announcements", n)
		}
	})
	t.Run("the merge is gone", func(t *testing.T) {
		if testing.Short() {
			t.Skip("renders")
		}
		w := begin(t)
		for _, name := range w.objects("work", "1/merges/") {
			_, _ = w.ask(
				"DELETE",
				"/storage/v1/b/work/o/"+strings.ReplaceAll(name, "/", "%2F"),
				nil,
			)
		}
		w.must(w.live(&process{}, w.next().do))
		if rec := w.row(); rec.Step != nvr.StepStage || !rec.Processing {
			t.Errorf("%+v", rec)
		}
		if rec := w.until(); rec.Step != nvr.StepDone {
			t.Errorf("%+v", rec)
		}
	})
	t.Run("again, by hand", func(t *testing.T) {
		if testing.Short() {
			t.Skip("renders")
		}
		again(t, begin(t), event)
	})
}

// again resets a finished row as an operator does, and changes what it asks for.
func again(t *testing.T, w *env, event string) {
	course := w.course("ALG")
	first := w.until()
	f := w.facts(event, course)
	if wrong := f.once(""); wrong != "" {
		t.Fatal(wrong)
	}
	w.sql("update records set done = 0, processing = 0 where id = 1")
	w.settings.FPS = 30 // another video
	w.clock.Move(time.Minute)
	w.claim()
	if rec := w.row(); rec.Step != nvr.StepStage || rec.Attempt != first.Attempt+1 || !rec.Processing {
		t.Fatalf("a reset row is not taken: %+v", rec)
	}
	w.recover()
	g := w.facts(event, course)
	if wrong := g.once(""); wrong != "" {
		t.Fatal(wrong)
	}
	if g.row.FileID != first.FileID || g.row.Digest == first.Digest || g.md5 == f.md5 {
		t.Errorf(
			"file %s, was %s; digest %s, was %s; md5 %s, was %s",
			g.row.FileID, first.FileID, g.row.Digest, first.Digest, g.md5, f.md5,
		)
	}
	if name := w.call("GET", "/workspace/drive/v3/files/"+first.FileID+"?fields=name", nil)["name"]; !strings.HasPrefix(name.(string), `2026-11-20 15:00-15:01 504 "Q" 'q' \ 🎓 שלום`) {
		t.Errorf("name %q", name)
	}
}

// driveFile puts a file on Drive.
func (w *env) driveFile(name, path string) {
	w.t.Helper()
	text := w.read(path)
	made := w.call("POST", "/workspace/drive/v3/files", map[string]any{
		"name":     name,
		"mimeType": "video/mp4",
	})["id"].(string)
	request, err := http.NewRequestWithContext(
		w.t.Context(),
		http.MethodPatch,
		w.base+"/workspace/upload/drive/v3/files/"+made+"?uploadType=media",
		bytes.NewReader(text),
	)
	w.must(err)
	request.Header.Set("Content-Type", "video/mp4")
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	w.must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		w.t.Fatal(response.Status)
	}
}
