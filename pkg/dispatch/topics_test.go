package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/pstest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

func topics(t *testing.T, server *pstest.Server) *dispatch.Topics {
	t.Helper()
	topics, err := dispatch.NewTopics(t.Context(), dispatch.TopicsOptions{
		Project:  "p",
		Endpoint: server.Addr,
		Scale:    100,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := topics.Close(); err != nil {
			t.Error(err)
		}
		_ = server.Close()
	})
	return topics
}

func TestPublish(t *testing.T) {
	t.Parallel()
	server := pstest.NewServer()
	topics := topics(t, server)
	server.Publish("projects/p/topics/stage", nil, nil) // makes the topic

	span := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID{1},
		SpanID:     trace.SpanID{2},
		TraceFlags: trace.FlagsSampled,
	})
	claim := nvr.Claim{Record: 7, Attempt: 2, Continuation: 1, Step: nvr.StepStage}
	if err := topics.Publish(trace.ContextWithSpanContext(t.Context(), span), "stage", claim); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages()
	sent := messages[len(messages)-1]
	if sent.Topic != "projects/p/topics/stage" {
		t.Errorf("topic %s", sent.Topic)
	}
	var back nvr.Claim
	if err := json.Unmarshal(sent.Data, &back); err != nil || back != claim {
		t.Errorf("sent %s (%v)", sent.Data, err)
	}
	for name, want := range map[string]string{
		"record": "7", "attempt": "2", "turn": "1", "step": "stage",
		"traceparent": "00-01000000000000000000000000000000-0200000000000000-01",
	} {
		if sent.Attributes[name] != want {
			t.Errorf("attribute %s is %q, want %q", name, sent.Attributes[name], want)
		}
	}
	if err := topics.Notify(t.Context(), "stage", nil); err != nil {
		t.Error(err)
	}
}

func TestPublishFails(t *testing.T) {
	t.Parallel()
	t.Run("no topic", func(t *testing.T) {
		t.Parallel()
		err := topics(t, pstest.NewServer()).Publish(t.Context(), "stage", nvr.Claim{})
		if !errors.Is(err, dispatch.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		server := pstest.NewServer(pstest.WithErrorInjection("Publish", codes.PermissionDenied, "no"))
		err := topics(t, server).Publish(t.Context(), "stage", nvr.Claim{})
		if final := (*fault.PermanentError)(nil); !errors.As(err, &final) {
			t.Errorf("%v, want permanent", err)
		}
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		server := pstest.NewServer(pstest.WithErrorInjection("Publish", codes.Unavailable, "down"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := topics(t, server).Publish(ctx, "stage", nvr.Claim{})
		if final := (*fault.PermanentError)(nil); err == nil || errors.As(err, &final) {
			t.Errorf("%v, want an error that is worth another try", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		server := pstest.NewServer(pstest.WithErrorInjection("Publish", codes.Unavailable, "down"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := topics(t, server).Publish(ctx, "stage", nvr.Claim{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want cancelled", err)
		}
	})
}
