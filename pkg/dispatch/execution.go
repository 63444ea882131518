package dispatch

import (
	"fmt"
	"strings"
	"time"

	run "google.golang.org/api/run/v2"

	"github.com/nvr-miem/merger/pkg/cause"
)

// executionFields are what [read] reads.
const executionFields = "name,createTime,completionTime,taskCount,runningCount,succeededCount,failedCount,cancelledCount,retriedCount,logUri,template(containers(env(name,value)))"

// Execution is how a run of a job stands.
type Execution struct {
	Name    string // in full
	Created time.Time
	// CompletedAt is zero while tasks run or may run again. Counts and this instant decide; the
	// conditions that the API has beside them are for people.
	CompletedAt time.Time

	Tasks, Running, Succeeded, Failed, Cancelled int
	Retried                                      int // tasks that were tried more than once
	LogURI                                       string
	Env                                          map[string]string // what its tasks were given

	Failures []Failure // only [Jobs.Execution] fills it
}

// Ended reports whether nothing of it runs or will run.
func (e *Execution) Ended() bool {
	return !e.CompletedAt.IsZero()
}

// OK reports whether it ended with all tasks done.
func (e *Execution) OK() bool {
	return e.Ended() && e.Tasks > 0 && e.Succeeded == e.Tasks
}

// Cause is why an attempt of a task ended without success.
type Cause string

// The causes.
const (
	CauseMemory  Cause = "memory"    // killed for what it took
	CauseTimeout Cause = "time"      // it ran longer than a task may
	CauseExit    Cause = "exit code" // it gave up by itself
	CauseSignal  Cause = "signal"    // something else killed it
	CauseUnknown Cause = "unknown"
)

// Failure is a task that failed for good.
type Failure struct {
	Task     int
	Cause    Cause
	ExitCode int
	Signal   int
	Retries  int
	Message  string // as Cloud Run says it
}

// String is the technical cause, for a log and for the record's row.
func (f Failure) String() string {
	s := fmt.Sprintf("task %d failed after %d retries: %s", f.Task, f.Retries, f.Cause)
	switch {
	case f.Signal != 0:
		s += fmt.Sprintf(", signal %d", f.Signal)
	case f.ExitCode != 0:
		s += fmt.Sprintf(", exit code %d", f.ExitCode)
	}
	if f.Message != "" {
		s += ": " + f.Message
	}
	return s
}

// Detail is the technical cause of all failures, the first few by name.
func (e *Execution) Detail() string {
	const shown = 3
	var all []string
	for i, failure := range e.Failures {
		if i == shown {
			all = append(all, fmt.Sprintf("and %d more", len(e.Failures)-shown))
			break
		}
		all = append(all, failure.String())
	}
	if len(all) == 0 {
		all = append(all, fmt.Sprintf(
			"%d of %d tasks succeeded, %d failed, %d cancelled",
			e.Succeeded, e.Tasks, e.Failed, e.Cancelled,
		))
	}
	return strings.Join(all, "; ")
}

// Reason returns, for people, why an execution that ended did not make its merge.
func (e *Execution) Reason() cause.Cause {
	failed := map[Cause]bool{}
	for _, failure := range e.Failures {
		failed[failure.Cause] = true
	}
	switch {
	case failed[CauseMemory]:
		return cause.MergeMemory()
	case failed[CauseTimeout]:
		return cause.MergeTimeout()
	case e.Cancelled > 0 && e.Failed == 0:
		return cause.MergeCancelled()
	}
	return cause.MergeFailed()
}

// read takes an execution out of the API's answer. Instants that are missing or odd stay zero.
func read(e *run.GoogleCloudRunV2Execution) Execution {
	execution := Execution{
		Name:        e.Name,
		Created:     instant(e.CreateTime),
		CompletedAt: instant(e.CompletionTime),
		LogURI:      e.LogUri,
		Tasks:       int(e.TaskCount),
		Running:     int(e.RunningCount),
		Succeeded:   int(e.SucceededCount),
		Failed:      int(e.FailedCount),
		Cancelled:   int(e.CancelledCount),
		Retried:     int(e.RetriedCount),
		Env:         map[string]string{},
	}
	if e.Template != nil {
		for _, container := range e.Template.Containers {
			for _, env := range container.Env {
				execution.Env[env.Name] = env.Value
			}
		}
	}
	return execution
}

func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// The signal with which the kernel and Cloud Run end what takes too much, and what a shell makes of it.
const (
	sigkill     = 9
	exitKilled  = 128 + sigkill
	sigterm     = 15
	exitTimeout = 124
)

// failureOf reads what a task's last attempt died of; false if it has not failed.
func failureOf(task *run.GoogleCloudRunV2Task) (Failure, bool) {
	last := task.LastAttemptResult
	if last == nil || task.CompletionTime == "" {
		return Failure{}, false
	}
	f := Failure{
		Task:     int(task.Index),
		ExitCode: int(last.ExitCode),
		Signal:   int(last.TermSignal),
		Retries:  int(task.Retried),
	}
	code := int64(0)
	if last.Status != nil {
		f.Message, code = last.Status.Message, last.Status.Code
	}
	if f.ExitCode == 0 && f.Signal == 0 && code == 0 {
		return Failure{}, false
	}
	f.Cause = readCause(f)
	return f, true
}

// readCause reads the message first: Cloud Run's own words are "Memory limit of 4096 MiB exceeded …" and
// "The configured timeout was reached." A bare SIGKILL is the kernel's answer to want of memory.
func readCause(f Failure) Cause {
	said := strings.ToLower(f.Message)
	switch {
	case strings.Contains(said, "memory"):
		return CauseMemory
	case strings.Contains(said, "timeout"), strings.Contains(said, "timed out"), strings.Contains(said, "deadline"), f.ExitCode == exitTimeout:
		return CauseTimeout
	case f.Signal == sigkill, f.ExitCode == exitKilled:
		return CauseMemory
	case f.Signal != 0, f.ExitCode == exitKilled-sigkill+sigterm:
		return CauseSignal
	case f.ExitCode != 0:
		return CauseExit
	}
	return CauseUnknown
}
