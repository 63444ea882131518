package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// step is the next thing that happens in a world.
type step struct {
	name  string // claim, stage, merge, upload, link
	claim nvr.Claim
	task  pipeline.Task // of merge
	do    func(context.Context, *pipeline.Pipeline) error
}

func deliver(c nvr.Claim) step {
	a := step{name: string(c.Step), claim: c}
	switch c.Step {
	case nvr.StepUpload:
		a.do = func(ctx context.Context, p *pipeline.Pipeline) error { return p.Upload(ctx, c) }
	case nvr.StepLink:
		a.do = func(ctx context.Context, p *pipeline.Pipeline) error { return p.Link(ctx, c) }
	default:
		a.do = func(ctx context.Context, p *pipeline.Pipeline) error { return p.Stage(ctx, c) }
	}
	return a
}

// next is a message that waits, or a task, or else the Scheduler.
func (w *env) next() step {
	w.t.Helper()
	if len(w.queue) > 0 {
		claim := w.queue[0]
		w.queue = w.queue[1:]
		w.old = append(w.old, claim)
		return deliver(claim)
	}
	w.launched()
	if len(w.tasks) > 0 {
		task := w.tasks[0]
		w.tasks = w.tasks[1:]
		return step{
			name:  "merge",
			claim: task.Claim,
			task:  task,
			do: func(ctx context.Context, p *pipeline.Pipeline) error {
				return p.Merge(ctx, task)
			},
		}
	}
	w.ended()
	return step{
		name: "claim",
		do:   func(ctx context.Context, p *pipeline.Pipeline) error { return p.Claim(ctx) },
	}
}

// ended waits for the processes of the job: they take real time, and an hour of the world's is none to
// them. Claim renews the lease of a record whose execution has not ended, however often it is asked.
func (w *env) ended() {
	w.t.Helper()
	for ctx, stop := context.WithTimeout(w.t.Context(), time.Minute); ; {
		request, err := http.NewRequestWithContext(
			ctx,
			http.MethodGet,
			w.jobs()+"/v2/"+mergeJob+"/executions",
			nil,
		)
		w.must(err)
		response, err := http.DefaultClient.Do(request)
		w.must(err)
		var page struct {
			Executions []struct{ CompletionTime string }
		}
		w.must(errors.Join(json.NewDecoder(response.Body).Decode(&page), response.Body.Close()))
		if !slices.ContainsFunc(page.Executions, func(e struct{ CompletionTime string }) bool {
			return e.CompletionTime == ""
		}) {
			stop()
			return
		}
	}
}

// launched finds the execution that the record on step merge waits for, once, and takes its tasks.
func (w *env) launched() {
	w.t.Helper()
	rec := w.row()
	key := fmt.Sprintf("record-%d-attempt-%d-turn-%d", rec.ID, rec.Attempt, rec.Continuation)
	if rec.Step != nvr.StepMerge || w.ran[key] {
		return
	}
	count := 0
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		all, err := p.Jobs.List(ctx, mergeJob, time.Time{})
		if i := slices.IndexFunc(all, func(e dispatch.Execution) bool {
			return e.Env[dispatch.KeyEnv] == key
		}); i >= 0 {
			count = all[i].Tasks
		}
		return err
	}))
	if count > 0 {
		w.ran[key] = true
	}
	for i := range count {
		w.tasks = append(w.tasks, pipeline.Task{
			Claim:  rec.Claim(),
			Key:    key,
			Digest: rec.Digest,
			Index:  i,
			Count:  count,
		})
	}
}

// until does what comes next until the record stands on a step, or for good.
func (w *env) until(steps ...nvr.Step) nvr.Record {
	w.t.Helper()
	for range 60 {
		rec := w.row()
		if slices.Contains(steps, rec.Step) || !rec.Step.Working() {
			return rec
		}
		a := w.next()
		w.must(w.live(&process{as: a.name}, a.do))
		w.after(a)
	}
	w.t.Fatalf("the record does not get on: %+v", w.row())
	return nvr.Record{}
}

// after lets time pass after the Scheduler: leases run out, pauses end, Drive gets on.
func (w *env) after(a step) {
	w.clock.Move(time.Second)
	if a.name == "claim" && len(w.queue) == 0 {
		w.clock.Move(61 * time.Minute)
	}
}

// facts are what people and programs outside see of a finished record.
type facts struct {
	row          nvr.Record
	videos       int // not trashed
	size, md5    string
	attachments  int
	posts, draft int // announcements
	shares       int
	notices      int // distinct
	pages        int // reports beside the video, not trashed, that the requester may read
	folders      int // of the day
	left         []string
}

func (w *env) facts(event, course string) facts {
	w.t.Helper()
	f := facts{row: w.row(), notices: len(w.posts)}
	files, _ := w.call(
		"GET",
		"/workspace/drive/v3/files?pageSize=1000&fields=files(id,name,mimeType,trashed,size,md5Checksum,permissions)",
		nil,
	)["files"].([]any)
	for _, file := range files {
		file := file.(map[string]any)
		switch {
		case file["name"] == "2026-11-20":
			f.folders++
		case file["mimeType"] == "text/html" && file["trashed"] != true && len(list(file["permissions"])) == 2:
			f.pages++
		case file["mimeType"] == "video/mp4" && file["trashed"] != true:
			f.videos++
			f.size, f.md5 = fmt.Sprint(file["size"]), fmt.Sprint(file["md5Checksum"])
			for _, permission := range list(file["permissions"]) {
				if permission["emailAddress"] == student {
					f.shares++
				}
			}
		}
	}
	if event != "" {
		f.attachments = len(list(w.call(
			"GET",
			"/workspace"+eventsPath("504")+"/"+event,
			nil,
		)["attachments"]))
	}
	if course != "" {
		for _, a := range list(w.call("GET", "/workspace/classroom/v1/courses/"+course+"/announcements?announcementStates=DRAFT&announcementStates=PUBLISHED", nil)["announcements"]) {
			if a["state"] == "PUBLISHED" {
				f.posts++
			} else {
				f.draft++
			}
		}
	}
	for _, name := range w.objects("work", "1/") {
		kind, _, _ := strings.Cut(strings.TrimPrefix(name, "1/"), "/")
		if !slices.Contains([]string{"plans", "reports", "parts", "media"}, kind) { // revisions share parts
			f.left = append(f.left, name)
		}
	}
	return f
}

func list(value any) []map[string]any {
	var all []map[string]any
	items, _ := value.([]any)
	for _, item := range items {
		all = append(all, item.(map[string]any))
	}
	return all
}

// once says what is wrong with a record that should be done, exactly once; empty if nothing is.
func (f facts) once(md5 string) string {
	var wrong []string
	expect := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %v, want %v", what, got, want))
		}
	}
	expect("step", f.row.Step, nvr.StepDone)
	expect("done", f.row.Done, true)
	expect("processing", f.row.Processing, false)
	expect("share", f.row.Share, "shared")
	expect("course", f.row.Course, "ALG")
	expect("videos", f.videos, 1)
	expect("attachments", f.attachments, 1)
	expect("announcements", f.posts, 1)
	expect("drafts", f.draft, 0)
	expect("shares", f.shares, 1)
	expect("notices", f.notices, 1)
	expect("folders of the day", f.folders, 1)
	expect("left in the work bucket", len(f.left), 0)
	if md5 != "" {
		expect("md5", f.md5, md5)
	}
	if len(wrong) == 0 {
		return ""
	}
	return strings.Join(wrong, "\n") + fmt.Sprintf("\n%v\nrow %+v", f.left, f.row)
}
