package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/fault"
)

const job = "projects/p/locations/l/jobs/merge"

// admin answers as the Cloud Run Admin API does, as far as Jobs asks.
type admin struct {
	mu         sync.Mutex
	executions []map[string]any        // newest first
	tasks      map[string][]any        // of an execution
	refuse     func(method string) int // a status to answer with, after the effect; 0: none
	calls      []string
}

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	var method string
	var answer any
	switch {
	case strings.HasSuffix(path, ":run"):
		method, answer = "run", a.run(r)
	case strings.HasSuffix(path, "/executions"):
		method, answer = "list", a.list(r)
	case strings.HasSuffix(path, "/tasks"):
		method, answer = "tasks", map[string]any{"tasks": a.tasks[strings.TrimSuffix(path, "/tasks")]}
	case strings.HasSuffix(path, ":cancel"):
		method, answer = "cancel", map[string]any{"name": "operations/2"}
	default:
		method = "get"
		for _, e := range a.executions {
			if e["name"] == path {
				answer = e
			}
		}
	}
	a.calls = append(a.calls, method)
	status := http.StatusOK
	if answer == nil {
		status = http.StatusNotFound
	}
	if a.refuse != nil {
		if refused := a.refuse(method); refused != 0 {
			status = refused
		}
	}
	if status != http.StatusOK {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(status)
		answer = map[string]any{"error": map[string]any{
			"code":    status,
			"message": http.StatusText(status),
		}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (a *admin) run(r *http.Request) any {
	var body struct {
		Overrides struct {
			TaskCount          int
			ContainerOverrides []struct{ Env []any }
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	execution := map[string]any{
		"name":      fmt.Sprintf("%s/executions/e%d", job, len(a.executions)+1),
		"taskCount": body.Overrides.TaskCount,
		"createTime": time.Date(
			2026,
			11,
			20,
			12,
			len(a.executions),
			0,
			0,
			time.UTC,
		).Format(time.RFC3339),
		"template": map[string]any{"containers": []any{map[string]any{"env": body.Overrides.ContainerOverrides[0].Env}}},
	}
	a.executions = slices.Insert(a.executions, 0, execution)
	return map[string]any{"name": "operations/1", "metadata": execution}
}

// list gives two a page.
func (a *admin) list(r *http.Request) any {
	at := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("pageToken"), &at)
	end := min(at+2, len(a.executions))
	answer := map[string]any{"executions": a.executions[at:end]}
	if end < len(a.executions) {
		answer["nextPageToken"] = fmt.Sprint(end)
	}
	return answer
}

func jobs(t *testing.T, a *admin) *dispatch.Jobs {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	jobs, err := dispatch.NewJobs(t.Context(), dispatch.JobsOptions{
		Endpoint: server.URL, Client: server.Client(),
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func launch(key string) dispatch.Launch {
	return dispatch.Launch{Key: key, Env: map[string]string{"RECORD": "7"}, Tasks: 3}
}

func TestStart(t *testing.T) {
	t.Parallel()
	a := &admin{}
	jobs := jobs(t, a)
	for i, key := range []string{"7-1", "7-2", "7-1", "7-3", "7-2"} {
		name, err := jobs.Start(t.Context(), job, launch(key))
		if err != nil {
			t.Fatal(err)
		}
		if want := job + "/executions/e" + key[2:]; name != want {
			t.Errorf("start %d: %s, want %s", i, name, want)
		}
	}
	found, err := jobs.List(t.Context(), job, time.Time{})
	if err != nil || len(found) != 3 {
		t.Fatalf("found %d executions (%v), want 3", len(found), err)
	}
	if e := found[0]; e.Tasks != 3 || e.Ended() || e.Env[dispatch.KeyEnv] != "7-3" {
		t.Errorf("the newest is %+v", e)
	}
	found, err = jobs.List(t.Context(), job, time.Date(2026, 11, 20, 12, 2, 30, 0, time.UTC))
	if err != nil || len(found) != 1 {
		t.Errorf("since 12:02:30 found %d executions (%v), want 1", len(found), err)
	}
}

// TestStartLostAnswer: the job is started, and its answer lost, time and again.
func TestStartLostAnswer(t *testing.T) {
	t.Parallel()
	a := &admin{refuse: func(method string) int {
		if method == "run" {
			return http.StatusServiceUnavailable
		}
		return 0
	}}
	name, err := jobs(t, a).Start(t.Context(), job, launch("7-1"))
	if err != nil || name != job+"/executions/e1" || len(a.executions) != 1 {
		t.Errorf(
			"%s, %v, %d executions; want the one that was started",
			name, err, len(a.executions),
		)
	}
	if want := []string{"list", "run", "list"}; !slices.Equal(a.calls, want) {
		t.Errorf("calls %v, want %v", a.calls, want)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	with := func(status int) *dispatch.Jobs {
		return jobs(t, &admin{refuse: func(string) int { return status }})
	}
	_, err := with(http.StatusForbidden).Start(t.Context(), job, launch("7-1"))
	if final := (*fault.PermanentError)(nil); !errors.As(err, &final) || !final.Cause.Is(cause.CodeCloudRefused) {
		t.Errorf("403: %v, want permanent", err)
	}
	_, err = with(http.StatusNotFound).Execution(t.Context(), job+"/executions/e1")
	if !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("404: %v, want not found", err)
	}
	_, err = with(http.StatusTooManyRequests).List(t.Context(), job, time.Time{})
	if final := (*fault.PermanentError)(nil); err == nil || errors.As(err, &final) {
		t.Errorf("429: %v, want an error worth another try", err)
	}
	if err := with(http.StatusBadRequest).Cancel(t.Context(), job+"/executions/e1"); err == nil {
		t.Error("400: cancelled")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := with(http.StatusServiceUnavailable).Execution(ctx, job+"/executions/e1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

func TestExecution(t *testing.T) {
	t.Parallel()
	const name = job + "/executions/e1"
	const end = "2026-11-20T12:05:00.5Z"
	type m = map[string]any
	for _, c := range []struct {
		cause  dispatch.Cause
		result m
	}{
		{dispatch.CauseMemory, m{"termSignal": 9}},
		{dispatch.CauseMemory, m{"exitCode": 137}},
		{
			dispatch.CauseMemory,
			m{
				"exitCode": 1,
				"status": m{
					"code":    8,
					"message": "Memory limit of 512 MiB exceeded with 513 MiB used.",
				},
			},
		},
		{
			dispatch.CauseTimeout,
			m{
				"termSignal": 9,
				"status":     m{"code": 4, "message": "The configured timeout was reached."},
			},
		},
		{dispatch.CauseTimeout, m{"exitCode": 124}},
		{
			dispatch.CauseExit,
			m{
				"exitCode": 1,
				"status":   m{"code": 2, "message": "The container exited with an error."},
			},
		},
		{dispatch.CauseSignal, m{"termSignal": 11}},
		{dispatch.CauseUnknown, m{"status": m{"code": 13}}},
	} {
		a := &admin{
			executions: []m{{
				"name":           name,
				"taskCount":      3,
				"succeededCount": 2,
				"failedCount":    1,
				"completionTime": end,
			}},
			tasks: map[string][]any{name: {
				m{"index": 0, "completionTime": end, "lastAttemptResult": m{"status": m{}}},
				m{"index": 1, "completionTime": end, "retried": 2, "lastAttemptResult": c.result},
				m{"index": 2, "lastAttemptResult": m{"exitCode": 1}}, // still being tried
			}},
		}
		e, err := jobs(t, a).Execution(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Ended() || e.OK() || len(e.Failures) != 1 {
			t.Fatalf("%v: %+v, want one failure", c.result, e)
		}
		if f := e.Failures[0]; f.Cause != c.cause || f.Task != 1 || f.Retries != 2 {
			t.Errorf("%v: %+v, want cause %s", c.result, f, c.cause)
		}
		if e.Detail() == "" || e.Reason().IsZero() {
			t.Errorf("%v: no words for it", c.result)
		}
	}
	a := &admin{executions: []m{{
		"name":           name,
		"taskCount":      1,
		"succeededCount": 1,
		"completionTime": end,
	}}}
	if e, err := jobs(t, a).Execution(t.Context(), name); err != nil || !e.OK() {
		t.Errorf("%+v, %v; want success", e, err)
	}
	// Cancelling what has ended is refused, and is fine.
	a.refuse = func(method string) int {
		if method == "cancel" {
			return http.StatusBadRequest
		}
		return 0
	}
	if err := jobs(t, a).Cancel(t.Context(), name); err != nil {
		t.Error(err)
	}
}
