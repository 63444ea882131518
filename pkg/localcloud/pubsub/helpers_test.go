package pubsub_test

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// start runs a server that pushes again after milliseconds, and whose deadline is 6 s.
func start(t *testing.T, options pubsub.Options) *pubsub.Server {
	t.Helper()
	options.Project, options.Now = "p", time.Now
	options.Scale = cmp.Or(options.Scale, 100)
	for i := range options.Subscriptions {
		s := &options.Subscriptions[i]
		s.MinBackoff = cmp.Or(s.MinBackoff, 100*time.Millisecond)
	}
	server, err := pubsub.Start(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func topics(t *testing.T, server *pubsub.Server) *dispatch.Topics {
	t.Helper()
	topics, err := dispatch.NewTopics(
		t.Context(), dispatch.TopicsOptions{Project: "p", Endpoint: server.Addr(), Scale: 100},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = topics.Close() })
	return topics
}

func handler(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func claim(record int64) nvr.Claim {
	return nvr.Claim{
		Record:  record,
		Attempt: 1,
		Step:    nvr.StepStage,
	}
}

func publish(t *testing.T, topics *dispatch.Topics, records ...int64) {
	t.Helper()
	for _, record := range records {
		if err := topics.Publish(t.Context(), "stage", claim(record)); err != nil {
			t.Fatal(err)
		}
	}
}

func wait[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-t.Context().Done():
	case <-time.After(20 * time.Second):
	}
	t.Error("nothing came")
	t.FailNow()
	return *new(T)
}

// until waits for what is counted after an answer was sent.
func until(t *testing.T, server *pubsub.Server, name string, ok func(pubsub.Stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(server.Stats()[name]); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("subscription %s stands at %+v", name, server.Stats()[name])
		}
	}
}
