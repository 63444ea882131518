package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// edit changes the request of record 1 as a person does.
func (w *env) edit(change func(*nvr.Record)) {
	w.t.Helper()
	db := w.database()
	_, err := db.Requests.Edit(context.Background(), 1, func(r nvr.Record) (nvr.Record, error) {
		change(&r)
		return r, nil
	})
	w.must(errors.Join(err, db.Close()))
}

// trim lets the video start 7 s later, and leaves no former version.
func trim(r *nvr.Record) { r.Edits = nvr.Edits{StartAfter: 7, Forget: true} }

// driveRevisions returns how many contents of a file Drive has.
func (w *env) driveRevisions(id string) int {
	w.t.Helper()
	return len(list(w.call("GET", "/workspace/drive/v3/files/"+id+"/revisions", nil)["revisions"]))
}

// revised tells the story of a record that was delivered and then trimmed, and photographs each step of the
// revision.
func revised(t *testing.T) (s *trace, fileID string) {
	t.Helper()
	w := newEnv(t)
	s = &trace{scenes: map[string]snapshot{}, course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(recordOf(s.event))
	fileID = w.until().FileID
	before := w.facts(s.event, s.course)
	if wrong := before.once(""); wrong != "" {
		t.Fatal(wrong)
	}
	parts := len(w.objects("work", "1/parts/"))
	w.edit(trim)
	w.posts = map[string]int{}
	s.walk(w)
	s.md5 = w.facts(s.event, s.course).md5
	if s.md5 == before.md5 {
		t.Error("the video is the former one")
	}
	if made := len(w.objects("work", "1/parts/")) - parts; made != 1 {
		t.Errorf("the trim rendered %d parts, want 1", made)
	}
	if wrong := w.revision(s, fileID); wrong != "" {
		t.Fatal(wrong)
	}
	w.frames(53 * 25)
	return s, fileID
}

// revision returns what is wrong with the revision; empty if it was delivered exactly once.
func (w *env) revision(s *trace, fileID string) string {
	w.t.Helper()
	wrong := []string{w.facts(s.event, s.course).once(s.md5)}
	expect := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %v, want %v", what, got, want))
		}
	}
	rec := w.row()
	expect("revision", rec.Revision, int64(2))
	expect("file", rec.FileID, fileID)
	expect("notices of the first version", w.posts["record-1-done"], 0)
	expect("contents on Drive", w.driveRevisions(fileID), 1)
	file := w.call("GET", "/workspace/drive/v3/files/"+fileID+"?fields=appProperties", nil)
	properties, _ := file["appProperties"].(map[string]any)
	expect("nvrRevision", properties["nvrRevision"], "2")
	return strings.Trim(strings.Join(wrong, "\n"), "\n")
}

// TestRevisionKills kills the process at points of each step of a revision. In the end the same file holds
// the trimmed video, and nothing was shared, attached, posted or told twice.
func TestRevisionKills(t *testing.T) {
	t.Parallel()
	s, fileID := revised(t)
	for _, name := range s.order {
		if testing.Short() && strings.HasPrefix(name, "merge") {
			continue
		}
		points := int64(12)
		switch {
		case *allKills:
			points = 1 << 20
		case strings.HasPrefix(name, "merge"), testing.Short():
			points = 2
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total := s.count(t, name)
			step := max(1, total/points)
			for at := step / 2; at <= total; at += step {
				w := open(t, s.scenes[name].copy(t))
				a := w.next()
				_ = w.live(&process{at: max(at, 1)}, a.do)
				w.recover()
				if wrong := w.revision(s, fileID); wrong != "" {
					t.Errorf("%s killed at point %d:\n%s", name, at, wrong)
				}
			}
		})
	}
}

// TestExpiredPartsAreCleared delivers a record beside one whose footage is gone. The parts of that one are removed,
// and are not looked for a second time.
func TestExpiredPartsAreCleared(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	w.insert(func(r *nvr.Record) { r.Date = "2026-11-03" })
	w.sql(`update records set step = 'done', done = 1 where id = 2`)
	for _, name := range []string{"2/parts/a.json", "2/media/b", "2/plans/c.json"} {
		w.putBytes("work", name, []byte("x"))
	}
	w.until()
	if left := w.objects("work", "2/"); !slices.Equal(left, []string{"2/plans/c.json"}) {
		t.Errorf("left are %v", left)
	}
	w.putBytes("work", "2/media/later", []byte("x"))
	w.edit(func(r *nvr.Record) { r.Title = "Анализ" })
	w.until()
	if left := w.objects("work", "2/media/"); len(left) != 1 {
		t.Errorf("looked for again: left are %v", left)
	}
}

// TestRevisionOfTitle changes the title alone: nothing is rendered, and the file gets the new title.
func TestRevisionOfTitle(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	first := w.until()
	parts := w.generations("work", "1/parts/")
	w.edit(func(r *nvr.Record) { r.Title = "Анализ" })
	if rec := w.row(); rec.Step != nvr.StepStage || rec.Done || rec.Revision != 2 || rec.Link != first.Link {
		t.Errorf("after the edit: %+v", rec)
	}
	rec := w.until()
	if rec.Step != nvr.StepDone || rec.FileID != first.FileID || rec.Digest != first.Digest {
		t.Errorf("in the end: %+v", rec)
	}
	if now := w.generations("work", "1/parts/"); fmt.Sprint(now) != fmt.Sprint(parts) {
		t.Errorf("parts %v, want %v", now, parts)
	}
	if body := string(w.download(rec.FileID)); !strings.Contains(body, "Анализ") || strings.Contains(body, "Алгебра") {
		t.Error("the file does not have the new title")
	}
	if n := w.driveRevisions(rec.FileID); n != 2 {
		t.Errorf("%d contents on Drive, want the former one, too", n)
	}
	if w.posts["record-1-done"] != 1 || w.posts["record-1-revised-2"] != 1 || len(w.posts) != 2 {
		t.Errorf("notices %v", w.posts)
	}
}
