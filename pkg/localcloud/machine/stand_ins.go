package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	cloudrun "github.com/nvr-miem/merger/pkg/localcloud/run"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// Names of what exists once on this machine.
const (
	project  = "local"
	mergeJob = "projects/local/locations/local/jobs/merge"
)

// standIns brings up what Google would be: the Workspace on the one port, where people look at it; the
// rest behind it; Pub/Sub on a port of its own.
func (s *system) standIns(ctx context.Context, front, back *http.ServeMux, journal io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	base := "http://" + s.front.Addr().String()
	behind := "http://" + s.back.Addr().String()

	workspace, err := google.New(google.Options{
		Dir: filepath.Join(s.o.Data, "workspace"), BaseURL: base + "/workspace", Faults: s.faults, Scale: s.o.Scale, Now: s.o.Now, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("open the stand-in of the Workspace: %w", err)
	}
	s.closeLater(workspace.Close)
	front.Handle("/workspace/", http.StripPrefix("/workspace", workspace.Handler()))
	front.Handle("/workspace/faults", s.faults)

	buckets, err := storage.New(storage.Options{
		Dir: filepath.Join(s.o.Data, "buckets"), Folders: map[string]string{"segments": filepath.Join(s.o.Data, "segments")},
		Faults: s.faults, Now: s.o.Now, Log: s.log,
	})
	if err == nil {
		err = buckets.Ensure("work")
	}
	if err != nil {
		return fmt.Errorf("open the stand-in of Cloud Storage: %w", err)
	}
	s.closeLater(buckets.Close)
	for _, prefix := range []string{"/storage/", "/upload/", "/download/"} {
		back.Handle(prefix, buckets)
	}

	ports, err := freePorts(len(s.o.Functions))
	if err != nil {
		return err
	}
	for i, name := range s.o.Functions {
		s.ports[name] = ports[i]
	}
	topics, err := pubsub.Start(ctx, pubsub.Options{Project: project, Subscriptions: subscriptions(s.ports), Scale: s.o.Scale, Now: s.o.Now, Log: s.log, Chaos: s.o.chaosConfig()})
	if err != nil {
		return fmt.Errorf("open the stand-in of Pub/Sub: %w", err)
	}
	s.closeLater(func() error { topics.Close(); return nil })
	if err := s.environment(base, behind, topics.Addr()); err != nil {
		return err
	}

	jobs, err := cloudrun.New(cloudrun.Options{
		Dir: filepath.Join(s.o.Data, "run"), Job: mergeJob, Command: []string{self, "task"}, Env: s.env,
		Scale: s.o.Scale, Faults: s.faults, Now: s.o.Now, Log: s.log, Output: journal,
	})
	if err != nil {
		return fmt.Errorf("open the stand-in of Cloud Run: %w", err)
	}
	s.closeLater(func() error { jobs.Close(); return nil })
	back.Handle("/v2/", jobs)
	s.routes(front)
	return nil
}

// subscriptions are those of the cloud: one a topic, dead letters to fail.
func subscriptions(ports map[string]string) []pubsub.Subscription {
	var all []pubsub.Subscription
	for _, name := range []string{"stage", "upload", "link", "fail", "calendar"} {
		sub := pubsub.Subscription{Name: name, Topic: name, PushURL: "http://127.0.0.1:" + ports[name] + "/", DeadLetterTopic: "fail"}
		if name == "fail" {
			sub.DeadLetterTopic = ""
		}
		all = append(all, sub)
	}
	return all
}

// environment is what the functions and the job are given: the configuration of this machine.
func (s *system) environment(base, behind, topics string) error {
	secret := s.o.WebhookSecret
	if secret == "" {
		var err error
		if secret, err = s.secretFile("webhook-secret"); err != nil {
			return err
		}
	}
	operators := s.o.Operators
	if operators == "" {
		operators = s.o.User
	}
	values := map[string]string{
		"PROJECT": project, "DATABASE": s.o.Database, "SEGMENTS_BUCKET": "segments", "WORK_BUCKET": "work", "MERGE_JOB": mergeJob,
		"STORAGE_ENDPOINT": behind + "/storage/v1/", "PUBSUB_ENDPOINT": topics, "RUN_ENDPOINT": behind,
		"TIME_ZONE": s.o.Zone, "LANGUAGE": s.o.Language, "SEGMENT_LENGTH": s.o.SegmentLength.String(), "SLICE": s.o.Slice.String(),
		"WIDTH": strconv.Itoa(s.o.Width), "HEIGHT": strconv.Itoa(s.o.Height), "MAX_MERGES": strconv.Itoa(s.o.MaxMerges),
		"TIME_SCALE": strconv.FormatFloat(s.o.Scale, 'f', -1, 64), "RATE_LIMIT": strconv.Itoa(s.o.RateLimit),
		"WEBHOOK": s.o.Webhook, "WEBHOOK_SECRET": secret, "LOCAL_USER": s.o.User, "OPERATORS": operators,
		"PUBLIC_URL": base, "TRACE_FILE": filepath.Join(s.o.Data, "traces.jsonl"),
	}
	if s.o.Workspace == "local" {
		values["WORKSPACE_ENDPOINT"] = base + "/workspace"
		values["DRIVE_SUBJECT"], values["CALENDAR_SUBJECT"] = "nvr@localhost", "nvr@localhost"
	}
	if err := keepEnvironment(s.o.Data, values); err != nil {
		return err
	}
	for _, inherited := range s.o.Env {
		name, _, _ := strings.Cut(inherited, "=")
		if _, ours := values[name]; !ours {
			s.env = append(s.env, inherited)
		}
	}
	for name, value := range values {
		s.env = append(s.env, name+"="+value)
	}
	return nil
}

// routes lets each function be called at /functions/<name>, and the two that people and programs call
// at their own paths.
func (s *system) routes(front *http.ServeMux) {
	for _, name := range s.o.Functions {
		front.Handle("/functions/"+name, s.forward(name, s.ports[name], true))
	}
	form, api := httpapi.LimitBodyTime(s.forward("form", s.ports["form"], false)), httpapi.LimitBodyTime(s.forward("api", s.ports["api"], false))
	front.Handle("/", form)
	for _, path := range []string{"/montage-event/", "/rooms", "/rooms/", "/records/", "/calendar-notifications/"} {
		front.Handle(path, api)
	}
	front.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("key") != "" {
			api.ServeHTTP(w, r)
			return
		}
		form.ServeHTTP(w, r) // the page's own session
	})
}

// forward passes requests on to a function; root says that they all mean its one path.
func (s *system) forward(name, port string, root bool) http.Handler {
	return &httputil.ReverseProxy{
		Transport:     s.patient,
		FlushInterval: -1, // events are seen when they happen
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "127.0.0.1:"+port, r.In.Host
			if root {
				r.Out.URL.Path, r.Out.URL.RawPath = "/", ""
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, os.ErrDeadlineExceeded) { // the body trickled in
				http.Error(w, "the request did not arrive in time", http.StatusRequestTimeout)
				return
			}
			s.log.WarnContext(r.Context(), "a function does not answer; it is being started again", "function", name, "err", err)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the function "+name+" is being started again", http.StatusBadGateway)
		},
	}
}

// pages are what the parent answers by itself.
func (s *system) pages(front *http.ServeMux) {
	front.Handle("GET /metrics", s.metrics.Handler())
	front.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range s.o.Functions {
			if s.functions.Pid(name) == 0 {
				http.Error(w, "function "+name+" is not up", http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = io.WriteString(w, "ok\n")
	})
}

func (s *system) printAddresses(out io.Writer) {
	base := "http://" + s.front.Addr().String()
	_, _ = fmt.Fprintf(out, `NVR Merger is up on this machine.
  page          %s/
  Workspace     %s/workspace/
  segments      %s
  log           %s
`, base, base, filepath.Join(s.o.Data, "segments"), filepath.Join(s.o.Data, "log.jsonl"))
}

// schedule is one entry of the scheduler.
type schedule struct {
	function string
	query    string
	every    time.Duration
}

// schedules are the entries of Cloud Scheduler.
func schedules() []schedule {
	return []schedule{
		{"calendar", "", 5 * time.Minute},
		{"claim", "", 30 * time.Minute},
		{"claim", "recover", time.Minute},
		{"standby", "", 5 * time.Minute},
		{"calendar", "renew", 24 * time.Hour},
	}
}

// run is the scheduler, until ctx ends.
func (s *system) run(ctx context.Context) {
	done := make(chan struct{})
	for _, t := range schedules() {
		go func() {
			defer func() { done <- struct{}{} }()
			every := time.NewTicker(max(time.Millisecond, time.Duration(float64(t.every)/s.o.Scale)))
			defer every.Stop()
			for {
				if err := s.wake(ctx, t); err != nil && ctx.Err() == nil {
					s.log.WarnContext(ctx, "a scheduled call failed; the next one makes up for it", "function", t.function, "err", err)
				}
				select {
				case <-ctx.Done():
					return
				case <-every.C:
				}
			}
		}()
	}
	for range schedules() {
		<-done
	}
}

// wake posts to a function as Cloud Scheduler does.
func (s *system) wake(ctx context.Context, t schedule) error {
	address := "http://" + s.front.Addr().String() + "/functions/" + t.function
	if t.query != "" {
		address += "?" + t.query
	}
	ctx, stop := context.WithTimeout(ctx, max(time.Second, time.Duration(float64(30*time.Minute)/s.o.Scale)))
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // nothing is read of it
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", address, res.Status)
	}
	return nil
}
