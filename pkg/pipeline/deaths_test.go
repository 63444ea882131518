package pipeline_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/store"
)

const (
	screenName   = "2026-11-20_15:00_504_21.mp4"
	lecturerName = "2026-11-20_15:00_504_24.mp4"
)

// onReading returns a strike that kills a process when it reads one of the segments.
func onReading(files ...string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == http.MethodGet && slices.ContainsFunc(files, func(file string) bool {
			return strings.Contains(r.URL.Path, file)
		})
	}
}

// dieAt runs the world until the record leaves the working steps or comes to step until. Each worker of
// a step dies where strike says. dieAt returns how many workers died.
func (w *env) dieAt(at, until nvr.Step, strike func(*http.Request) bool) (deaths int) {
	w.t.Helper()
	for range 80 {
		rec := w.row()
		if rec.Step == until || !rec.Step.Working() {
			return deaths
		}
		a := w.next()
		l := &process{}
		if a.name == string(at) {
			l.strike = strike
		}
		err := w.live(l, a.do)
		if l.dead.Load() {
			deaths++
			w.retry(a)
		} else {
			w.must(err)
		}
		w.after(a)
	}
	w.t.Fatalf("the record does not end: %+v", w.row())
	return deaths
}

// retry starts the task that died again, as Cloud Run does.
func (w *env) retry(a step) {
	const retries = 3
	if a.name == "merge" && a.task.Retry < retries {
		again := a.task
		again.Retry++
		w.tasks = append([]pipeline.Task{again}, w.tasks...)
	}
}

// TestSegmentThatKillsWorkers makes the record without the segment after five deaths.
func TestSegmentThatKillsWorkers(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	if deaths := w.dieAt(nvr.StepStage, nvr.StepMerge, onReading(screenName)); deaths != store.MaxTries {
		t.Errorf("%d workers died, want %d", deaths, store.MaxTries)
	}
	rec := w.row()
	if rec.Step != nvr.StepMerge {
		t.Fatalf("the record is on step %s: %s", rec.Step, rec.Reason)
	}
	w.wantWithout(screenName)
}

// wantWithout compares the record's plan with one that leaves out a segment, and no other one.
func (w *env) wantWithout(file string) {
	w.t.Helper()
	for _, seg := range w.plan().Segments {
		skipped := seg.Cause == cause.FileStopsWorkers()
		if want := strings.Contains(seg.Path, file); skipped != want {
			w.t.Errorf("segment %s: cause %s", seg.Path, seg.Cause)
		}
	}
}

// TestSegmentThatKillsTasks makes the record without a segment on which only the tasks of the job die.
func TestSegmentThatKillsTasks(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Slice = time.Hour // one task
	w.insert(nil)
	w.until(nvr.StepMerge)
	planned := w.row()
	if deaths := w.dieAt(nvr.StepMerge, nvr.StepUpload, onReading(screenName)); deaths != store.MaxTries {
		t.Errorf("%d tasks died, want %d", deaths, store.MaxTries)
	}
	rec := w.row()
	if rec.Step != nvr.StepUpload || rec.Digest == planned.Digest {
		t.Fatalf("the record is on step %s: %s", rec.Step, rec.Reason)
	}
	w.wantWithout(screenName)
	rec = w.until()
	var made report.Report
	w.must(json.Unmarshal(w.work("1/reports/"+rec.Digest+".json"), &made))
	named := slices.ContainsFunc(made.Gaps, func(gap report.Gap) bool {
		return gap.Source == "21" && gap.Code == cause.CodeFileStopsWorkers
	})
	if rec.Step != nvr.StepDone || !named {
		t.Errorf("the record is on step %s with the gaps %+v", rec.Step, made.Gaps)
	}
	w.frames(1500)
}

// TestTwoSegmentsThatKillTasks fails the record, with the second segment in the reason.
func TestTwoSegmentsThatKillTasks(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Slice = time.Hour
	w.insert(nil)
	w.until(nvr.StepMerge)
	w.failedOn(w.dieAt(nvr.StepMerge, "", onReading(screenName, lecturerName)), nvr.StepMerge, screenName)
}

// failedOn checks that a record has failed, and told so once, after workers died on two segments: so many in all,
// and the last ones on a step and on this segment.
func (w *env) failedOn(deaths int, step nvr.Step, segment string) {
	w.t.Helper()
	if deaths != 2*store.MaxTries {
		w.t.Errorf("%d workers died, want %d", deaths, 2*store.MaxTries)
	}
	want := cause.WorkersDiedOn(string(step), "504/2026-11-20/"+segment)
	if rec := w.row(); rec.Step != nvr.StepFailed || rec.Reason != want {
		w.t.Errorf("the record is on step %s: %s", rec.Step, rec.Reason)
	}
	if len(w.posts) != 1 {
		w.t.Errorf("%d notices of the failure, want 1", len(w.posts))
	}
}

// TestKilledTasksOfHealthyFootage kills a task at any time: it is rendered with all its segments.
func TestKilledTasksOfHealthyFootage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("renders")
	}
	w := newEnv(t)
	w.settings.Slice = time.Hour
	w.insert(nil)
	w.until(nvr.StepMerge)
	planned := w.row()
	reads := 0
	twice := func(r *http.Request) bool { // the first task, and the one that reads each segment alone
		if !onReading(lecturerName)(r) {
			return false
		}
		reads++
		return reads == 1 || reads == 3
	}
	if deaths := w.dieAt(nvr.StepMerge, nvr.StepUpload, twice); deaths != 2 {
		t.Errorf("%d tasks died, want 2", deaths)
	}
	if rec := w.row(); rec.Step != nvr.StepUpload || rec.Digest != planned.Digest || rec.Tries != 0 {
		t.Errorf("the record has another plan: %+v", rec)
	}
}

// TestTwoSegmentsThatKillWorkers fails the record, with the second segment in the reason.
func TestTwoSegmentsThatKillWorkers(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	w.failedOn(w.dieAt(nvr.StepStage, nvr.StepMerge, onReading(screenName, lecturerName)), nvr.StepStage, lecturerName)
}

// TestStepsThatKillWorkers fails a record whose workers die at the same place of upload or link.
func TestStepsThatKillWorkers(t *testing.T) {
	t.Parallel()
	for _, step := range []nvr.Step{nvr.StepUpload, nvr.StepLink} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.advanceTo(w.insert(nil), step)
			deaths := w.dieAt(step, "", func(*http.Request) bool { return true })
			if deaths != store.MaxTries {
				t.Errorf("%d workers died, want %d", deaths, store.MaxTries)
			}
			rec := w.row()
			if want := cause.WorkersDied(string(step)); rec.Step != nvr.StepFailed || rec.Reason != want {
				t.Errorf("the record is on step %s: %s", rec.Step, rec.Reason)
			}
		})
	}
}

// advanceTo puts a record on a step whose message is lost.
func (w *env) advanceTo(rec nvr.Record, step nvr.Step) {
	w.t.Helper()
	ctx := w.t.Context()
	db := w.database()
	claim, err := db.Queue.Claim(ctx, rec, nvr.StepStage, time.Minute)
	w.must(err)
	_, hold, err := db.Leases.Enter(ctx, claim, "test", time.Minute)
	w.must(err)
	file := "file-1"
	_, err = db.Leases.Advance(ctx, hold, step, store.Change{Digest: &file, FileID: &file}, time.Minute)
	w.must(err)
	w.must(db.Close())
	w.clock.Move(time.Hour)
}

// TestHealthyRecordBesideOneThatKillsWorkers runs both in the same processes. The healthy record loses
// its workers, too, but is planned with all its segments.
func TestHealthyRecordBesideOneThatKillsWorkers(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.room("505")
	w.insert(nil)
	w.insert(func(r *nvr.Record) { r.Room = "505" })
	healthy := func() nvr.Record { return w.rowOf(2) }
	for range 40 {
		if w.row().Step != nvr.StepStage || healthy().Step != nvr.StepStage {
			break
		}
		w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error { return p.Claim(ctx) }))
		l := &process{strike: onReading(screenName)}
		_ = w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error {
			var group sync.WaitGroup
			for _, claim := range w.queue {
				group.Go(func() { _ = l.run(ctx, p, deliver(claim).do) })
			}
			w.queue = nil
			group.Wait()
			return nil
		})
		w.clock.Move(5 * time.Minute)
	}
	rec := healthy()
	if rec.Step != nvr.StepMerge {
		t.Fatalf("the healthy record is on step %s: %s", rec.Step, rec.Reason)
	}
	if poisoned := w.row(); poisoned.Step == nvr.StepFailed {
		t.Errorf("the other record has failed before: %s", poisoned.Reason)
	}
	plan, err := merge.ReadPlan(w.work("2/plans/" + rec.Digest + ".json"))
	w.must(err)
	for _, seg := range plan.Segments {
		if seg.Cause == cause.FileStopsWorkers() {
			t.Errorf("segment %s is left out", seg.Path)
		}
	}
}

// room adds a room with the footage of room 504.
func (w *env) room(name string) {
	w.t.Helper()
	db := w.database()
	_, err := db.Rooms.Save(w.t.Context(), nvr.Room{
		Name:         name,
		MainSource:   "172.18.191.24/0",
		ScreenSource: "172.18.191.21/0",
		SoundSource:  "172.18.191.24/0",
	})
	w.must(err)
	w.must(db.Close())
	s, err := sharedOnce()
	w.must(err)
	for object, path := range s.files {
		w.put("segments", strings.ReplaceAll(object, "504", name), path)
	}
}
