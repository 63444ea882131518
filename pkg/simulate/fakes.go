package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// outside holds the servers that the real clients of claim call: a Pub/Sub that keeps published messages
// until they are collected, and a Cloud Run Admin API with the executions of the job.
type outside struct {
	pubsubpb.UnimplementedPublisherServer

	grpc *grpc.Server
	http *http.Server

	topics, runs string // where they listen

	mu         sync.Mutex
	published  []message
	executions []*execution // oldest first, as many as the job remembers
	retained   int
	count      int
}

// message is a claim that was published to the topic of its step.
type message struct {
	topic string
	claim nvr.Claim
}

// execution is one run of the job.
type execution struct {
	number             int
	key                string
	tasks              int
	created, completed time.Time
	failed             bool
}

// open starts both servers on free ports of the loopback interface. The job remembers retained executions.
func open(ctx context.Context, retained int) (*outside, error) {
	o := &outside{retained: retained, grpc: grpc.NewServer()}
	pubsubpb.RegisterPublisherServer(o.grpc, o)
	o.http = &http.Server{Handler: http.HandlerFunc(o.list), ReadHeaderTimeout: time.Minute}
	var listen net.ListenConfig
	for _, server := range []struct {
		where *string
		serve func(net.Listener) error
	}{{&o.topics, o.grpc.Serve}, {&o.runs, o.http.Serve}} {
		listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the outside: %w", err), o.Close())
		}
		*server.where = listener.Addr().String()
		go func() { _ = server.serve(listener) }() // ends with Close
	}
	return o, nil
}

// Close implements io.Closer.
func (o *outside) Close() error {
	o.grpc.Stop()
	return o.http.Close()
}

// Publish implements pubsubpb.PublisherServer.
func (o *outside) Publish(_ context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := &pubsubpb.PublishResponse{}
	for _, m := range r.GetMessages() {
		var claim nvr.Claim
		if err := json.Unmarshal(m.GetData(), &claim); err != nil {
			return nil, err
		}
		_, topic, _ := strings.Cut(r.GetTopic(), "/topics/")
		o.published = append(o.published, message{topic: topic, claim: claim})
		answer.MessageIds = append(answer.MessageIds, fmt.Sprint(len(o.published)))
	}
	return answer, nil
}

// collect returns the messages published since the last call.
func (o *outside) collect() []message {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.published
	o.published = nil
	return all
}

// start adds an execution. The oldest one beyond the retained number is dropped.
func (o *outside) start(key string, tasks int, now time.Time) *execution {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	e := &execution{number: o.count, key: key, tasks: tasks, created: now}
	o.executions = append(o.executions, e)
	if extra := len(o.executions) - o.retained; extra > 0 && !o.executions[0].completed.IsZero() {
		o.executions = o.executions[1:]
	}
	return e
}

// page is the number of executions in one answer; see [dispatch.Jobs].
const page = 100

// list answers executions.list and executions.get.
func (o *outside) list(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := 0
	_, one, found := strings.Cut(r.URL.Path, "/executions/")
	_, _ = fmt.Sscan(r.URL.Query().Get("pageToken"), &at) // none: from the newest
	var listed []map[string]any
	next := ""
	for i := len(o.executions) - 1 - at; i >= 0; i-- {
		if found {
			if fmt.Sprint(o.executions[i].number) == strings.TrimSuffix(one, "/tasks") {
				listed = append(listed, o.executions[i].json())
			}
			continue
		}
		if len(listed) == page {
			next = fmt.Sprint(at + page)
			break
		}
		listed = append(listed, o.executions[i].json())
	}
	var answer any = map[string]any{"executions": listed, "nextPageToken": next}
	switch {
	case strings.HasSuffix(one, "/tasks"):
		answer = map[string]any{}
	case found && len(listed) == 1:
		answer = listed[0]
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // who asked has gone
}

// json returns an execution as the Cloud Run Admin API does (projects.locations.jobs.executions). All its
// tasks end with it, so that only one of the three counts is set.
func (e *execution) json() map[string]any {
	all := map[string]any{
		"name": fmt.Sprintf(
			"projects/local/locations/local/jobs/merge/executions/%d",
			e.number,
		),
		"taskCount":  e.tasks,
		"createTime": e.created.Format(time.RFC3339Nano),
		"template": map[string]any{"containers": []any{map[string]any{"env": []any{map[string]any{
			"name":  dispatch.KeyEnv,
			"value": e.key,
		}}}}},
	}
	if e.completed.IsZero() {
		all["runningCount"] = e.tasks
		return all
	}
	all["completionTime"] = e.completed.Format(time.RFC3339Nano)
	if e.failed {
		all["failedCount"] = e.tasks
	} else {
		all["succeededCount"] = e.tasks
	}
	return all
}
