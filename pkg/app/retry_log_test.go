package app_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/sethvargo/go-envconfig"
	"google.golang.org/grpc/codes"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/run"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// cloud is the storage and the jobs of a deployment that fails as the rules say; Pub/Sub refuses everything.
type cloud struct {
	*app.Process

	metrics *observe.Metrics
	log     bytes.Buffer
}

const job = "projects/local/locations/local/jobs/merge"

func open(t *testing.T, rules ...faults.Rule) *cloud {
	t.Helper()
	table := faults.New(time.Millisecond)
	for _, rule := range rules {
		if err := table.Add(rule); err != nil {
			t.Fatal(err)
		}
	}
	buckets, err := storage.New(storage.Options{Dir: t.TempDir(), Faults: table, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := run.New(run.Options{
		Dir:     t.TempDir(),
		Job:     job,
		Command: []string{"true"},
		Faults:  table,
		Scale:   1000,
		Now:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/v2/", jobs)
	mux.Handle("/", buckets)
	server := httptest.NewServer(mux)
	topics := pstest.NewServer(pstest.WithErrorInjection("Publish", codes.PermissionDenied, "no"))
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))

	c := &cloud{metrics: observe.NewMetrics()}
	settings, err := config.From(t.Context(), envconfig.MapLookuper(map[string]string{
		"STORAGE_ENDPOINT":   server.URL + "/storage/v1/",
		"RUN_ENDPOINT":       server.URL,
		"PUBSUB_ENDPOINT":    topics.Addr,
		"WORKSPACE_ENDPOINT": google.URL,
		"WORK_BUCKET":        "work",
		"DRIVE_SUBJECT":      "nvr@example.org",
		"TIME_SCALE":         "1000",
	}))
	if err != nil {
		t.Fatal(err)
	}
	log := observe.Logger(c.metrics.Writer(&c.log), observe.Options{Level: slog.LevelInfo})
	c.Process, err = app.New(
		t.Context(),
		settings,
		log,
		time.Now,
		app.Buckets,
		app.Jobs,
		app.Topics,
		app.Workspace(workspace.UploadScopes()),
	)
	if err := errors.Join(err, buckets.Ensure("work")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.Close()
		server.Close()
		google.Close()
		jobs.Close()
		if err := errors.Join(err, buckets.Close(), topics.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestFailedCallsAreCounted makes calls of every API against faults: what is tried again, and what is not.
func TestFailedCallsAreCounted(t *testing.T) {
	t.Parallel()
	c := open(t,
		faults.Rule{API: "storage", Method: "objects.list", Nth: 1, Kind: faults.Broken},
		faults.Rule{API: "storage", Method: "objects.insert", Nth: 1, Kind: faults.RateLimited},
		faults.Rule{API: "storage", Method: "objects.delete", Rate: 1, Kind: faults.Broken},
		faults.Rule{API: "run", Method: "executions.list", Nth: 1, Kind: faults.TooMany},
		faults.Rule{API: "run", Method: "jobs.run", Rate: 1, Kind: faults.Cut},
	)
	ctx := observe.With(t.Context(), "upload", nvr.Claim{Record: 12, Attempt: 1}, "504")
	for _, err := range c.Work.List(ctx, "1/") {
		t.Error(err)
	}
	made, err := c.Work.CreateBytes(ctx, "1/a", "text/plain", nil, []byte("a"))
	if err != nil {
		t.Error(err)
	}
	if _, err := c.Work.Stat(ctx, "1/absent"); err == nil {
		t.Error("absent is there")
	}
	if _, err := c.Jobs.List(ctx, job, time.Time{}); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"delete":  c.Work.Delete(ctx, made.Name, made.Generation),
		"run":     start(ctx, c),
		"publish": c.Topics.Publish(ctx, "stage", nvr.Claim{}),
		"drive":   look(ctx, c),
	} {
		if err == nil {
			t.Errorf("%s went through", what)
		}
	}
	answer := httptest.NewRecorder()
	c.metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := answer.Body.String()
	for _, want := range []string{
		`nvr_retries_total{api="storage",method="objects.list"} 1`, `nvr_retries_total{api="storage",method="objects.insert"} 1`,
		`nvr_retries_total{api="storage",method="objects.delete"} `, `nvr_api_errors_total{api="storage",method="objects.delete",status="500"} 1`,
		`nvr_retries_total{api="run",method="executions.list"} 1`, `nvr_retries_total{api="run",method="jobs.run"} `,
		`nvr_api_errors_total{api="run",method="jobs.run",status="0"} 1`, `nvr_api_errors_total{api="pubsub",method="topics.publish",status="403"} 1`,
		`nvr_api_errors_total{api="drive",method="files.get",status="401"} 1`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "objects.get") {
		t.Error("an object that is not there counts as a failure")
	}
	for line := range strings.Lines(c.log.String()) {
		if !strings.Contains(line, `"record":12,`) {
			t.Errorf("nobody knows whose call it was: %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func start(ctx context.Context, c *cloud) error {
	_, err := c.Jobs.Start(ctx, job, dispatch.Launch{Key: "1", Tasks: 1})
	return err
}

func look(ctx context.Context, c *cloud) error {
	_, err := c.Workspace.Stat(ctx, "1")
	return err
}
