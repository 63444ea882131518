package run

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// execution is one run of the job, as it is stored.
type execution struct {
	Sequence int64             `json:"sequence"` // grows with each execution
	ID       string            `json:"id"`
	UID      string            `json:"uid"` // also of its operation
	Env      map[string]string `json:"env"` // overrides
	Args     []string          `json:"args"`
	Replaced bool              `json:"argsReplaced"` // Args stand in the place of the job's own
	Timeout  time.Duration     `json:"timeout"`
	Retries  int               `json:"maxRetries"`
	Created  time.Time         `json:"created"`
	Updated  time.Time         `json:"updated"`
	Ended    time.Time         `json:"ended"`     // zero: it runs
	Cancel   bool              `json:"cancelled"` // asked for
	Tasks    []*task           `json:"tasks"`

	cancelled chan struct{} // closed when asked for
	over      chan struct{} // closed at the end
}

// state is the state of a task.
type state string

const (
	// or running: a running task is stored as pending, so that the next start runs it
	pending   state = "pending"
	succeeded state = "succeeded"
	failed    state = "failed"
	cancelled state = "cancelled"
)

// task is one task of an execution. The server's mutex guards its fields.
type task struct {
	Index   int       `json:"index"`
	State   state     `json:"state"`
	Retried int       `json:"retried"`
	Started time.Time `json:"started"`
	Done    time.Time `json:"done"`
	Last    *result   `json:"last"` // of the last attempt that ended

	of      *execution
	running bool
}

// result is how an attempt ended.
type result struct {
	Code     int64  `json:"code"` // a google.rpc.Code
	Message  string `json:"message"`
	ExitCode int    `json:"exitCode"`
	Signal   int    `json:"signal"`
}

// Ended reports whether the task has no further attempt.
func (t *task) Ended() bool {
	return t.State != pending
}

// count returns how many tasks ok accepts.
func (e *execution) count(ok func(*task) bool) int64 {
	n := int64(0)
	for _, t := range e.Tasks {
		if ok(t) {
			n++
		}
	}
	return n
}

// is returns a function that reports whether a task is in the wanted state.
func is(wanted state) func(*task) bool {
	return func(t *task) bool { return t.State == wanted }
}

// newExecution returns an execution that is not stored yet. The server's mutex is held.
func (s *Server) newExecution(tasks int) *execution {
	s.sequence++
	now := s.options.Now().UTC()
	e := &execution{
		Sequence:  s.sequence,
		ID:        s.job + "-" + random(5),
		UID:       random(32),
		Env:       map[string]string{},
		Timeout:   s.options.Timeout,
		Retries:   s.options.MaxRetries,
		Created:   now,
		Updated:   now,
		cancelled: make(chan struct{}),
		over:      make(chan struct{}),
	}
	for i := range tasks {
		e.Tasks = append(e.Tasks, &task{
			Index: i,
			State: pending,
			of:    e,
		})
	}
	return e
}

// random returns n random characters from 0-9 and a-f.
func random(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)[:n]
}

// path returns the file of an execution.
func (s *Server) path(e *execution) string {
	return filepath.Join(s.options.Dir, e.ID+".json")
}

// save writes an execution to its file in one step: a kill leaves the old content or the new one.
// The server's mutex is held.
func (s *Server) save(e *execution) error {
	e.Updated = s.options.Now().UTC()
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write execution %s: %w", e.ID, err)
	}
	beside := s.path(e) + ".new"
	if err := os.WriteFile(beside, data, 0o600); err != nil {
		return fmt.Errorf("write execution %s: %w", e.ID, err)
	}
	if err := os.Rename(beside, s.path(e)); err != nil {
		return fmt.Errorf("write execution %s: %w", e.ID, err)
	}
	return nil
}

// note saves an execution where no caller can get an error. It logs the error.
func (s *Server) note(e *execution) {
	if err := s.save(e); err != nil {
		s.options.Log.Error("the state of an execution is not on disk", "error", err)
	}
}

// open reads all executions, and removes nothing.
func (s *Server) open() error {
	if err := os.MkdirAll(s.options.Dir, 0o750); err != nil {
		return fmt.Errorf("open the executions: %w", err)
	}
	entries, err := os.ReadDir(s.options.Dir)
	if err != nil {
		return fmt.Errorf("open the executions: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		path := filepath.Join(s.options.Dir, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("open the executions: %w", err)
		}
		e := &execution{cancelled: make(chan struct{}), over: make(chan struct{})}
		if err := json.Unmarshal(data, e); err != nil || e.ID+".json" != entry.Name() {
			return fmt.Errorf(
				"open the executions: %s is not one (%w)", path, errors.Join(err, fs.ErrInvalid),
			)
		}
		for _, t := range e.Tasks {
			t.of = e
		}
		if e.Cancel {
			close(e.cancelled)
		}
		if !e.Ended.IsZero() {
			close(e.over)
		}
		s.executions = append(s.executions, e)
		s.sequence = max(s.sequence, e.Sequence)
	}
	slices.SortFunc(s.executions, func(a, b *execution) int { return int(b.Sequence - a.Sequence) })
	return nil
}

// settle ends an execution whose tasks have all ended. The server's mutex is held.
func (s *Server) settle(e *execution) {
	if !e.Ended.IsZero() || e.count((*task).Ended) < int64(len(e.Tasks)) {
		return
	}
	e.Ended = s.options.Now().UTC()
	s.note(e)
	close(e.over)
	s.prune()
}

// prune forgets the oldest ended executions beyond [kept] and [keptFor]. The server's mutex is held.
func (s *Server) prune() {
	oldest := s.options.Now().Add(-keptFor)
	for i := len(s.executions) - 1; i >= 0 && len(s.executions) > kept; i-- {
		if e := s.executions[i]; !e.Ended.IsZero() && e.Created.Before(oldest) {
			s.forget(e)
		}
	}
}

// forget removes an execution. The server's mutex is held.
func (s *Server) forget(e *execution) {
	if err := os.Remove(s.path(e)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.options.Log.Error("an execution cannot be removed", "error", err)
		return
	}
	s.executions = slices.DeleteFunc(
		s.executions, func(other *execution) bool { return other == e },
	)
}
