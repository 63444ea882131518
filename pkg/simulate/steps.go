package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
)

// stage waits for footage as [pipeline.Pipeline.Stage] does, or makes a plan and starts the job.
func (w *deployment) stage(l *lecture) outcome {
	if w.at.Before(l.segmentsAt) {
		return outcome{
			takes: w.costs.LookForFootage,
			err:   &fault.Deferral{Until: w.at.Add(w.p.Settings.FootagePoll)},
		}
	}
	takes := w.about(w.costs.StageFixed + time.Duration(float64(w.costs.StageHour)*l.length().Hours()))
	return outcome{
		takes: takes,
		then: func(hold nvr.Lease) error {
			digest := fmt.Sprintf("d%d", l.id)
			next, err := w.p.Store.Leases.Advance(
				w.ctx,
				hold,
				nvr.StepMerge,
				store.Change{Digest: &digest},
				w.p.Settings.Lease,
			)
			if err != nil {
				return stale(err)
			}
			return w.launch(l, next)
		},
	}
}

// upload uploads the video to Drive, or meets the daily limit of the user.
func (w *deployment) upload(l *lecture) outcome {
	user := fmt.Sprintf("user %d", w.user(l))
	day := user + w.at.UTC().Format(" 2006-01-02")
	instance := w.ask[w.chance.IntN(len(w.ask))]
	asked, err := instance.upload(w.ctx, l.id, w.uploaded[day]+l.bytes > w.s.Limits.UploadBytes)
	if err != nil {
		w.calls.add(user, w.at, w.costs.DriveUpload/2+asked)
		w.spent.refusedUploads++
		takes := w.costs.LookForUser
		if asked > 0 {
			takes = w.costs.Patience
		}
		return outcome{takes: takes, err: err}
	}
	w.uploaded[day] += l.bytes
	chunks := int(l.bytes/(8<<20)) + 1 // docs/api-calls.md: one a chunk of 8 MiB
	w.calls.add(user, w.at, w.costs.DriveUpload+chunks)
	w.calls.add("calendar", w.at, w.costs.CalendarUpload)
	takes := w.about(w.costs.UploadFixed + time.Duration(float64(w.costs.UploadGB)*float64(l.bytes)/1e9))
	return outcome{
		takes: takes,
		then: func(hold nvr.Lease) error {
			file := fmt.Sprintf("f%d", l.id)
			next, err := w.p.Store.Leases.Advance(
				w.ctx,
				hold,
				nvr.StepLink,
				store.Change{FileID: &file, Link: &file},
				w.p.Settings.Lease,
			)
			if err != nil {
				return stale(err)
			}
			l.uploadedAt = w.at
			w.send(message{topic: "link", claim: next})
			return nil
		},
	}
}

// link waits until the video can be played, then attaches it to the event and the course.
func (w *deployment) link(l *lecture) outcome {
	takes := w.costs.LinkAgain
	drive, calendar, classroom := w.costs.DriveAgain, w.costs.CalendarAgain, w.costs.ClassroomAgain
	if !l.linked {
		takes, drive, calendar, classroom = w.costs.Link, w.costs.DriveLink, w.costs.CalendarLink, w.costs.Classroom
	}
	w.calls.add("user 0", w.at, drive)
	w.calls.add("calendar", w.at, calendar)
	if l.course && classroom > 0 {
		if !w.allowed(classroom) {
			// The client tries again within its patience; so does this, once.
			return outcome{takes: w.between(0, w.costs.Patience), then: func(hold nvr.Lease) error {
				if !w.allowed(classroom) {
					w.spent.refusedPosts++
					return w.p.Settle(w.ctx, hold, w.ask[0].course(w.ctx))
				}
				w.calls.add("classroom", w.at, classroom)
				return w.linked(l, hold)
			}}
		}
		w.calls.add("classroom", w.at, classroom)
	}
	return outcome{
		takes: w.about(takes),
		then:  func(hold nvr.Lease) error { return w.linked(l, hold) },
	}
}

// linked ends a delivery after all notices were sent.
func (w *deployment) linked(l *lecture, hold nvr.Lease) error {
	l.linked = true
	if playable := l.uploadedAt.Add(l.processedIn); w.at.Before(playable) {
		return w.p.Settle(w.ctx, hold, &fault.Deferral{Until: w.at.Add(w.p.Settings.PlayablePoll)})
	}
	if _, err := w.p.Store.Leases.Advance(w.ctx, hold, nvr.StepDone, store.Change{}, 0); err != nil {
		return stale(err)
	}
	if !l.doneAt.IsZero() {
		return fmt.Errorf("record %d was delivered twice", l.id)
	}
	l.doneAt = w.at
	return nil
}

// allowed reports whether the quota of Classroom permits n more calls in this minute.
func (w *deployment) allowed(n int) bool {
	left := w.s.Limits.ClassroomClient
	if w.s.Course.during(w.at.Sub(w.begin)) {
		left = w.s.CourseLeft
	}
	return w.calls.of("classroom", w.at)+n <= left
}

// user returns the index of the Drive user that uploads a lecture.
func (w *deployment) user(l *lecture) int {
	return int(l.id) % w.size.Users
}

// stale ignores the error of a worker that has lost its lease.
func stale(err error) error {
	if errors.Is(err, fault.ErrStale) {
		return nil
	}
	return err
}

// job is an execution with its tasks.
type job struct {
	l         *lecture
	claim     nvr.Claim
	execution *execution
	work      *work
	slice     time.Duration
	waiting   int // tasks that have not begun
	running   int
}

// tasks counts the tasks of all executions.
type tasks struct {
	running int
	queue   []*job // whose next task waits for the region
}

// launch starts the job of a record. All its tasks start at once if the region has the capacity.
func (w *deployment) launch(l *lecture, c nvr.Claim) error {
	slices := min(int((l.length()+w.p.Settings.Slice-1)/w.p.Settings.Slice), w.size.Parallelism)
	j := &job{
		l:         l,
		claim:     c,
		waiting:   slices,
		slice:     l.length() / time.Duration(slices),
		execution: w.out.start(pipeline.LaunchKey(c), slices, w.at),
	}
	for range slices {
		w.tasks.queue = append(w.tasks.queue, j)
	}
	return w.startTasks()
}

// startTasks starts waiting tasks as far as the region has capacity.
func (w *deployment) startTasks() error {
	for len(w.tasks.queue) > 0 && (w.s.Limits.Tasks == 0 || w.tasks.running < w.s.Limits.Tasks) {
		j := w.tasks.queue[0]
		w.tasks.queue = w.tasks.queue[1:]
		if j.waiting == 0 {
			continue
		}
		if j.work == nil {
			if ok, err := w.hold(j); err != nil || !ok {
				return err
			}
		}
		w.startTask(j)
	}
	return nil
}

// hold enters the record under the name of the execution, as the first task does.
func (w *deployment) hold(j *job) (bool, error) {
	lease := w.p.Settings.Lease + w.taskTime(j)*6/5 + w.costs.Join
	_, hold, err := w.p.Store.Leases.Enter(w.ctx, j.claim, j.execution.key, lease)
	if err != nil {
		j.waiting = 0
		return false, stale(err)
	}
	j.work = &work{hold: hold, job: j}
	w.works = append(w.works, j.work)
	return true, nil
}

// taskTime returns the mean duration of a task of a job.
func (w *deployment) taskTime(j *job) time.Duration {
	cpu := w.costs.RenderCPU * j.slice.Hours()
	return w.costs.TaskStart + time.Duration(cpu/(float64(w.size.MergeCPU)*w.costs.Busy)*float64(time.Second))
}

// startTask runs one task of a job. The last task to end joins the parts, unless the region failed in
// between.
func (w *deployment) startTask(j *job) {
	j.waiting--
	j.running++
	w.tasks.running++
	w.peak.Tasks = max(w.peak.Tasks, w.tasks.running)
	takes, epoch := w.about(w.taskTime(j)), w.epoch
	w.spent.task(takes, w.size.MergeCPU, w.costs)
	w.after(takes, func() error {
		if w.epoch != epoch {
			return nil
		}
		w.tasks.running--
		j.running--
		if j.waiting == 0 && j.running == 0 {
			w.after(w.costs.Join, func() error { return w.join(j, epoch) })
		}
		return w.startTasks()
	})
}

// join ends an execution and advances the record to step upload.
func (w *deployment) join(j *job, epoch int) error {
	if w.epoch != epoch {
		return nil
	}
	w.forget(j.work)
	j.execution.completed = w.at
	j.l.joined++
	next, err := w.p.Store.Leases.Advance(
		w.ctx,
		j.work.hold,
		nvr.StepUpload,
		store.Change{},
		w.p.Settings.Lease,
	)
	if err != nil {
		return stale(err)
	}
	w.send(message{topic: "upload", claim: next})
	return nil
}
