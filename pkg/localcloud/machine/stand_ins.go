package machine

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	cloudrun "github.com/nvr-miem/merger/pkg/localcloud/run"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
)

// Names of the one project and its job, as Google's APIs spell them.
const (
	project  = "local"
	mergeJob = "projects/local/locations/local/jobs/merge"
)

// Buckets, as the functions know them.
const (
	segmentsBucket = "segments"
	workBucket     = "work"
)

// startStandIns starts what Google would run. The Workspace is where people of this machine look at it; Storage and
// Run are for children only, Pub/Sub has a port of its own.
func (m *machine) startStandIns(ctx context.Context, inside, back *http.ServeMux) error {
	if err := m.startWorkspace(inside); err != nil {
		return fmt.Errorf("start the stand-in of Google Workspace: %w", err)
	}
	if err := m.startStorage(back); err != nil {
		return fmt.Errorf("start the stand-in of Cloud Storage: %w", err)
	}
	ports, err := freePorts(len(m.o.Functions))
	if err != nil {
		return err
	}
	for i, name := range m.o.Functions {
		m.ports[name] = ports[i]
	}
	topics, err := m.startTopics(ctx)
	if err != nil {
		return fmt.Errorf("start the stand-in of Pub/Sub: %w", err)
	}
	if err := m.setEnvironment(topics); err != nil {
		return err
	}
	if err := m.startJobs(back); err != nil {
		return fmt.Errorf("start the stand-in of Cloud Run: %w", err)
	}
	return nil
}

// startWorkspace starts Drive, Calendar and Classroom, their pages, and the page of faults.
func (m *machine) startWorkspace(inside *http.ServeMux) error {
	workspace, err := google.New(google.Options{
		Dir:     filepath.Join(m.o.Data, "workspace"),
		BaseURL: urlOf(m.inside) + "/workspace",
		Faults:  m.faults,
		Scale:   m.o.TimeScale,
		Now:     m.o.Now,
		Log:     m.log,
	})
	if err != nil {
		return err
	}
	m.onClose(workspace.Close)
	inside.Handle("/workspace/", http.StripPrefix("/workspace", workspace.Handler()))
	inside.Handle("/workspace/faults", m.faults)
	return nil
}

// startStorage starts Cloud Storage. The bucket of segments is a plain folder, so that recordings can be
// copied into it.
func (m *machine) startStorage(back *http.ServeMux) error {
	buckets, err := storage.New(storage.Options{
		Dir:     filepath.Join(m.o.Data, "buckets"),
		Folders: map[string]string{segmentsBucket: filepath.Join(m.o.Data, "segments")},
		Faults:  m.faults,
		Now:     m.o.Now,
		Log:     m.log,
	})
	if err != nil {
		return err
	}
	if err := buckets.Ensure(workBucket); err != nil {
		return err
	}
	m.buckets = buckets
	m.onClose(buckets.Close)
	for _, prefix := range []string{"/storage/", "/upload/", "/download/"} {
		back.Handle(prefix, buckets)
	}
	return nil
}

// startTopics returns the host:port of the Pub/Sub stand-in.
func (m *machine) startTopics(ctx context.Context) (string, error) {
	topics, err := pubsub.Start(ctx, pubsub.Options{
		Project:       project,
		Subscriptions: subscriptions(m.ports),
		Scale:         m.o.TimeScale,
		Now:           m.o.Now,
		Log:           m.log,
		Chaos:         m.chaos(),
	})
	if err != nil {
		return "", err
	}
	m.onClose(func() error { topics.Close(); return nil })
	return topics.Addr(), nil
}

// startJobs starts the Cloud Run Admin API. The tasks of the merge job are processes of this program.
func (m *machine) startJobs(back *http.ServeMux) error {
	jobs, err := cloudrun.New(cloudrun.Options{
		Dir:     filepath.Join(m.o.Data, "run"),
		Job:     mergeJob,
		Command: []string{m.program, "task"},
		Env:     m.env,
		Scale:   m.o.TimeScale,
		Faults:  m.faults,
		Now:     m.o.Now,
		Log:     m.log,
		Output:  m.output,
	})
	if err != nil {
		return err
	}
	m.onClose(func() error { jobs.Close(); return nil })
	back.Handle("/v2/", jobs)
	return nil
}

// subscriptions returns those of the cloud: one for each topic, with dead letters to fail.
func subscriptions(ports map[string]string) []pubsub.Subscription {
	const deadLetters = "fail"
	var all []pubsub.Subscription
	for _, name := range []string{"stage", "upload", "link", deadLetters, "calendar"} {
		subscription := pubsub.Subscription{
			Name:            name,
			Topic:           name,
			PushURL:         "http://127.0.0.1:" + ports[name] + "/",
			DeadLetterTopic: deadLetters,
		}
		if name == deadLetters {
			subscription.DeadLetterTopic = ""
		}
		all = append(all, subscription)
	}
	return all
}
