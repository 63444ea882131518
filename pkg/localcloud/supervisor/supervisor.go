package supervisor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Child is a process that runs until it is stopped.
type Child struct {
	Name    string
	Command Command
	// address that answers when the child is ready, like http://127.0.0.1:8081/; empty: at once
	Ready string
}

// Options configure a [Supervisor].
type Options struct {
	Scale float64      // divides every wait; 0 is 1
	Log   *slog.Logger // nil: nothing is logged
}

// Waits at time scale 1.
const (
	firstPause = 200 * time.Millisecond // before a child is started again; doubles
	lastPause  = 10 * time.Second
	settled    = 10 * time.Second // a child that ran so long resets its pause
	// from SIGTERM to SIGKILL; not scaled, because a process needs the time to end
	grace = 10 * time.Second
	poll  = 25 * time.Millisecond
)

// Supervisor keeps children running. Stop it.
type Supervisor struct {
	options Options
	client  *http.Client
	ctx     context.Context //nolint:containedctx // the children's life
	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	pids     map[string]int
	restarts map[string]int
}

// Supervise returns a supervisor without children.
func Supervise(options Options) *Supervisor {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Scale <= 0 {
		options.Scale = 1
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Supervisor{
		options:  options,
		ctx:      ctx,
		stop:     stop,
		pids:     map[string]int{},
		restarts: map[string]int{},
		client: &http.Client{
			Timeout:   time.Second,
			Transport: &http.Transport{DisableKeepAlives: true},
		},
	}
}

// Run starts a child, restarts it whenever it ends, and returns when it is ready for the first
// time. ctx bounds the wait for that, not the child.
func (s *Supervisor) Run(ctx context.Context, child Child) error {
	// the last lines of a process and the first of the next may overlap
	child.Command.Output = Lines(child.Command.Output)
	ready := make(chan struct{})
	s.running.Go(func() {
		s.keep(child, sync.OnceFunc(func() { close(ready) }))
	})
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until %s is ready: %w", child.Name, context.Cause(ctx))
	case <-s.ctx.Done():
		return fmt.Errorf("wait until %s is ready: stopped", child.Name)
	}
}

// Pid returns the process id of a child, or 0 while it does not run.
func (s *Supervisor) Pid(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pids[name]
}

// Pids returns the process ids of the running children, by name.
func (s *Supervisor) Pids() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.pids)
}

// Restarts returns how many times a child was restarted.
func (s *Supervisor) Restarts(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts[name]
}

// Stop ends all children and waits for them: SIGTERM, and SIGKILL after 10 s.
func (s *Supervisor) Stop() {
	s.stop()
	s.running.Wait()
	s.client.CloseIdleConnections()
}

// keep restarts a child until the supervisor is stopped.
func (s *Supervisor) keep(child Child, ready func()) {
	log := s.options.Log.With("child", child.Name)
	pause := firstPause
	for s.ctx.Err() == nil {
		exit, lived := s.once(child, ready)
		if s.ctx.Err() != nil {
			return
		}
		if lived {
			pause = firstPause
		}
		log.Warn(
			"a child ended and is started again", "how", exit.String(), "pause", s.scaled(pause),
		)
		if !s.sleep(s.scaled(pause)) {
			return
		}
		pause = min(2*pause, lastPause)
		s.mu.Lock()
		s.restarts[child.Name]++
		s.mu.Unlock()
	}
}

// once runs a child from start to end. It reports whether the child ran long enough to reset the
// pause.
func (s *Supervisor) once(child Child, ready func()) (exit Exit, lived bool) {
	process, err := Start(child.Command)
	if err != nil {
		return Exit{Code: -1, Err: err}, false
	}
	s.note(child.Name, process.Pid())
	defer s.note(child.Name, 0)
	s.options.Log.Debug("a child was started", "child", child.Name, "pid", process.Pid())

	asking, enough := context.WithCancel(s.ctx)
	defer enough()
	s.running.Go(func() {
		if s.answers(asking, child.Ready) {
			ready()
		}
	})
	long := time.NewTimer(s.scaled(settled))
	defer long.Stop()
	for {
		select {
		case <-process.Done():
			return process.Exit(), lived
		case <-long.C:
			lived = true
		case <-s.ctx.Done():
			return process.Stop(grace), lived
		}
	}
}

// note records the process id of a child; 0 removes it.
func (s *Supervisor) note(name string, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pid == 0 {
		delete(s.pids, name)
		return
	}
	s.pids[name] = pid
}

// answers polls an address until it answers with a status below 500. It reports whether it did
// before ctx ended.
func (s *Supervisor) answers(ctx context.Context, address string) bool {
	if address == "" {
		return true
	}
	for wait := poll; ; wait = min(2*wait, 10*poll) {
		if s.asked(ctx, address) {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// asked requests an address once.
func (s *Supervisor) asked(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := s.client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode < http.StatusInternalServerError
}

// sleep reports whether the wait passed before the supervisor was stopped.
func (s *Supervisor) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// scaled divides a wait by the time scale. The result is at least 1 ms.
func (s *Supervisor) scaled(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)/s.options.Scale))
}

// Lines returns a writer that may be called from several goroutines. Nil stays nil.
func Lines(to io.Writer) io.Writer {
	if to == nil {
		return nil
	}
	return &lines{to: to}
}

// lines serializes the writes of several children.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}
