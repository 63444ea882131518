package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
)

// TopicsOptions say where Pub/Sub is.
type TopicsOptions struct {
	Project  string
	Endpoint string             // host:port of a server without TLS; empty: Google's
	Scale    float64            // divides how long a publish is tried; 0 is 1
	Tried    fault.CallObserver // for metrics; may be nil
}

// Topics publishes. A topic is named after the function that it wakes.
type Topics struct {
	client *pubsub.Client
	policy call.Policy

	mu         sync.Mutex
	publishers map[string]*pubsub.Publisher
}

// NewTopics connects on the first publish. Close it.
func NewTopics(ctx context.Context, options TopicsOptions) (*Topics, error) {
	var how []option.ClientOption
	if options.Endpoint != "" {
		how = []option.ClientOption{
			option.WithEndpoint(options.Endpoint), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
			option.WithTelemetryDisabled(),
		}
	}
	policy := newPolicy(options.Scale, nil, options.Tried)
	client, err := pubsub.NewClientWithConfig(ctx, options.Project, &pubsub.ClientConfig{
		TopicAdminCallOptions: &vkit.TopicAdminCallOptions{Publish: []gax.CallOption{gax.WithRetry(publishRetryer(policy))}},
	}, how...)
	if err != nil {
		return nil, fmt.Errorf("open Pub/Sub of project %s: %w", options.Project, err)
	}
	return &Topics{
		client:     client,
		policy:     policy,
		publishers: map[string]*pubsub.Publisher{},
	}, nil
}

// callPublish is Google's name of a publish.
const callPublish = "pubsub.topics.publish"

// publishRetryer returns how the client library itself repeats a publish: on the library's own codes, with
// pauses that are scaled. The time limit of the publisher ends it.
func publishRetryer(policy call.Policy) func() gax.Retryer {
	retried := []codes.Code{
		codes.Aborted,
		codes.Canceled,
		codes.Internal,
		codes.ResourceExhausted,
		codes.Unknown,
		codes.Unavailable,
		codes.DeadlineExceeded,
	}
	backoff := gax.Backoff{
		Initial:    policy.Scaled(100 * time.Millisecond),
		Max:        policy.Scaled(10 * time.Second),
		Multiplier: 2,
	}
	return func() gax.Retryer {
		return observedRetryer{Retryer: gax.OnCodes(retried, backoff), policy: policy}
	}
}

// observedRetryer gives every failed try that is repeated to the policy's observer.
type observedRetryer struct {
	gax.Retryer

	policy call.Policy
}

// Retry implements [gax.Retryer].
func (r observedRetryer) Retry(err error) (time.Duration, bool) {
	pause, again := r.Retryer.Retry(err)
	if again {
		observePublish(context.Background(), r.policy, err, true)
	}
	return pause, again
}

// observePublish gives a failed try of a publish to the policy's observer.
func observePublish(ctx context.Context, policy call.Policy, err error, again bool) {
	failure := readFailure(err)
	if policy.Observe != nil && failure.Kind != fault.Expected {
		policy.Observe(ctx, callPublish, failure.Status, again, err)
	}
}

// publishLimit returns how long a publish may take. A high time scale does not make the machine faster, so
// there is a minimum.
func publishLimit(policy call.Policy) time.Duration {
	return max(policy.Scaled(patience), 2*time.Second)
}

// Close gives the connection back. Nothing is left unsent: Publish waits.
func (t *Topics) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, publisher := range t.publishers {
		publisher.Stop()
	}
	clear(t.publishers)
	if err := t.client.Close(); err != nil {
		return fmt.Errorf("close Pub/Sub: %w", err)
	}
	return nil
}

// Publish hands a claim to the function that the topic wakes. It returns when Pub/Sub has the message
// (nothing runs after a function's response), which may then have it twice.
func (t *Topics) Publish(ctx context.Context, topic string, claim nvr.Claim) error {
	data, err := json.Marshal(claim)
	if err != nil {
		return fmt.Errorf("write a claim: %w", err)
	}
	return t.send(ctx, topic, data, map[string]string{
		"record":  strconv.FormatInt(claim.Record, 10),
		"attempt": strconv.FormatInt(claim.Attempt, 10),
		"turn":    strconv.FormatInt(claim.Continuation, 10),
		"step":    string(claim.Step),
	})
}

// Check reports whether a topic is there: [ErrNotFound], or a refusal if that is not for us to know.
func (t *Topics) Check(ctx context.Context, topic string) error {
	name := "projects/" + t.client.Project() + "/topics/" + topic
	if _, err := t.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: name}); err != nil {
		return fmt.Errorf("look at topic %s: %w", topic, classify(err))
	}
	return nil
}

// Notify tells a function that needs no claim to look now; the attributes are for people who read logs.
func (t *Topics) Notify(ctx context.Context, topic string, attributes map[string]string) error {
	return t.send(ctx, topic, []byte("{}"), attributes)
}

func (t *Topics) send(ctx context.Context, topic string, data []byte, attributes map[string]string) (err error) {
	ctx, span := observe.Start(ctx, callPublish)
	defer func() { observe.End(span, err) }()
	message := &pubsub.Message{Data: data, Attributes: map[string]string{}}
	maps.Copy(message.Attributes, attributes)
	maps.Copy(message.Attributes, observe.Inject(ctx))

	ctx, cancel := context.WithTimeout(ctx, 2*publishLimit(t.policy))
	defer cancel()
	if _, err := t.publisher(topic).Publish(ctx, message).Get(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			// WithoutCancel: a publish whose time is up is observed, too.
			observePublish(context.WithoutCancel(ctx), t.policy, err, false)
		}
		return fmt.Errorf("publish to topic %s: %w", topic, classify(err))
	}
	return nil
}

// publisher is made once a topic; it is what holds the topic's connection and goroutines.
func (t *Topics) publisher(topic string) *pubsub.Publisher {
	t.mu.Lock()
	defer t.mu.Unlock()
	publisher := t.publishers[topic]
	if publisher == nil {
		publisher = t.client.Publisher(topic)
		publisher.PublishSettings.CountThreshold = 1 // a function publishes one message and waits for it
		publisher.PublishSettings.Timeout = publishLimit(t.policy)
		t.publishers[topic] = publisher
	}
	return publisher
}
