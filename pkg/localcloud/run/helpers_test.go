package run_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/api/option"
	api "google.golang.org/api/run/v2"

	"github.com/nvr-miem/merger/pkg/dispatch"
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
	options.Output, options.Scale = s.lines, 1000
	if options.Now == nil {
		options.Now = time.Now
	}
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
	if s.Jobs, err = dispatch.NewJobs(
		t.Context(), dispatch.JobsOptions{Endpoint: s.url, Scale: 100},
	); err != nil {
		t.Fatal(err)
	}
	if s.raw, err = api.NewService(
		t.Context(), option.WithEndpoint(s.url+"/"), option.WithoutAuthentication(),
	); err != nil {
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
	done, err := s.raw.Projects.Locations.Operations.Wait(
		operation, &api.GoogleLongrunningWaitOperationRequest{Timeout: "20s"},
	).Do()
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
