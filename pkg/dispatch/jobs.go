package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/option"
	run "google.golang.org/api/run/v2"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
)

// KeyEnv is the variable that names a launch among the executions of its job.
const KeyEnv = "LAUNCH_KEY"

// JobsOptions say where the Cloud Run Admin API is.
type JobsOptions struct {
	Endpoint string       // like http://127.0.0.1:8081/; empty: Google's
	Client   *http.Client // nil: with the process's own credentials at Google, with none elsewhere
	Scale    float64      // divides the waits between tries; 0 is 1
	Pause    func(context.Context, time.Duration) error
	Tried    fault.CallObserver // for metrics; may be nil
}

// Jobs starts executions of jobs and asks what became of them. Jobs and executions are named in full,
// as in projects/P/locations/L/jobs/J/executions/E.
type Jobs struct {
	service *run.Service
	policy  call.Policy
}

// NewJobs makes no call.
func NewJobs(ctx context.Context, options JobsOptions) (*Jobs, error) {
	var how []option.ClientOption
	if options.Endpoint != "" {
		how = append(
			how,
			option.WithEndpoint(strings.TrimSuffix(options.Endpoint, "/")+"/"),
			option.WithTelemetryDisabled(),
		)
		if options.Client == nil {
			how = append(how, option.WithoutAuthentication())
		}
	}
	if options.Client != nil {
		how = append(how, option.WithHTTPClient(options.Client))
	}
	service, err := run.NewService(ctx, how...)
	if err != nil {
		return nil, fmt.Errorf("open the Cloud Run Admin API: %w", err)
	}
	return &Jobs{
		service: service,
		policy:  newPolicy(options.Scale, options.Pause, options.Tried),
	}, nil
}

// Launch is one wish to run a job.
type Launch struct {
	Key   string            // names this wish and no other; the execution carries it as KeyEnv
	Env   map[string]string // added to the job's own; it is stored and logged, so it holds no secrets
	Tasks int
	Since time.Time // when the wish may first have been uttered: older executions are not looked at; zero: all are
}

// Start makes sure that an execution of the launch was started, and returns its name. The call that
// runs a job cannot be deduplicated, so Start looks for the execution before each try. Where an answer
// is lost and the execution does not show yet, a second one may start. The caller must tolerate that.
func (j *Jobs) Start(ctx context.Context, job string, launch Launch) (string, error) {
	var name string
	err := do(ctx, j.policy, "run.jobs.run", func(ctx context.Context) error {
		all, err := j.list(ctx, job, launch.Since)
		if err != nil {
			return err
		}
		for _, execution := range slices.Backward(all) { // the first that was started
			if execution.Env[KeyEnv] == launch.Key {
				name = execution.Name
				return nil
			}
		}
		name, err = j.run(ctx, job, launch)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("start job %s for %s: %w", job, launch.Key, err)
	}
	return name, nil
}

// run starts an execution, once. After an error it is unknown if it was started.
func (j *Jobs) run(ctx context.Context, job string, launch Launch) (string, error) {
	env := []*run.GoogleCloudRunV2EnvVar{{Name: KeyEnv, Value: launch.Key}}
	for name, value := range launch.Env {
		env = append(env, &run.GoogleCloudRunV2EnvVar{Name: name, Value: value})
	}
	slices.SortFunc(env, func(a, b *run.GoogleCloudRunV2EnvVar) int {
		return strings.Compare(a.Name, b.Name)
	})
	operation, err := j.service.Projects.Locations.Jobs.Run(job, &run.GoogleCloudRunV2RunJobRequest{
		Overrides: &run.GoogleCloudRunV2Overrides{
			TaskCount:          int64(launch.Tasks),
			ContainerOverrides: []*run.GoogleCloudRunV2ContainerOverride{{Env: env}},
		},
	}).Context(ctx).Fields("name", "metadata", "error").Do()
	if err != nil {
		return "", err
	}
	var execution struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(operation.Metadata, &execution); err != nil {
		return "", fmt.Errorf("read the metadata of operation %s: %w", operation.Name, err)
	}
	if execution.Name == "" {
		return "", fmt.Errorf("operation %s does not name its execution", operation.Name)
	}
	return execution.Name, nil
}

// List returns the executions of a job, newest first, without what their tasks died of. Executions made
// before since are not looked at; a zero since looks at all that the job remembers, which are many pages:
// a caller that needs several takes them out of one listing.
func (j *Jobs) List(ctx context.Context, job string, since time.Time) ([]Execution, error) {
	var all []Execution
	err := do(ctx, j.policy, "run.executions.list", func(ctx context.Context) (err error) {
		all, err = j.list(ctx, job, since)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the executions of job %s: %w", job, err)
	}
	return all, nil
}

// clockSkew is by how much our clock and Google's may differ.
const clockSkew = time.Minute

// errEnough ends a listing early.
var errEnough = errors.New("enough")

// list is List once. It ends at an execution older than since: the API sorts by creation, newest first.
func (j *Jobs) list(ctx context.Context, job string, since time.Time) ([]Execution, error) {
	var all []Execution
	list := j.service.Projects.Locations.Jobs.Executions.List(job).PageSize(100).
		Fields("nextPageToken", "executions("+executionFields+")")
	err := list.Pages(ctx, func(page *run.GoogleCloudRunV2ListExecutionsResponse) error {
		for _, listed := range page.Executions {
			execution := read(listed)
			if !since.IsZero() && !execution.Created.IsZero() && execution.Created.Before(since.Add(-clockSkew)) {
				return errEnough
			}
			all = append(all, execution)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return all, nil
}

// Cancel ends an execution: its tasks get SIGTERM, then SIGKILL. One that has ended already is fine.
func (j *Jobs) Cancel(ctx context.Context, execution string) error {
	err := do(ctx, j.policy, "run.executions.cancel", func(ctx context.Context) error {
		_, err := j.service.Projects.Locations.Jobs.Executions.Cancel(execution, &run.GoogleCloudRunV2CancelExecutionRequest{}).
			Context(ctx).Fields("name").Do()
		return err
	})
	if err != nil {
		// What cannot be cancelled because it has ended is refused in several ways; the state decides.
		if now, asked := j.Execution(ctx, execution); asked == nil && now.Ended() {
			return nil
		}
		return fmt.Errorf("cancel execution %s: %w", execution, err)
	}
	return nil
}

// Execution asks how an execution stands, and if it failed, what its tasks died of.
func (j *Jobs) Execution(ctx context.Context, name string) (Execution, error) {
	var execution Execution
	err := do(ctx, j.policy, "run.executions.get", func(ctx context.Context) error {
		answer, err := j.service.Projects.Locations.Jobs.Executions.Get(name).Context(ctx).Fields(executionFields).Do()
		if err == nil {
			execution = read(answer)
		}
		return err
	})
	if err != nil {
		return Execution{}, fmt.Errorf("ask for execution %s: %w", name, err)
	}
	if execution.Failed == 0 {
		return execution, nil
	}
	err = do(ctx, j.policy, "run.tasks.list", func(ctx context.Context) error {
		execution.Failures = nil
		return j.service.Projects.Locations.Jobs.Executions.Tasks.List(name).PageSize(1000).
			Fields("nextPageToken", "tasks(index,completionTime,retried,lastAttemptResult)").
			Pages(ctx, func(page *run.GoogleCloudRunV2ListTasksResponse) error {
				for _, task := range page.Tasks {
					if failure, failed := failureOf(task); failed {
						execution.Failures = append(execution.Failures, failure)
					}
				}
				return nil
			})
	})
	if err != nil {
		return Execution{}, fmt.Errorf("ask for the tasks of execution %s: %w", name, err)
	}
	return execution, nil
}
