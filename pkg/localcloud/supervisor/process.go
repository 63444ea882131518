// Package supervisor runs processes that must not outlive the one that starts them: functions
// that are kept running ([Supervisor]), and single tasks ([Start]).
//
// A child has a session of its own, so that a Ctrl-C on the terminal is its parent's to pass on,
// and so that what it starts in turn is found: when a child has ended, however it did, everything
// of its session is killed. When the parent dies, even by SIGKILL, the kernel kills the child
// (Linux only; elsewhere an orphan lives until it notices). It knows commands and addresses, and
// nothing of what the children do.
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

// Command is a program and what it is given.
type Command struct {
	Args []string // the program's path and its arguments
	Env  []string // all of it: nothing is inherited
	// gets the lines of both outputs, one a call; nil: nobody reads them. See [Lines]
	Output io.Writer
}

// Exit is how a process ended.
type Exit struct {
	Code   int // -1 if a signal ended it
	Signal syscall.Signal
	Err    error // why it is not known, or why the process could not be started
}

// OK tells whether the process ended by itself and without complaint.
func (e Exit) OK() bool {
	return e.Err == nil && e.Code == 0 && e.Signal == 0
}

// String says how the process ended.
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != 0:
		return "ended by signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Process is a running child.
type Process struct {
	process *os.Process
	exit    Exit
	done    chan struct{}
}

// Start starts a process.
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

// live is the process from start to end. The kernel kills a child when the *thread* that started
// it ends, so that thread is held until the child has ended.
func (p *Process) live(command Command, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(
		context.Background(), command.Args[0], command.Args[1:]...,
	) //nolint:gosec // who starts children says what
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
	sweep(p.Pid()) // which also closes the pipe's other end
	output.Wait()
	close(p.done)
}

// exitOf reads how a process ended.
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

// lineBytes is the longest line that is passed on in one piece.
const lineBytes = 64 << 10

// passLines hands lines over until the pipe ends. A writer that fails does not stop the child.
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

// Pid is the process's number, also of its session.
func (p *Process) Pid() int {
	return p.process.Pid
}

// Done is closed when the process has ended and nothing of its session is left.
func (p *Process) Done() <-chan struct{} {
	return p.done
}

// Exit waits for the end.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Stop asks the process to end, kills it after grace, and waits for the end.
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

// Kill kills the process and its session, and does not wait.
func (p *Process) Kill() {
	_ = p.process.Kill()
}
