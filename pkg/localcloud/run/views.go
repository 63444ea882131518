package run

import (
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	api "google.golang.org/api/run/v2"
)

// What the API shows. The server's mutex is held by all callers.

// name returns an execution's full name.
func (s *Server) name(e *execution) string {
	return s.options.Job + "/executions/" + e.ID
}

// operationName returns the full name of an execution's operation.
func (s *Server) operationName(e *execution) string {
	place, _, _ := strings.Cut(s.options.Job, "/jobs/")
	return place + "/operations/" + e.UID
}

// taskID returns the last part of a task's name.
func taskID(t *task) string {
	return t.of.ID + "-task" + strconv.Itoa(t.Index)
}

// etag returns an entity tag, which is equal for equal texts.
func (s *Server) etag(of string) string {
	return fmt.Sprintf("%q", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(of))), 36))
}

// stamp formats an instant as the API does. The zero time is left out.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// duration formats a duration as the API does, in seconds.
func duration(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}

// jobView returns the job as the API shows it.
func (s *Server) jobView() *api.GoogleCloudRunV2Job {
	job := &api.GoogleCloudRunV2Job{
		Name:               s.options.Job,
		Uid:                s.job,
		Generation:         1,
		ObservedGeneration: 1,
		LaunchStage:        "GA",
		Etag:               s.etag(s.options.Job),
		ExecutionCount:     s.sequence,
		Template: &api.GoogleCloudRunV2ExecutionTemplate{
			// with no bound of those at once, which would have to be below the tasks of every
			// execution
			TaskCount: 1,
			Template: s.template(
				s.options.Command[1:], nil, s.options.Timeout, s.options.MaxRetries,
			),
		},
		TerminalCondition: &api.GoogleCloudRunV2Condition{
			Type:  "Ready",
			State: "CONDITION_SUCCEEDED",
		},
	}
	if len(s.executions) > 0 {
		newest := s.executions[0]
		job.LatestCreatedExecution = &api.GoogleCloudRunV2ExecutionReference{
			Name:           s.name(newest),
			CreateTime:     stamp(newest.Created),
			CompletionTime: stamp(newest.Ended),
		}
	}
	return job
}

// template returns the template of a job's or execution's tasks.
func (s *Server) template(
	args []string, env map[string]string, timeout time.Duration, retries int,
) *api.GoogleCloudRunV2TaskTemplate {
	return &api.GoogleCloudRunV2TaskTemplate{
		Containers:           []*api.GoogleCloudRunV2Container{s.container(args, env)},
		MaxRetries:           int64(retries),
		Timeout:              duration(timeout),
		ExecutionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
		ForceSendFields:      []string{"MaxRetries"},
	}
}

// container returns the job's only container.
func (s *Server) container(args []string, env map[string]string) *api.GoogleCloudRunV2Container {
	container := &api.GoogleCloudRunV2Container{
		Name:    s.job,
		Image:   "local",
		Command: s.options.Command[:1],
		Args:    args,
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		container.Env = append(
			container.Env, &api.GoogleCloudRunV2EnvVar{Name: name, Value: env[name]},
		)
	}
	return container
}

// view returns an execution as the API shows it.
func (s *Server) view(e *execution) *api.GoogleCloudRunV2Execution {
	var started time.Time
	for _, t := range e.Tasks {
		if !t.Started.IsZero() && (started.IsZero() || t.Started.Before(started)) {
			started = t.Started
		}
	}
	return &api.GoogleCloudRunV2Execution{
		Name:               s.name(e),
		Uid:                e.UID,
		Job:                s.job,
		Generation:         1,
		ObservedGeneration: 1,
		LaunchStage:        "GA",
		Etag:               s.etag(e.UID + stamp(e.Updated)),
		CreateTime:         stamp(e.Created),
		UpdateTime:         stamp(e.Updated),
		StartTime:          stamp(started),
		CompletionTime:     stamp(e.Ended),
		Reconciling:        e.Ended.IsZero(),
		Parallelism:        int64(min(s.options.Parallel, len(e.Tasks))),
		TaskCount:          int64(len(e.Tasks)),
		Template:           s.template(s.args(e)[1:], e.Env, e.Timeout, e.Retries),
		RunningCount:       e.count(func(t *task) bool { return t.running }),
		SucceededCount:     e.count(is(succeeded)),
		FailedCount:        e.count(is(failed)),
		CancelledCount:     e.count(is(cancelled)),
		RetriedCount:       e.count(func(t *task) bool { return t.Retried > 0 }),
		Conditions:         []*api.GoogleCloudRunV2Condition{s.completed(e)},
	}
}

// failure returns how the first failed task ended, or nil if none failed.
func (s *Server) failure(e *execution) *result {
	for _, t := range e.Tasks {
		if t.State == failed {
			return t.Last
		}
	}
	return nil
}

// completed returns an execution's condition Completed.
func (s *Server) completed(e *execution) *api.GoogleCloudRunV2Condition {
	condition := &api.GoogleCloudRunV2Condition{
		Type:               "Completed",
		State:              "CONDITION_RECONCILING",
		LastTransitionTime: stamp(e.Updated),
	}
	last := s.failure(e)
	switch {
	case e.Ended.IsZero():
	case last != nil:
		condition.State = "CONDITION_FAILED"
		condition.Message = last.Message
		condition.ExecutionReason = "NON_ZERO_EXIT_CODE"
	case e.count(is(cancelled)) > 0:
		condition.State = "CONDITION_FAILED"
		condition.Message = "The execution was cancelled."
		condition.ExecutionReason = "CANCELLED"
	default:
		condition.State = "CONDITION_SUCCEEDED"
	}
	return condition
}

// taskView returns a task as the API shows it.
func (s *Server) taskView(t *task) *api.GoogleCloudRunV2Task {
	e := t.of
	view := &api.GoogleCloudRunV2Task{
		Name:                 s.name(e) + "/tasks/" + taskID(t),
		Uid:                  e.UID + strconv.Itoa(t.Index),
		Job:                  s.job,
		Execution:            e.ID,
		Index:                int64(t.Index),
		CreateTime:           stamp(e.Created),
		ScheduledTime:        stamp(e.Created),
		UpdateTime:           stamp(e.Updated),
		StartTime:            stamp(t.Started),
		CompletionTime:       stamp(t.Done),
		Containers:           []*api.GoogleCloudRunV2Container{s.container(s.args(e)[1:], e.Env)},
		MaxRetries:           int64(e.Retries),
		Retried:              int64(t.Retried),
		Timeout:              duration(e.Timeout),
		Reconciling:          !t.Ended(),
		ExecutionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
		ForceSendFields:      []string{"Index"},
	}
	if t.Last != nil {
		view.LastAttemptResult = &api.GoogleCloudRunV2TaskAttemptResult{
			ExitCode:   int64(t.Last.ExitCode),
			TermSignal: int64(t.Last.Signal),
			Status:     &api.GoogleRpcStatus{Code: t.Last.Code, Message: t.Last.Message},
		}
	}
	condition := &api.GoogleCloudRunV2Condition{
		Type:               "Completed",
		State:              "CONDITION_RECONCILING",
		LastTransitionTime: stamp(e.Updated),
	}
	switch t.State {
	case succeeded:
		condition.State = "CONDITION_SUCCEEDED"
	case failed, cancelled:
		condition.State = "CONDITION_FAILED"
	case pending:
	}
	view.Conditions = []*api.GoogleCloudRunV2Condition{condition}
	return view
}
