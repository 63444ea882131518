package ffmpeg

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/nvr-miem/merger/pkg/confine"
)

// Error means that an FFmpeg process failed. It holds the last lines that the
// process logged.
type Error struct {
	// Doing names the operation.
	Doing string
	// Lines are the last warnings and errors, oldest first.
	Lines []string
	// Err is how the process ended.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Lines) == 0 {
		return fmt.Sprintf("%s: %v", e.Doing, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Doing, e.Err, strings.Join(e.Lines, "; "))
}

// Unwrap returns how the process ended.
func (e *Error) Unwrap() error {
	return e.Err
}

// exitSignalled is FFmpeg's exit code after SIGINT or SIGTERM.
const exitSignalled = 255

// killed reports whether a signal ended the process. The cause is then the machine
// or a person, not the file. A file that takes more work than its limit is at fault itself.
func (e *Error) killed() bool {
	var exit *exec.ExitError
	if !errors.As(e.Err, &exit) || confine.OutOfTime(exit.ProcessState) {
		return false
	}
	return !exit.Exited() || exit.ExitCode() == exitSignalled
}

// IsUndecodable reports whether FFmpeg ended by itself with an error, stalled, or used up the CPU time that a file
// may take: what it read cannot be decoded.
// It is false for a process that was killed, and for errors that are not FFmpeg's.
func IsUndecodable(err error) bool {
	var broken *Error
	return errors.As(err, &broken) && !broken.killed()
}

// maxErrorLines is the number of log lines kept for an error.
const maxErrorLines = 6

// process is a running ffmpeg whose standard error is being read.
type process struct {
	doing string
	ctx   context.Context
	cmd   *exec.Cmd
	watch *watch

	log   sync.WaitGroup
	mu    sync.Mutex
	lines []string
}

// launch is a process that is to be started.
type launch struct {
	doing string
	cmd   *exec.Cmd
	// watch knows the pipes of the process.
	watch  *watch
	limits confine.Limits
	// handle is passed the lines of the standard error, and reports whether it consumed the line. Other
	// error lines are kept for [Error]. It may be nil.
	handle func(line string) bool
}

// start starts a process. Its pipes must be set up before. Cancelling ctx ends FFmpeg by SIGTERM, and by
// SIGKILL 3 s later. A stall ends it by SIGKILL, which reaches a stopped process, too.
func (t *Tool) start(ctx context.Context, l launch) (*process, error) {
	p := &process{doing: l.doing, ctx: ctx, cmd: l.cmd, watch: l.watch}
	cmd, doing := l.cmd, l.doing
	confine.Prepare(cmd, "AV_LOG_FORCE_NOCOLOR=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: start ffmpeg: %w", doing, err)
	}
	p.log.Go(func() { p.readLog(stderr, l.handle) })
	go p.watch.run(cmp.Or(t.StallAfter, stallAfter), p.stop)
	if err := l.limits.Apply(cmd.Process.Pid); err != nil {
		p.stop()
		return nil, errors.Join(fmt.Errorf("%s: %w", doing, err), p.wait())
	}
	return p, nil
}

// readLog reads the standard error to its end.
func (p *process) readLog(r io.Reader, handle func(string) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadString('\n')
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case handle != nil && handle(line):
			p.watch.moved()
		case isErrorLine(line):
			p.keep(line)
		}
		if err != nil {
			return
		}
	}
}

// keep keeps a line for [Error].
func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) == maxErrorLines {
		p.lines = p.lines[1:]
	}
	p.lines = append(p.lines, line)
}

// isErrorLine reports whether a line of "-loglevel level+…" is an error.
func isErrorLine(line string) bool {
	return strings.Contains(line, "[error]") ||
		strings.Contains(line, "[fatal]") ||
		strings.Contains(line, "[panic]")
}

// wait waits for the end of the process. All its pipes must have been read to the
// end or closed.
func (p *process) wait() error {
	p.log.Wait()
	err := p.cmd.Wait()
	close(p.watch.ended)
	if cause := context.Cause(p.ctx); cause != nil {
		return fmt.Errorf("%s: %w", p.doing, cause)
	}
	if stall := p.watch.err(); stall != nil {
		return fmt.Errorf("%s: %w", p.doing, stall)
	}
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Error{Doing: p.doing, Lines: p.lines, Err: err}
}

// stop kills a process whose output is not needed. A process that has already ended
// is no error.
func (p *process) stop() {
	// The process may have ended by itself; then there is nothing to kill.
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.keep(err.Error())
	}
}

// discard kills a process and closes its output. The exit status of a killed
// process has no meaning.
func (p *process) discard(output io.Closer) {
	p.stop()
	_ = output.Close()
	_ = p.wait()
}

// ptsQueue holds the timestamps that FFmpeg logs ahead of the pictures or samples
// they belong to. It never blocks the reader of the log, because that would block
// FFmpeg.
type ptsQueue[T any] struct {
	mu     sync.Mutex
	cond   sync.Cond
	items  []T
	closed bool
}

// newPTSQueue returns an empty queue.
func newPTSQueue[T any]() *ptsQueue[T] {
	q := &ptsQueue[T]{}
	q.cond.L = &q.mu
	return q
}

// push appends an item.
func (q *ptsQueue[T]) push(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.cond.Signal()
}

// close marks the end of the items.
func (q *ptsQueue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cond.Signal()
}

// pop waits for the next item. It returns false at the end.
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
