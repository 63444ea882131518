package run_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/run"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{})
	name := s.launch(t, "7-1", "tell", 3, map[string]string{"BOTH": "launch"})
	e := s.end(t, name)
	if !e.OK() || e.Tasks != 3 || e.Succeeded != 3 || e.Failed != 0 || e.Running != 0 ||
		len(e.Failures) != 0 {
		t.Errorf("%+v, want success", e)
	}
	indexes := map[string]bool{}
	for range 3 {
		var env map[string]string
		if err := json.Unmarshal([]byte(s.lines.next(t)), &env); err != nil {
			t.Fatal(err)
		}
		indexes[env["CLOUD_RUN_TASK_INDEX"]] = true
		for name, want := range map[string]string{
			"CLOUD_RUN_JOB":          "merge",
			"CLOUD_RUN_EXECUTION":    filepath.Base(name),
			"CLOUD_RUN_TASK_COUNT":   "3",
			"CLOUD_RUN_TASK_ATTEMPT": "0",
			"RECORD":                 "7",
			"LAUNCH_KEY":             "7-1",
			"BASE":                   "secret",
			"BOTH":                   "launch",
			"ARGS":                   "as built",
			"HOME":                   "",
		} {
			if env[name] != want {
				t.Errorf("%s is %q, want %q", name, env[name], want)
			}
		}
	}
	if len(indexes) != 3 || !indexes["0"] || !indexes["2"] {
		t.Errorf("indexes %v", indexes)
	}
	if e.Env["RECORD"] != "7" || e.Env["BASE"] != "" {
		t.Errorf("the execution shows %v: want the launch's, not the job's secrets", e.Env)
	}
	if len(s.server.Pids()) != 0 {
		t.Error("processes are left")
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{MaxRetries: 2})
	if e := s.end(
		t, s.launch(t, "7-1", "fail", 2, map[string]string{"GOOD": "2"}),
	); !e.OK() || e.Retried != 2 {
		t.Errorf("good at the third try: %+v", e)
	}
	e := s.end(t, s.launch(t, "7-2", "fail", 2, map[string]string{"GOOD": "3"}))
	if e.OK() || e.Failed != 2 || len(e.Failures) != 2 {
		t.Fatalf("good at the fourth try only: %+v", e)
	}
	if f := e.Failures[0]; f.Cause != dispatch.CauseExit || f.ExitCode != 3 || f.Retries != 2 {
		t.Errorf("%+v, want exit code 3 after two retries", f)
	}
}

func TestKilled(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{MaxRetries: 1, Parallel: 1})
	name := s.launch(t, "7-1", "wait", 1, nil)
	for range 2 {
		s.lines.next(t)
		if err := syscall.Kill(s.pids(t, 1)[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	e := s.end(t, name)
	if len(e.Failures) != 1 || e.Failures[0].Cause != dispatch.CauseMemory || e.Failures[0].Signal != 9 {
		t.Errorf("%+v, want killed", e)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{MaxRetries: -1, Timeout: 10 * time.Millisecond})
	e := s.end(t, s.launch(t, "7-1", "wait", 1, nil))
	if len(e.Failures) != 1 || e.Failures[0].Cause != dispatch.CauseTimeout {
		t.Errorf("%+v, want a time-out", e)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{Parallel: 1})
	name := s.launch(t, "7-1", "wait", 3, nil)
	s.lines.next(t)
	if e, err := s.Execution(t.Context(), name); err != nil || e.Running != 1 || e.Ended() {
		t.Errorf("%+v, %v: want one running", e, err)
	}
	if err := s.Cancel(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	e := s.end(t, name)
	if e.Cancelled != 3 || e.OK() || e.Failed != 0 {
		t.Errorf("%+v, want all cancelled", e)
	}
	if err := s.Cancel(t.Context(), name); err != nil {
		t.Errorf("cancelled twice: %v", err)
	}
	if _, err := s.raw.Projects.Locations.Jobs.Executions.Delete(name).Do(); err != nil {
		t.Error(err)
	}
	if _, err := s.Execution(t.Context(), name); err == nil {
		t.Error("the execution is still there")
	}
}

// TestLost: the answer of a start is lost, and the execution found.
func TestLost(t *testing.T) {
	t.Parallel()
	table := faults.New(0)
	s := start(t, run.Options{Faults: table})
	for _, rule := range []faults.Rule{
		{API: "run", Method: "jobs.run", Nth: 1, Kind: faults.Lost},
		{API: "run", Method: "executions.list", Nth: 2, Kind: faults.Broken},
	} {
		if err := table.Add(rule); err != nil {
			t.Fatal(err)
		}
	}
	e := s.end(t, s.launch(t, "7-1", "tell", 1, nil))
	found, err := s.List(t.Context(), job, time.Time{})
	if err != nil || len(found) != 1 || found[0].Name != e.Name {
		t.Errorf("%d executions (%v), want the one", len(found), err)
	}
}

// TestRestart: what ran goes on, what had ended is remembered, what waits is not lost.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flag := filepath.Join(dir, "flag")
	before := start(t, run.Options{Dir: filepath.Join(dir, "run"), Parallel: 1})
	first := before.end(t, before.launch(t, "7-1", "tell", 1, nil))
	before.lines.next(t)
	name := before.launch(t, "7-2", "once", 2, map[string]string{"FLAG": flag})
	before.lines.next(t)
	before.server.Close()
	if len(before.server.Pids()) != 0 {
		t.Error("processes are left")
	}
	after := start(t, run.Options{Dir: filepath.Join(dir, "run"), Parallel: 1})
	if e := after.end(t, name); !e.OK() || e.Retried != 0 {
		t.Errorf("%+v, want success without a retry", e)
	}
	if e, err := after.Execution(t.Context(), first.Name); err != nil || !e.OK() {
		t.Errorf("%+v, %v: want it remembered", e, err)
	}
	found, err := after.List(t.Context(), job, time.Time{})
	if err != nil || len(found) != 2 || found[0].Name != name {
		t.Errorf("%v, %v", found, err)
	}
}

func TestParallel(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{Parallel: 2})
	name := s.launch(t, "7-1", "wait", 5, nil)
	s.lines.next(t)
	s.lines.next(t)
	s.pids(t, 2)
	if e, err := s.Execution(t.Context(), name); err != nil || e.Running != 2 {
		t.Errorf("%+v, %v: want 2 at once", e, err)
	}
	if err := s.Cancel(t.Context(), name); err != nil {
		t.Error(err)
	}
	s.end(t, name)
}

// TestPrune: all executions of seven days are kept, and of the older ones as many as make a thousand, as in the
// cloud.
func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, run.Options{Dir: dir})
	first := s.end(t, s.launch(t, "7-1", "tell", 1, nil))
	s.server.Close()
	path := filepath.Join(dir, filepath.Base(first.Name)+".json")
	state, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1002 {
		id := fmt.Sprintf("merge-%05d", i)
		copied := strings.NewReplacer(
			filepath.Base(first.Name), id, `"sequence":1,`, fmt.Sprintf(`"sequence":%d,`, i+2),
		).Replace(string(state))
		if err := os.WriteFile(filepath.Join(dir, id+".json"), []byte(copied), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		passed time.Duration
		want   int
	}{
		{6 * 24 * time.Hour, 1004},
		{8 * 24 * time.Hour, 1000},
	} {
		s = start(t, run.Options{Dir: dir, Now: func() time.Time { return time.Now().Add(c.passed) }})
		s.end(t, s.launch(t, c.passed.String(), "tell", 1, nil))
		found, err := s.List(t.Context(), job, time.Time{})
		if err != nil || len(found) != c.want {
			t.Errorf("after %v: %d executions, %v", c.passed, len(found), err)
		}
		if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) != c.want {
			t.Errorf("after %v: %d files, %v", c.passed, len(files), err)
		}
		s.server.Close()
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the oldest is still on disk")
	}
}
