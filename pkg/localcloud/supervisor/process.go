// Package supervisor runs processes that must not outlive their parent: functions that are
// restarted ([Supervisor]) and single tasks ([Start]).
//
// A child has a session of its own. The terminal therefore does not send it Ctrl-C; the parent
// decides. When a child has ended, every process of its session is killed. When the parent ends,
// even by SIGKILL, the kernel kills the child (on Linux; on other systems an orphan runs until it
// notices). The package knows commands and addresses, and nothing of what the children do.
package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Command is a program with its arguments, environment and output.
type Command struct {
	Args []string // the program's path and its arguments
	Env  []string // all of it: nothing is inherited
	// gets the lines of both outputs, one a call; nil: discarded. See [Lines]
	Output io.Writer
}

// Exit is how a process ended.
type Exit struct {
	Code   int // -1 if a signal ended it
	Signal syscall.Signal
	Err    error // why the process did not start, or why its end is not known
}

// OK reports whether the process ended by itself with exit code 0.
func (e Exit) OK() bool {
	return e.Err == nil && e.Code == 0 && e.Signal == 0
}

// String implements fmt.Stringer.
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != 0:
		return "ended by signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Process is a running child. Its methods may be called from several goroutines.
type Process struct {
	process *os.Process
	exit    Exit
	done    chan struct{}
}

// Start starts a process. The context of the caller does not end it.
func Start(command Command) (*Process, error) {
	if len(command.Args) == 0 {
		return nil, errors.New("start a process: no program is given")
	}
	p := &Process{done: make(chan struct{})}
	started := make(chan error, 1)
	go p.live(command, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Args[0], err)
	}
	return p, nil
}

// live runs the process from start to end. The kernel kills a child when the *thread* that
// started it ends, so that thread is locked until the child has ended.
func (p *Process) live(command Command, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	//nolint:gosec // the caller states the command
	cmd := exec.CommandContext(context.Background(), command.Args[0], command.Args[1:]...)
	cmd.Env = command.Env
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	cmd.SysProcAttr = attributes()
	read, write, err := os.Pipe()
	if err != nil {
		started <- err
		return
	}
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		started <- err
		return
	}
	p.process = cmd.Process
	started <- nil
	var output sync.WaitGroup
	output.Go(func() { passLines(command.Output, read) })
	p.exit = exitOf(cmd.Wait(), cmd.ProcessState)
	sweep(p.Pid()) // closes the other end of the pipe, too
	output.Wait()
	close(p.done)
}

// exitOf returns how a process ended.
func exitOf(err error, state *os.ProcessState) Exit {
	exited := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exited) {
		return Exit{Code: -1, Err: err}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal()}
	}
	return Exit{Code: state.ExitCode()}
}

// lineBytes is the length up to which a line is passed on in one piece.
const lineBytes = 64 << 10

// passLines passes lines on until the pipe ends. A writer that fails does not stop the child.
func passLines(to io.Writer, from io.ReadCloser) {
	defer func() { _ = from.Close() }()
	if to == nil {
		to = io.Discard
	}
	for lines := bufio.NewReaderSize(from, lineBytes); ; {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			if line[len(line)-1] != '\n' {
				line = append(line[:len(line):len(line)], '\n')
			}
			_, _ = to.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// Pid returns the process id, which is also the id of its session.
func (p *Process) Pid() int {
	return p.process.Pid
}

// Done returns a channel that is closed when the process has ended and no process of its session
// is left.
func (p *Process) Done() <-chan struct{} {
	return p.done
}

// Exit waits for the end and returns how the process ended.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Stop sends SIGTERM, kills the process after grace, and waits for the end.
func (p *Process) Stop(grace time.Duration) Exit {
	_ = p.process.Signal(syscall.SIGTERM) // it may have ended already
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
	}
	return p.Exit()
}

// Kill kills the process and its session without waiting.
func (p *Process) Kill() {
	_ = p.process.Kill()
}
