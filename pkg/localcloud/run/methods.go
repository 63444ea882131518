package run

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	api "google.golang.org/api/run/v2"
)

// Limits of Cloud Run.
const (
	mostTasks   = 10_000
	mostTimeout = 168 * time.Hour
)

// getJob answers jobs.get.
func (s *Server) getJob(c *call) (any, error) {
	if c.name("") != s.options.Job {
		return nil, notFound(c.name(""))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobView(), nil
}

// run answers jobs.run. The execution is on disk before it is answered.
func (s *Server) run(c *call) (any, error) {
	if c.name(":run") != s.options.Job {
		return nil, notFound(c.name(":run"))
	}
	var request api.GoogleCloudRunV2RunJobRequest
	if err := c.into(&request); err != nil {
		return nil, err
	}
	overrides := cmp.Or(request.Overrides, &api.GoogleCloudRunV2Overrides{})
	tasks := cmp.Or(overrides.TaskCount, 1)
	if tasks < 1 || tasks > mostTasks {
		return nil, invalid("overrides.task_count: %d is not from 1 to %d", tasks, mostTasks)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, &problem{
			http.StatusServiceUnavailable, "UNAVAILABLE", "The server is being stopped.",
		}
	}
	if request.Etag != "" && request.Etag != s.etag(s.options.Job) {
		return nil, &problem{http.StatusConflict, "ABORTED", "The etag is not the job's."}
	}
	e := s.newExecution(int(tasks))
	if err := s.override(e, overrides); err != nil {
		return nil, err
	}
	if request.ValidateOnly {
		return s.operation(e)
	}
	if err := s.save(e); err != nil {
		return nil, err
	}
	s.executions = slices.Insert(s.executions, 0, e)
	for _, t := range e.Tasks {
		s.enqueue(t)
	}
	return s.operation(e)
}

// override applies the overrides of a launch to an execution.
func (s *Server) override(e *execution, overrides *api.GoogleCloudRunV2Overrides) error {
	if overrides.Timeout != "" {
		timeout, err := time.ParseDuration(overrides.Timeout)
		if err != nil || !strings.HasSuffix(overrides.Timeout, "s") || timeout <= 0 ||
			timeout > mostTimeout {
			return invalid(
				"overrides.timeout: %q is not a duration up to %v, like 600s",
				overrides.Timeout,
				mostTimeout,
			)
		}
		e.Timeout = timeout
	}
	if len(overrides.ContainerOverrides) > 1 {
		return invalid("overrides.container_overrides: the job has one container")
	}
	for _, container := range overrides.ContainerOverrides {
		if container.Name != "" && container.Name != s.job {
			return invalid(
				"overrides.container_overrides[0].name: the job has no container %q",
				container.Name,
			)
		}
		if container.ClearArgs && len(container.Args) > 0 {
			return invalid(
				"overrides.container_overrides[0]: args and clear_args exclude each other",
			)
		}
		e.Args = container.Args
		e.Replaced = container.ClearArgs || len(container.Args) > 0
		for _, env := range container.Env {
			_, twice := e.Env[env.Name]
			switch {
			case env.Name == "" || strings.ContainsAny(env.Name, "=\x00") ||
				strings.Contains(env.Value, "\x00"):
				return invalid("overrides.container_overrides[0].env: %q is not a name", env.Name)
			case strings.HasPrefix(env.Name, "CLOUD_RUN_"):
				return invalid(
					"overrides.container_overrides[0].env: the name %q is reserved", env.Name,
				)
			case env.ValueSource != nil:
				return invalid(
					"overrides.container_overrides[0].env: value_source is not known to the stand-in",
				)
			case twice:
				return invalid("overrides.container_overrides[0].env: %q is there twice", env.Name)
			}
			e.Env[env.Name] = env.Value
		}
	}
	return nil
}

// find returns an execution by its full name. The server's mutex is held.
func (s *Server) find(name string) (*execution, error) {
	for _, e := range s.executions {
		if s.name(e) == name {
			return e, nil
		}
	}
	return nil, notFound(name)
}

// getExecution answers executions.get.
func (s *Server) getExecution(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(c.name(""))
	if err != nil {
		return nil, err
	}
	return s.view(e), nil
}

// listExecutions answers executions.list, newest first as Cloud Run does.
func (s *Server) listExecutions(c *call) (any, error) {
	parent := c.name("/executions")
	if jobs, all := strings.CutSuffix(parent, "/-"); parent != s.options.Job &&
		(!all || jobs+"/"+s.job != s.options.Job) {
		return nil, notFound(parent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	some, next, err := page(c, s.executions, func(e *execution) int64 { return e.Sequence })
	if err != nil {
		return nil, err
	}
	answer := &api.GoogleCloudRunV2ListExecutionsResponse{NextPageToken: next}
	for _, e := range some {
		answer.Executions = append(answer.Executions, s.view(e))
	}
	return answer, nil
}

// cancel answers executions.cancel. Waiting tasks end at once, running tasks when their processes
// have ended.
func (s *Server) cancel(c *call) (any, error) {
	var request api.GoogleCloudRunV2CancelExecutionRequest
	if err := c.into(&request); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(c.name(":cancel"))
	if err != nil {
		return nil, err
	}
	if !e.Ended.IsZero() {
		return nil, precondition("The execution %s has ended.", e.ID)
	}
	if request.ValidateOnly || e.Cancel {
		return s.operation(e)
	}
	e.Cancel = true
	s.queue = slices.DeleteFunc(s.queue, func(t *task) bool { return t.of == e })
	for _, t := range e.Tasks {
		if !t.Ended() && !t.running {
			t.State = cancelled
			t.Done = s.options.Now().UTC()
		}
	}
	if err := s.save(e); err != nil {
		return nil, err
	}
	close(e.cancelled)
	s.settle(e)
	return s.operation(e)
}

// deleteExecution answers executions.delete. A running execution is refused.
func (s *Server) deleteExecution(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(c.name(""))
	if err != nil {
		return nil, err
	}
	if e.Ended.IsZero() {
		return nil, precondition("The execution %s runs; cancel it first.", e.ID)
	}
	if c.URL.Query().Get("validateOnly") != "true" {
		s.forget(e)
	}
	return s.operation(e)
}

// listTasks answers tasks.list, in the order of the tasks' indexes.
func (s *Server) listTasks(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(c.name("/tasks"))
	if err != nil {
		return nil, err
	}
	some, next, err := page(
		c, e.Tasks, func(t *task) int64 {
			return int64(len(e.Tasks) - t.Index)
		},
	)
	if err != nil {
		return nil, err
	}
	answer := &api.GoogleCloudRunV2ListTasksResponse{NextPageToken: next}
	for _, t := range some {
		answer.Tasks = append(answer.Tasks, s.taskView(t))
	}
	return answer, nil
}

// getTask answers tasks.get.
func (s *Server) getTask(c *call) (any, error) {
	parent, id, _ := strings.Cut(c.name(""), "/tasks/")
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(parent)
	if err != nil {
		return nil, err
	}
	for _, t := range e.Tasks {
		if taskID(t) == id {
			return s.taskView(t), nil
		}
	}
	return nil, notFound(c.name(""))
}

// getOperation answers operations.get and operations.wait. wait answers when the operation is
// done or its timeout has passed.
func (s *Server) getOperation(c *call) (any, error) {
	name, waits := strings.CutSuffix(c.name(""), ":wait")
	e, err := s.ofOperation(name)
	if err != nil {
		return nil, err
	}
	if waits {
		var request api.GoogleLongrunningWaitOperationRequest
		if err := c.into(&request); err != nil {
			return nil, err
		}
		timeout := 30 * time.Second
		if request.Timeout != "" {
			if timeout, err = time.ParseDuration(request.Timeout); err != nil || timeout < 0 {
				return nil, invalid("timeout: %q is not a duration, like 10s", request.Timeout)
			}
		}
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-e.over:
		case <-timer.C:
		case <-s.ctx.Done():
		case <-c.Context().Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.operation(e)
}

// ofOperation returns the execution of an operation's name.
func (s *Server) ofOperation(name string) (*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.executions {
		if s.operationName(e) == name {
			return e, nil
		}
	}
	return nil, notFound(name)
}

// operation returns an execution as the long-running operation that its caller waits for. The
// server's mutex is held.
func (s *Server) operation(e *execution) (any, error) {
	metadata, err := json.Marshal(s.view(e))
	if err != nil {
		return nil, err
	}
	typed := map[string]any{}
	if err := json.Unmarshal(metadata, &typed); err != nil {
		return nil, err
	}
	typed["@type"] = "type.googleapis.com/google.cloud.run.v2.Execution"
	answer := map[string]any{"name": s.operationName(e), "metadata": typed}
	if !e.Ended.IsZero() {
		answer["done"] = true
		if last := s.failure(e); last != nil {
			answer["error"] = map[string]any{"code": last.Code, "message": last.Message}
		} else {
			answer["response"] = maps.Clone(typed)
		}
	}
	return answer, nil
}
