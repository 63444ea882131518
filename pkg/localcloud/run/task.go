package run

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
)

// enqueue runs a task as soon as a slot is free. The server's mutex is held.
func (s *Server) enqueue(t *task) {
	s.queue = append(s.queue, t)
	s.fill()
}

// fill gives free slots to waiting tasks, oldest first. The server's mutex is held.
func (s *Server) fill() {
	for len(s.queue) > 0 && s.places < s.options.Parallel && s.ctx.Err() == nil {
		t := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.places++
		t.running = true
		s.running.Go(func() { s.live(t) })
	}
}

// live runs a task from its first attempt to its last, with a pause of 1 s, 2 s, … 32 s between
// attempts.
func (s *Server) live(t *task) {
	for attempt := t.Retried; ; attempt++ {
		var last result
		interrupted := true
		select {
		case <-t.of.cancelled:
		case <-s.ctx.Done():
		default:
			last, interrupted = s.attempt(t, attempt)
		}
		if s.after(t, last, interrupted) {
			return
		}
		s.wait(t, s.scaled(time.Second<<min(attempt, 5), 10*time.Millisecond))
	}
}

// after records how an attempt ended. It reports whether it was the last attempt.
func (s *Server) after(t *task, last result, interrupted bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := t.of
	log := s.options.Log.With("execution", e.ID, "task", t.Index, "attempt", t.Retried)
	switch {
	case !interrupted && last.Code == int64(codes.OK):
		t.State = succeeded
	case e.Cancel:
		t.State, last = cancelled, result{
			Code:    int64(codes.Canceled),
			Message: "The execution was cancelled.",
		}
	case interrupted: // the server closes: the next New runs the task again
		t.running = false
		s.places--
		return true
	case t.Retried < e.Retries:
		log.Warn(
			"a task failed and is tried again",
			"how",
			last.Message,
			"exit",
			last.ExitCode,
			"signal",
			last.Signal,
		)
		t.Retried++
		t.Last = &last
		s.note(e)
		return false
	default:
		log.Error(
			"a task failed", "how", last.Message, "exit", last.ExitCode, "signal", last.Signal,
		)
		t.State = failed
	}
	t.Last = &last
	t.Done = s.options.Now().UTC()
	t.running = false
	s.note(e)
	s.settle(e)
	s.places--
	s.fill()
	return true
}

// wait pauses before a further attempt.
func (s *Server) wait(t *task, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.of.cancelled:
	case <-s.ctx.Done():
	}
}

// grace is the time between SIGTERM and SIGKILL.
const grace = 10 * time.Second

// attempt runs a task once. It reports whether the attempt was interrupted by a cancellation or
// by Close.
func (s *Server) attempt(t *task, attempt int) (last result, interrupted bool) {
	process, err := supervisor.Start(supervisor.Command{
		Args:   s.args(t.of),
		Env:    s.environment(t, attempt),
		Output: s.options.Output,
	})
	if err != nil {
		return result{
			Code:    int64(codes.Internal),
			Message: "The container failed to start: " + err.Error(),
		}, false
	}
	s.mu.Lock()
	if t.Started.IsZero() {
		t.Started = s.options.Now().UTC()
	}
	s.pids[process.Pid()] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.pids, process.Pid())
	}()

	timeout := time.NewTimer(t.of.Timeout)
	defer timeout.Stop()
	var exit supervisor.Exit
	select {
	case <-process.Done():
		exit = process.Exit()
	case <-timeout.C:
		process.Stop(s.scaled(grace, time.Second))
		return result{
			Code:    int64(codes.DeadlineExceeded),
			Message: "The configured timeout was reached.",
			Signal:  int(syscall.SIGKILL),
		}, false
	case <-t.of.cancelled:
		exit = process.Stop(s.scaled(grace, time.Second))
		interrupted = true
	case <-s.ctx.Done():
		exit = process.Stop(s.scaled(grace, time.Second))
		interrupted = true
	}
	if exit.OK() {
		return result{}, false // it had finished its work by then
	}
	return resultOf(exit), interrupted
}

// resultOf describes how a process ended, with the status codes of Cloud Run.
func resultOf(exit supervisor.Exit) result {
	switch {
	case exit.Err != nil:
		return result{Code: int64(codes.Internal), Message: exit.Err.Error()}
	case exit.Signal != 0:
		return result{
			Code:    int64(codes.Aborted),
			Signal:  int(exit.Signal),
			Message: fmt.Sprintf("The container was terminated on signal %d.", exit.Signal),
		}
	}
	return result{
		Code:     int64(codes.Unknown),
		ExitCode: exit.Code,
		Message:  fmt.Sprintf("The container exited with an error: exit code %d.", exit.Code),
	}
}

// args returns the job's command with an execution's arguments.
func (s *Server) args(e *execution) []string {
	if e.Replaced {
		return append([]string{s.options.Command[0]}, e.Args...)
	}
	return s.options.Command
}

// environment returns the environment of an attempt. Later entries override earlier ones.
func (s *Server) environment(t *task, attempt int) []string {
	env := append([]string{}, s.options.Env...)
	for name, value := range t.of.Env {
		env = append(env, name+"="+value)
	}
	return append(env,
		"CLOUD_RUN_JOB="+s.job, "CLOUD_RUN_EXECUTION="+t.of.ID,
		"CLOUD_RUN_TASK_INDEX="+strconv.Itoa(t.Index), "CLOUD_RUN_TASK_COUNT="+strconv.Itoa(len(t.of.Tasks)),
		"CLOUD_RUN_TASK_ATTEMPT="+strconv.Itoa(attempt),
	)
}
