package run_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/api/option"
	api "google.golang.org/api/run/v2"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/run"
)

const job = "projects/local/locations/local/jobs/merge"

// act is what this binary does when it is run as a task.
const act = "ACT"

func TestMain(m *testing.M) {
	attempt, _ := strconv.Atoi(os.Getenv("CLOUD_RUN_TASK_ATTEMPT"))
	switch os.Getenv(act) {
	case "":
		os.Exit(m.Run())
	case "tell":
		env := map[string]string{}
		for _, e := range os.Environ() {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		env["ARGS"] = strings.Join(os.Args[1:], " ")
		_ = json.NewEncoder(os.Stdout).Encode(env)
	case "fail": // until the attempt that is told
		if good, err := strconv.Atoi(os.Getenv("GOOD")); err != nil || attempt < good {
			os.Exit(3)
		}
	case "wait":
		fmt.Println("waiting")
		<-time.After(time.Hour)
	case "once": // waits the first time it is run, and is done the second time
		if _, err := os.Stat(os.Getenv("FLAG")); err == nil {
			os.Exit(0)
		}
		_ = os.WriteFile(os.Getenv("FLAG"), nil, 0o600)
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		fmt.Println("waiting")
		<-asked
		os.Exit(1)
	}
	os.Exit(0)
}

// lines are what tasks print.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- strings.TrimSuffix(string(p), "\n")
	return len(p), nil
}

func (l lines) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-l:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("the tasks say nothing")
	}
	return ""
}

// stand is the server with its two clients: ours, and Google's for what ours does not call.
type stand struct {
	*dispatch.Jobs
	server *run.Server
	raw    *api.Service
	url    string
	lines  lines
}

func start(t *testing.T, options run.Options) *stand {
	t.Helper()
	s := &stand{lines: make(lines, 1000)}
	options.Command = append(slices.Clone(os.Args[:1]), "as", "built")
	options.Output, options.Scale, options.Now = s.lines, 1000, time.Now
	options.Env = append(options.Env, "BASE=secret", "BOTH=job")
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	var err error
	if s.server, err = run.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Close)
	front := httptest.NewServer(s.server)
	t.Cleanup(front.Close)
	s.url = front.URL
	if s.Jobs, err = dispatch.NewJobs(t.Context(), dispatch.JobsOptions{Endpoint: s.url, Scale: 100}); err != nil {
		t.Fatal(err)
	}
	if s.raw, err = api.NewService(t.Context(), option.WithEndpoint(s.url+"/"), option.WithoutAuthentication()); err != nil {
		t.Fatal(err)
	}
	return s
}

// launch starts an execution of tasks that do something.
func (s *stand) launch(t *testing.T, key, what string, tasks int, env map[string]string) string {
	t.Helper()
	all := map[string]string{act: what, "RECORD": "7"}
	maps.Copy(all, env)
	name, err := s.Start(t.Context(), job, dispatch.Launch{Key: key, Env: all, Tasks: tasks})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// end waits until an execution has ended, by the API's own way to wait.
func (s *stand) end(t *testing.T, name string) dispatch.Execution {
	t.Helper()
	execution, err := s.raw.Projects.Locations.Jobs.Executions.Get(name).Do()
	if err != nil {
		t.Fatal(err)
	}
	operation := "projects/local/locations/local/operations/" + execution.Uid
	done, err := s.raw.Projects.Locations.Operations.Wait(operation, &api.GoogleLongrunningWaitOperationRequest{Timeout: "20s"}).Do()
	if err != nil || !done.Done {
		t.Fatalf("%s has not ended: %v", name, err)
	}
	e, err := s.Execution(t.Context(), name)
	if err != nil || !e.Ended() {
		t.Fatalf("%+v, %v: want ended", e, err)
	}
	return e
}

// pids waits until so many tasks run.
func (s *stand) pids(t *testing.T, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		pids := s.server.Pids()
		if len(pids) == n {
			return pids
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d processes run, want %d", len(pids), n)
		}
		<-time.After(time.Millisecond)
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{})
	name := s.launch(t, "7-1", "tell", 3, map[string]string{"BOTH": "launch"})
	e := s.end(t, name)
	if !e.OK() || e.Tasks != 3 || e.Succeeded != 3 || e.Failed != 0 || e.Running != 0 || len(e.Failures) != 0 {
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
			"CLOUD_RUN_JOB": "merge", "CLOUD_RUN_EXECUTION": filepath.Base(name), "CLOUD_RUN_TASK_COUNT": "3", "CLOUD_RUN_TASK_ATTEMPT": "0",
			"RECORD": "7", "LAUNCH_KEY": "7-1", "BASE": "secret", "BOTH": "launch", "ARGS": "as built", "HOME": "",
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
	if e := s.end(t, s.launch(t, "7-1", "fail", 2, map[string]string{"GOOD": "2"})); !e.OK() || e.Retried != 2 {
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
	found, err := s.Find(t.Context(), job, "RECORD", "7", time.Time{})
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
	found, err := after.Find(t.Context(), job, "RECORD", "7", time.Time{})
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

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{})
	var names []string
	for i := range 5 {
		names = append(names, s.launch(t, strconv.Itoa(i), "tell", 3, nil))
	}
	slices.Reverse(names)
	var got []string
	err := s.raw.Projects.Locations.Jobs.Executions.List(job).PageSize(2).Pages(t.Context(), func(page *api.GoogleCloudRunV2ListExecutionsResponse) error {
		if len(page.Executions) > 2 {
			t.Errorf("%d in a page", len(page.Executions))
		}
		for _, e := range page.Executions {
			got = append(got, e.Name)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("%v, %v; want %v", got, err, names)
	}
	tasks := 0
	err = s.raw.Projects.Locations.Jobs.Executions.Tasks.List(names[0]).PageSize(2).Pages(t.Context(), func(page *api.GoogleCloudRunV2ListTasksResponse) error {
		tasks += len(page.Tasks)
		for _, task := range page.Tasks {
			if _, err := s.raw.Projects.Locations.Jobs.Executions.Tasks.Get(task.Name).Do(); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil || tasks != 3 {
		t.Errorf("%d tasks, %v", tasks, err)
	}
	got0, err := s.raw.Projects.Locations.Jobs.Get(job).Do()
	if err != nil || got0.ExecutionCount != 5 || got0.LatestCreatedExecution.Name != names[0] {
		t.Errorf("%+v, %v", got0, err)
	}
	for _, name := range names {
		s.end(t, name)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, run.Options{})
	execution := s.launch(t, "7-1", "wait", 1, nil)
	s.lines.next(t)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v2/" + job, "", 200},
		{"GET", "/v2/" + job + "?fields=name,template(template/timeout,parallelism)", "", 200},
		{"GET", "/v2/" + job + "?fields=name(", "", 400},
		{"GET", "/v2/" + job + "?fields=,", "", 400},
		{"GET", "/v2/" + job + "?colour=red", "", 400},
		{"GET", "/v2/" + job + "s", "", 404},
		{"GET", "/v1/" + job, "", 404},
		{"DELETE", "/v2/" + job, "", 501},
		{"POST", "/v2/" + job + "x:run", "{}", 404},
		{"POST", "/v2/" + job + ":run", `{"colour":"red"}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"taskCount":"three"}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"taskCount":-1}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"taskCount":10001}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"timeout":"1h"}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"containerOverrides":[{"name":"other"}]}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"containerOverrides":[{"env":[{"name":""}]}]}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"containerOverrides":[{"env":[{"name":"CLOUD_RUN_JOB"}]}]}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"overrides":{"containerOverrides":[{"env":[{"name":"A"},{"name":"A"}]}]}}`, 400},
		{"POST", "/v2/" + job + ":run", `{"etag":"other"}`, 409},
		{"POST", "/v2/" + job + ":run", `{`, 400},
		{"POST", "/v2/" + job + ":run", `{"validateOnly":true}`, 200},
		{"GET", "/v2/" + job + "/executions?pageSize=-1", "", 400},
		{"GET", "/v2/" + job + "/executions?pageToken=!", "", 400},
		{"GET", "/v2/" + job + "/executions/none", "", 404},
		{"GET", "/v2/" + job + "/executions/none/tasks", "", 404},
		{"POST", "/v2/" + job + "/executions/none:cancel", "{}", 404},
		{"DELETE", "/v2/" + execution, "", 400},
		{"GET", "/v2/projects/local/locations/local/operations/none", "", 404},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, s.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s %s %s: %d, want %d: %s", c.method, c.path, c.body, response.StatusCode, c.want, body)
		}
		var refused struct {
			Error struct {
				Code            int
				Message, Status string
			}
		}
		if err := json.Unmarshal(body, &refused); err != nil || c.want != 200 && (refused.Error.Code != c.want || refused.Error.Status == "") {
			t.Errorf("%s %s: not Google's form: %s", c.method, c.path, body)
		}
	}
	found, err := s.Find(t.Context(), job, "RECORD", "7", time.Time{})
	if err != nil || len(found) != 1 {
		t.Errorf("%d executions, want the one that was not refused", len(found))
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := run.Options{Command: os.Args[:1], Dir: dir, Now: time.Now}
	if err := os.WriteFile(filepath.Join(dir, "merge-1.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run.New(good); err == nil {
		t.Error("took a broken file for an execution")
	}
	good.Dir = t.TempDir()
	bad := good
	bad.Job = "merge"
	if _, err := run.New(bad); err == nil {
		t.Error("took a short name")
	}
	bad = good
	bad.Command = nil
	if _, err := run.New(bad); err == nil {
		t.Error("took a job without a command")
	}
}

// TestPrune: a thousand executions that have ended are kept, as in the cloud, and no more.
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
		copied := strings.NewReplacer(filepath.Base(first.Name), id, `"sequence":1,`, fmt.Sprintf(`"sequence":%d,`, i+2)).Replace(string(state))
		if err := os.WriteFile(filepath.Join(dir, id+".json"), []byte(copied), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, run.Options{Dir: dir})
	s.end(t, s.launch(t, "8-1", "tell", 1, nil))
	found, err := s.Find(t.Context(), job, "RECORD", "7", time.Time{})
	if err != nil || len(found) != 1000 || found[len(found)-1].Name == first.Name {
		t.Errorf("%d executions, %v", len(found), err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the oldest is still on disk")
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) != 1000 {
		t.Errorf("%d files, %v", len(files), err)
	}
}
