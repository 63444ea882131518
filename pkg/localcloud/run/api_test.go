package run_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/run/v2"

	"github.com/nvr-miem/merger/pkg/localcloud/run"
)

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
		{
			"POST",
			"/v2/" + job + ":run",
			`{"overrides":{"containerOverrides":[{"name":"other"}]}}`,
			400,
		},
		{
			"POST",
			"/v2/" + job + ":run",
			`{"overrides":{"containerOverrides":[{"env":[{"name":""}]}]}}`,
			400,
		},
		{
			"POST",
			"/v2/" + job + ":run",
			`{"overrides":{"containerOverrides":[{"env":[{"name":"CLOUD_RUN_JOB"}]}]}}`,
			400,
		},
		{
			"POST",
			"/v2/" + job + ":run",
			`{"overrides":{"containerOverrides":[{"env":[{"name":"A"},{"name":"A"}]}]}}`,
			400,
		},
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
		request, err := http.NewRequestWithContext(
			t.Context(), c.method, s.url+c.path, strings.NewReader(c.body),
		)
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
			t.Errorf(
				"%s %s %s: %d, want %d: %s", c.method, c.path, c.body, response.StatusCode, c.want, body,
			)
		}
		var refused struct {
			Error struct {
				Code            int
				Message, Status string
			}
		}
		if err := json.Unmarshal(body, &refused); err != nil ||
			c.want != 200 && (refused.Error.Code != c.want || refused.Error.Status == "") {
			t.Errorf("%s %s: not Google's form: %s", c.method, c.path, body)
		}
	}
	found, err := s.List(t.Context(), job, time.Time{})
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
