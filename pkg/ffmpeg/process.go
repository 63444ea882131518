package ffmpeg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Error is an FFmpeg process that failed, with the last lines it printed about it.
type Error struct {
	Doing string   // what was being done, for people
	Lines []string // the last warnings and errors, oldest first
	Err   error    // how the process ended
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Lines) == 0 {
		return fmt.Sprintf("%s: %v", e.Doing, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Doing, e.Err, strings.Join(e.Lines, "; "))
}

// Unwrap returns how the process ended.
func (e *Error) Unwrap() error { return e.Err }

// exitSignalled is FFmpeg's exit code after SIGINT or SIGTERM.
const exitSignalled = 255

// Killed tells whether a signal ended the process: the fault lies with the machine, or with a person,
// not with the file.
func (e *Error) Killed() bool {
	var exit *exec.ExitError
	return errors.As(e.Err, &exit) && (!exit.Exited() || exit.ExitCode() == exitSignalled)
}

// maxErrorLines is how many warnings of a process are kept for its error.
const maxErrorLines = 6

// process is one running ffmpeg with its standard error being read.
type process struct {
	doing string
	ctx   context.Context
	cmd   *exec.Cmd

	log   sync.WaitGroup
	mu    sync.Mutex
	lines []string
}

// start runs cmd and feeds the lines of its standard error to each, which says whether the line was
// its own; what is not is kept as the possible reason of a failure. The other streams of cmd must be
// set up before. A cancelled ctx ends FFmpeg by SIGTERM, and by SIGKILL 3 s later.
func start(ctx context.Context, doing string, cmd *exec.Cmd, handle func(line string) bool) (*process, error) {
	p := &process{doing: doing, ctx: ctx, cmd: cmd}
	cmd.Env = append(os.Environ(), "AV_LOG_FORCE_NOCOLOR=1")
	cmd.SysProcAttr = processGroup()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: start ffmpeg: %w", doing, err)
	}
	p.log.Go(func() { p.readLog(stderr, handle) })
	return p, nil
}

func (p *process) readLog(r io.Reader, handle func(string) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" && (handle == nil || !handle(line)) && isErrorLine(line) {
			p.mu.Lock()
			if len(p.lines) == maxErrorLines {
				p.lines = p.lines[1:]
			}
			p.lines = append(p.lines, line)
			p.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// isErrorLine tells lines of "-loglevel level+…" that report an error.
func isErrorLine(line string) bool {
	return strings.Contains(line, "[error]") || strings.Contains(line, "[fatal]") || strings.Contains(line, "[panic]")
}

// wait waits for the end of the process; all its pipes must have been read to the end, or closed.
func (p *process) wait() error {
	p.log.Wait()
	err := p.cmd.Wait()
	if cause := context.Cause(p.ctx); cause != nil {
		return fmt.Errorf("%s: %w", p.doing, cause)
	}
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Error{Doing: p.doing, Lines: p.lines, Err: err}
}

// stop ends a process whose output is no longer wanted.
func (p *process) stop() {
	// The process may have ended by itself; then there is nothing to kill.
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.mu.Lock()
		p.lines = append(p.lines, err.Error())
		p.mu.Unlock()
	}
}

// discard ends a process whose output nobody will read any more. How one ends that was killed on
// purpose says nothing.
func (p *process) discard(output io.Closer) {
	p.stop()
	_ = output.Close()
	_ = p.wait()
}

// ptsQueue carries the timestamps that FFmpeg logs ahead of the pictures or samples they belong to.
// It never blocks the log, or the log would block FFmpeg.
type ptsQueue[T any] struct {
	mu     sync.Mutex
	cond   sync.Cond
	items  []T
	closed bool
}

func newPTSQueue[T any]() *ptsQueue[T] {
	q := &ptsQueue[T]{}
	q.cond.L = &q.mu
	return q
}

func (q *ptsQueue[T]) push(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.cond.Signal()
}

func (q *ptsQueue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cond.Signal()
}

// pop waits for the next item; false when there will be none.
func (q *ptsQueue[T]) pop() (T, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.cond.Wait()
	}
	var item T
	if len(q.items) == 0 {
		return item, false
	}
	item = q.items[0]
	q.items = q.items[1:]
	return item, true
}
