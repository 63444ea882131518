package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// process is one process: it lives for one call of the pipeline, and may be killed in it.
type process struct {
	w      *env
	as     string // the component whose rights it has; empty: all
	at     int64  // the point to die at, from 1; 0: it lives
	strike func(*http.Request) bool
	cancel context.CancelFunc
	passed atomic.Int64
	dead   atomic.Bool

	mu    sync.Mutex
	calls map[string]int64
}

var errDied = errors.New("killed")

// point is an instant at which the process may die; it reports whether it is dead.
func (l *process) point() bool {
	if l.passed.Add(1) == l.at {
		l.die()
	}
	return l.dead.Load()
}

func (l *process) die() { l.dead.Store(true); l.cancel() }

// RoundTrip implements http.RoundTripper: before a call, and after it, are points.
func (l *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.strike != nil && l.strike(r) {
		l.die()
	}
	if l.point() {
		return nil, errDied
	}
	l.mu.Lock()
	l.calls[api(r.URL.Path)]++
	l.mu.Unlock()
	response, err := http.DefaultTransport.RoundTrip(r)
	if l.point() && err == nil {
		_ = response.Body.Close()
		return nil, errDied
	}
	return response, err
}

func api(path string) string {
	for _, name := range []string{"drive", "calendar", "classroom", "storage"} {
		if strings.Contains(path, "/"+name+"/v") {
			return name
		}
	}
	if path == "/notices" {
		return "notice"
	}
	return "run"
}

// now is the database's clock: every change of a row asks it, which is a point. What a dead process
// would write after its death (a settlement, say) is not written: its goroutine ends.
func (l *process) now() time.Time {
	if l.point() && inLife() {
		runtime.Goexit()
	}
	return l.w.clock.Now()
}

// inLife reports whether the goroutine is the one that [env.live] began.
func inLife() bool {
	callers := make([]uintptr, 100)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*process).inside") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (l *process) run(ctx context.Context, p *pipeline.Pipeline, do func(context.Context, *pipeline.Pipeline) error) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = errDied
		err = l.inside(ctx, p, do)
	}()
	<-done
	return err
}

func (l *process) inside(ctx context.Context, p *pipeline.Pipeline, do func(context.Context, *pipeline.Pipeline) error) error {
	return do(ctx, p)
}

// live is one process that does one thing with clients of its own.
func (w *env) live(l *process, do func(context.Context, *pipeline.Pipeline) error) error {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.w, l.cancel, l.calls = w, cancel, map[string]int64{}
	// A busy machine must not look like a storage that is stalled: two minutes are 1.2 s here.
	objects, err := bucket.New(ctx, bucket.Options{
		Endpoint:  w.base + "/storage/v1/",
		Transport: l,
		Scale:     100,
		Now:       w.clock.Now,
	})
	w.must(err)
	work, err := workspace.New(workspace.Options{
		Endpoint:  w.base + "/workspace",
		Transport: l,
		Scale:     1000,
		Now:       w.clock.Now,
		Scopes: slices.Concat(
			workspace.UploadScopes(),
			workspace.LinkScopes(),
			workspace.StageScopes(),
		),
		Subjects: workspace.Subjects{Drive: service, Calendar: service},
	})
	w.must(err)
	topics, err := dispatch.NewTopics(ctx, dispatch.TopicsOptions{
		Project:  "local",
		Endpoint: w.pubsub.Addr,
		Scale:    1000,
	})
	w.must(err)
	jobs, err := dispatch.NewJobs(ctx, dispatch.JobsOptions{
		Endpoint: w.jobs(),
		Client:   &http.Client{Transport: l},
		Scale:    1000,
	})
	w.must(err)
	notices, err := notify.New(notify.Options{
		Webhook:       w.base + "/notices",
		WebhookSecret: "s",
		Transport:     l,
		Scale:         1000,
		Now:           w.clock.Now,
	})
	w.must(err)
	db := w.databaseAs(l.as, l.now)
	p := &pipeline.Pipeline{
		Texts:     i18n.Default(),
		Store:     pipeline.StoreOf(db),
		Segments:  objects.Bucket("segments"),
		Work:      objects.Bucket("work"),
		Workspace: work,
		Topics:    topics,
		Jobs:      jobs,
		Notices:   notices,
		Tools:     w.tools,
		Settings:  w.settings,
		Now:       w.clock.Now,
		Log:       slog.New(slog.DiscardHandler),
	}
	if w.log != nil {
		p.Log = slog.New(w.log)
	}
	if testing.Verbose() && os.Getenv("PIPELINE_LOG") != "" { // to look into a failure
		p.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	w.life.Store(l)
	err = l.run(ctx, p, do)
	w.life.Store(nil)
	l.mu.Lock()
	l.calls["database"] = db.Statements()
	l.mu.Unlock()
	w.must(errors.Join(topics.Close(), db.Close(), objects.Close()))
	w.collect()
	return err
}
