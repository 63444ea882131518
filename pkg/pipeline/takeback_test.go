package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// person does something to record 1 as the page and the API do.
func (w *env) person(do func(context.Context, *store.Store) error) {
	w.t.Helper()
	db := w.database()
	w.must(errors.Join(do(context.Background(), db), db.Close()))
}

func (w *env) takeBack() {
	w.t.Helper()
	w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.TakeBack(ctx, 1, false) })
}

func (w *env) restore() {
	w.t.Helper()
	w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.Restore(ctx, 1, false) })
}

// takenBack returns what is wrong with a record that is taken back; empty if nothing of it can be reached.
func (w *env) takenBack(s *trace, fileID string) string {
	w.t.Helper()
	var wrong []string
	expect := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %v, want %v", what, got, want))
		}
	}
	f := w.facts(s.event, s.course)
	expect("step", f.row.Step, nvr.StepWithdrawn)
	expect("done", f.row.Done, false)
	expect("file", f.row.FileID, fileID)
	expect("reason", string(f.row.Reason.Code()), "taken-back")
	expect("videos", f.videos, 0)
	expect("attachments", f.attachments, 0)
	expect("announcements", f.posts, 0)
	expect("drafts", f.draft, 0)
	expect("pages", f.pages, 0)
	file := w.call("GET", "/workspace/drive/v3/files/"+fileID+"?fields=trashed,permissions", nil)
	expect("trashed", file["trashed"], true)
	expect("permissions", len(list(file["permissions"])), 1) // the owner's
	return strings.Join(wrong, "\n")
}

// delivered returns a world in which record 1 is done.
func delivered(t *testing.T) (w *env, s *trace, fileID string) {
	t.Helper()
	w = newEnv(t)
	s = &trace{scenes: map[string]snapshot{}, course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(recordOf(s.event))
	fileID = w.until().FileID
	f := w.facts(s.event, s.course)
	if wrong := f.once(""); wrong != "" {
		t.Fatal(wrong)
	}
	s.md5 = f.md5
	return w, s, fileID
}

// TestTakeBackKills takes a delivered video back, and then restores it. It kills the process at points of both. In
// the end nothing of the video can be reached, or everything is as it was delivered, and no notice was sent twice.
func TestTakeBackKills(t *testing.T) {
	t.Parallel()
	w, s, fileID := delivered(t)
	w.takeBack()
	taking := &trace{scenes: map[string]snapshot{}}
	taking.walk(w)
	if wrong := w.takenBack(s, fileID); wrong != "" {
		t.Fatal(wrong)
	}
	w.restore()
	restoring := &trace{scenes: map[string]snapshot{}}
	restoring.walk(w)
	if wrong := w.facts(s.event, s.course).once(s.md5); wrong != "" {
		t.Fatal(wrong)
	}
	for what, each := range map[string]*trace{"taking back": taking, "restoring": restoring} {
		for _, name := range each.order {
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				each.killAt(t, name, func(w *env, at int64) {
					var wrong string
					if each == taking {
						wrong = w.takenBack(s, fileID)
					} else {
						wrong = w.facts(s.event, s.course).once(s.md5)
					}
					if wrong != "" || w.posts["record-1-done"] != 1 {
						t.Errorf("killed at point %d: %v\n%s", at, w.posts, wrong)
					}
				})
			})
		}
	}
}

// TestTakeBackMeanwhile takes a video back while it is linked, and restores it while it is being taken back.
func TestTakeBackMeanwhile(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("many links")
	}
	w := newEnv(t)
	s := &trace{course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(recordOf(s.event))
	fileID := w.until(nvr.StepLink).FileID
	scene := w.save()
	l := &process{}
	w.must(w.live(l, w.next().do))
	for at := int64(1); at <= l.passed.Load(); at += max(1, l.passed.Load()/2) {
		w := open(t, scene.copy(t))
		a := w.next()
		_ = w.live(&process{at: at}, a.do)
		w.takeBack()
		w.queue = append(w.queue, a.claim) // the message comes again
		for range 3 {
			a = w.next()
			_ = w.live(&process{}, a.do)
			w.after(a)
		}
		w.recover()
		if wrong := w.takenBack(s, fileID); wrong != "" {
			t.Errorf("taken back after a kill at point %d:\n%s", at, wrong)
		}
		w.restore()
		w.takeBack()
		w.restore()
		w.recover()
		if wrong := w.facts(s.event, s.course).once(""); wrong != "" {
			t.Errorf("restored after a kill at point %d:\n%s", at, wrong)
		}
	}
}

// TestRestoreOfADeletedFile restores a video that Drive has deleted: it is made again under another link.
func TestRestoreOfADeletedFile(t *testing.T) {
	t.Parallel()
	w, s, fileID := delivered(t)
	w.takeBack()
	w.until()
	w.call("DELETE", "/workspace/drive/v3/files/"+fileID, nil)
	w.restore()
	rec := w.until()
	if wrong := w.facts(s.event, s.course).once(s.md5); wrong != "" || rec.FileID == fileID {
		t.Error(rec.FileID, wrong)
	}
}

// TestRevisionOfCourse changes the course of a delivered video, and kills the process at points of the link that
// follows: the video is posted in the new course alone, once, and not uploaded again. Then the course is unknown, and
// then there is none.
func TestRevisionOfCourse(t *testing.T) {
	t.Parallel()
	w, s, fileID := delivered(t)
	other := w.course("OTHER")
	choose := func(w *env, course string) {
		w.edit(func(r *nvr.Record) { r.Edits.Course = &course })
	}
	choose(w, "OTHER")
	if rec := w.row(); rec.Step != nvr.StepLink || !rec.Done || rec.Revision != 2 {
		t.Fatalf("after the edit: %+v", rec)
	}
	s.walk(w)
	posted := func(w *env, old, now int, name string) {
		t.Helper()
		a, b := w.facts(s.event, s.course), w.facts(s.event, other)
		if a.posts != old || b.posts != now || a.draft+b.draft != 0 || a.attachments != 1 || a.shares != 1 ||
			a.row.Step != nvr.StepDone || a.row.FileID != fileID || a.row.Course != name || a.md5 != s.md5 {
			t.Errorf("posts %d and %d, want %d and %d: %+v", a.posts, b.posts, old, now, a)
		}
	}
	posted(w, 0, 1, "OTHER")
	for _, name := range s.order {
		s.killAt(t, name, func(w *env, _ int64) { posted(w, 0, 1, "OTHER") })
	}
	choose(w, "NONE")
	if rec := w.until(); !i18n.ReadReason(rec.Course).Is(cause.CodeCourseNotFound) {
		t.Errorf("an unknown course: %q", rec.Course)
	}
	choose(w, "ALG")
	w.until()
	posted(w, 1, 0, "ALG")
	choose(w, "")
	w.until()
	posted(w, 0, 0, "")
}

// TestPost posts a video again that a person deleted from its course, and one that is there.
func TestPost(t *testing.T) {
	t.Parallel()
	w, s, _ := delivered(t)
	path := "/workspace/classroom/v1/courses/" + s.course + "/announcements"
	for range 2 {
		for _, post := range list(w.call("GET", path, nil)["announcements"]) {
			w.call("DELETE", path+"/"+post["id"].(string), nil)
		}
		for range 2 {
			w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.Post(ctx, 1) })
			w.until()
			if wrong := w.facts(s.event, s.course).once(s.md5); wrong != "" {
				t.Error(wrong)
			}
		}
	}
}
