// Package run is a stand-in of the Cloud Run Admin API for one job. Executions are kept on disk,
// and their tasks are processes.
//
// It knows the API and what Cloud Run gives to a task. It knows nothing of what the tasks do.
// Requests and answers are checked with package apidesc; rules that the description lacks are
// checked here. A started execution is on disk before it is answered. If the machine stops, the
// next [New] runs tasks again that had not ended, as Cloud Run moves tasks to another machine;
// the interrupted attempt does not count.
//
// Start with [New]. The server handles the API's root.
//
// The reference of the API: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
)

// Options are the job and how it runs.
type Options struct {
	Job     string    // in full; empty: projects/local/locations/local/jobs/merge
	Command []string  // the program of a task, and its arguments
	Env     []string  // of every task, secrets included: neither shown nor stored
	Output  io.Writer // gets the lines that tasks print, one a call; nil: discarded

	Parallel   int           // tasks at once, of all executions; 0: one a core
	MaxRetries int           // of a task; -1: none; 0: 3, as in the cloud
	Timeout    time.Duration // of one attempt of a task, not scaled; 0: 1 h
	Scale      float64       // divides waits; 0 is 1

	Dir    string // a file an execution
	Now    func() time.Time
	Faults *faults.Table // nil: none
	Log    *slog.Logger  // nil: silent
}

// Cloud Run keeps the newest 1,000 executions, and all of the last seven days
// (docs.cloud.google.com/run/docs/execute/jobs).
const (
	kept    = 1000
	keptFor = 7 * 24 * time.Hour
)

// Server is the API as an HTTP handler. Close it.
type Server struct {
	options Options
	job     string // short name
	api     *apidesc.API
	handler http.Handler

	ctx     context.Context //nolint:containedctx // ends all tasks
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	executions []*execution // newest first
	sequence   int64        // of the newest execution ever
	queue      []*task      // waiting for a place, oldest first
	places     int          // taken
	pids       map[int]bool
}

// New reads the state under options.Dir and runs the tasks that had not ended. Tasks may start
// before New returns: what they need must be up.
func New(options Options) (*Server, error) {
	options.Job = cmp.Or(options.Job, "projects/local/locations/local/jobs/merge")
	options.Parallel = cmp.Or(options.Parallel, runtime.NumCPU())
	options.Timeout = cmp.Or(options.Timeout, time.Hour)
	options.MaxRetries = max(0, cmp.Or(options.MaxRetries, 3))
	options.Scale = cmp.Or(options.Scale, 1)
	options.Output = supervisor.Lines(options.Output)
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Faults == nil {
		options.Faults = faults.New(0)
	}
	api, err := apidesc.Load("run")
	if err != nil {
		return nil, err
	}
	name := strings.Split(options.Job, "/")
	if len(name) != 6 || name[4] != "jobs" {
		return nil, fmt.Errorf("job %q is not named in full", options.Job)
	}
	if len(options.Command) == 0 {
		return nil, errors.New("the job has no command")
	}
	s := &Server{
		options: options,
		job:     name[5],
		api:     api,
		pids:    map[int]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.handler = options.Faults.Wrap("run", s.methodOf, http.HandlerFunc(s.serve))
	if err := s.open(); err != nil {
		s.stop()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range slices.Backward(slices.Clone(s.executions)) {
		for _, t := range e.Tasks {
			if !t.Ended() {
				s.enqueue(t)
			}
		}
		s.settle(e) // it may have ended just before
	}
	return s, nil
}

// Close stops the running tasks and waits for them: SIGTERM, and SIGKILL after 10 s. The next New
// runs them again.
func (s *Server) Close() {
	s.mu.Lock()
	s.queue = nil
	s.stop()
	s.mu.Unlock()
	s.running.Wait()
}

// Pids returns the process ids of the running tasks, in ascending order.
func (s *Server) Pids() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := make([]int, 0, len(s.pids))
	for pid := range s.pids {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

// methodOf names a request for the rules of faults, like jobs.run, executions.list or
// operations.get.
func (s *Server) methodOf(r *http.Request) string {
	found, _ := s.api.Find(r.Method, r.URL.EscapedPath(), r.URL.Query())
	if found.Method == nil {
		return ""
	}
	parts := strings.Split(found.Method.ID, ".")
	return strings.Join(parts[max(0, len(parts)-2):], ".")
}

// scaled divides a wait by the time scale. The result is at least least, the time that a process
// needs.
func (s *Server) scaled(d, least time.Duration) time.Duration {
	return max(least, time.Duration(float64(d)/s.options.Scale))
}
