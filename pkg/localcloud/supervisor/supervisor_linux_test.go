package supervisor_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
)

// act is what this binary does when it is run as a child.
const act = "ACT"

func TestMain(m *testing.M) {
	switch os.Getenv(act) {
	case "":
		os.Exit(m.Run())
	case "exit":
		fmt.Println("one")
		fmt.Fprint(os.Stderr, "two")
		code, _ := strconv.Atoi(os.Getenv("CODE"))
		os.Exit(code)
	case "wait":
		fmt.Println("waiting", os.Getpid())
		<-time.After(time.Hour)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("waiting", os.Getpid())
		<-time.After(time.Hour)
	case "polite":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		fmt.Println("waiting", os.Getpid())
		<-asked
	case "family": // a process group of its own, as FFmpeg has
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stdout = []string{act + "=wait"}, os.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
		}
		<-time.After(time.Hour)
	case "parent": // keeps a child of its own
		if _, err := supervisor.Start(supervisor.Command{
			Args:   os.Args[:1],
			Env:    []string{act + "=stubborn"},
			Output: os.Stdout,
		}); err != nil {
			fmt.Println(err)
		}
		<-time.After(time.Hour)
	case "server":
		listener, err := net.Listen("tcp", os.Getenv("ADDR"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_ = http.Serve(listener, http.NotFoundHandler())
	}
	os.Exit(0)
}

// me is this binary as a child.
func me(what string, output lines, env ...string) supervisor.Command {
	return supervisor.Command{Args: os.Args[:1], Env: append(env, act+"="+what), Output: output}
}

// lines are what children print.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- strings.TrimSuffix(string(p), "\n")
	return len(p), nil
}

// pid waits for a line "waiting PID".
func (l lines) pid(t *testing.T) int {
	t.Helper()
	select {
	case line := <-l:
		pid, err := strconv.Atoi(strings.TrimPrefix(line, "waiting "))
		if err != nil {
			t.Fatalf("the child said %q", line)
		}
		return pid
	case <-time.After(20 * time.Second):
		t.Fatal("the child says nothing")
	}
	return 0
}

func start(t *testing.T, command supervisor.Command) *supervisor.Process {
	t.Helper()
	p, err := supervisor.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		p.Exit()
	})
	return p
}

// gone waits until a process, has ended, whatever started it.
func gone(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // long gone
	}
	defer func() { _ = unix.Close(fd) }()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("process %d still lives (%v)", pid, err)
		}
		return
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	output := make(lines, 10)
	for code, ok := range map[int]bool{0: true, 3: false} {
		exit := start(t, me("exit", output, "CODE="+strconv.Itoa(code))).Exit()
		if exit.Code != code || exit.OK() != ok || exit.Signal != 0 || exit.Err != nil {
			t.Errorf("%+v, want code %d", exit, code)
		}
		if got := []string{<-output, <-output}; got[0] != "one" || got[1] != "two" {
			t.Errorf("printed %q", got)
		}
	}
	p := start(t, me("wait", output))
	output.pid(t)
	p.Kill()
	if exit := p.Exit(); exit.Signal != syscall.SIGKILL || exit.Code != -1 || exit.OK() {
		t.Errorf("%+v, want killed", exit)
	}
	p.Kill() // once more does no harm
	for _, args := range [][]string{nil, {"/does/not/exist"}} {
		if _, err := supervisor.Start(supervisor.Command{Args: args}); err == nil {
			t.Errorf("started %q", args)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	output := make(lines, 10)
	p := start(t, me("polite", output))
	output.pid(t)
	if exit := p.Stop(time.Minute); !exit.OK() {
		t.Errorf("polite: %v", exit)
	}
	p = start(t, me("stubborn", output))
	output.pid(t)
	if exit := p.Stop(time.Millisecond); exit.Signal != syscall.SIGKILL {
		t.Errorf("stubborn: %v", exit)
	}
}

// TestFamily: what a child has started ends with it, though it is in a process group of its own.
func TestFamily(t *testing.T) {
	t.Parallel()
	output := make(lines, 10)
	p := start(t, me("family", output))
	grandchild := output.pid(t)
	p.Kill()
	p.Exit()
	gone(t, grandchild)
}

// TestOrphan: a child ends when its parent is killed.
func TestOrphan(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = []string{act + "=parent"}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "waiting ")))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	gone(t, child)
}

func address(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func supervise(t *testing.T) *supervisor.Supervisor {
	t.Helper()
	s := supervisor.Supervise(supervisor.Options{Scale: 1000})
	t.Cleanup(s.Stop)
	return s
}

func TestSupervisor(t *testing.T) {
	t.Parallel()
	s := supervise(t)
	addr := address(t)
	child := supervisor.Child{
		Name:    "stage",
		Command: me("server", make(lines, 1000), "ADDR="+addr),
		Ready:   "http://" + addr + "/",
	}
	if err := s.Run(t.Context(), child); err != nil {
		t.Fatal(err)
	}
	first := s.Pid("stage")
	if first == 0 || len(s.Pids()) != 1 || s.Pid("upload") != 0 {
		t.Fatalf("runs as %v", s.Pids())
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var second int
	for deadline := time.Now().Add(20 * time.Second); second == 0 ||
		second == first; second = s.Pid("stage") {
		if time.Now().After(deadline) {
			t.Fatal("it was not started again")
		}
		<-time.After(time.Millisecond)
	}
	if s.Restarts("stage") == 0 {
		t.Error("the restart was not counted")
	}
	s.Stop()
	gone(t, second)
	if len(s.Pids()) != 0 {
		t.Errorf("still runs as %v", s.Pids())
	}
}

func TestSupervisorNeverReady(t *testing.T) {
	t.Parallel()
	s := supervise(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := s.Run(
		ctx,
		supervisor.Child{
			Name:    "stage",
			Command: me("exit", make(lines, 100_000), "CODE=1"),
			Ready:   "http://" + address(t),
		},
	)
	if err == nil {
		t.Error("a child that dies is ready")
	}
	if err := s.Run(
		t.Context(), supervisor.Child{Name: "any", Command: me("polite", make(lines, 10))},
	); err != nil {
		t.Error(err)
	}
	started := time.Now()
	s.Stop()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
}
