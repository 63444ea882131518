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
	client  *pubsub.Client
	retrier retrier

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
	waits := newWaits(options.Scale, nil, options.Tried)
	client, err := pubsub.NewClientWithConfig(ctx, options.Project, &pubsub.ClientConfig{
		TopicAdminCallOptions: &vkit.TopicAdminCallOptions{Publish: []gax.CallOption{gax.WithRetry(waits.publishing)}},
	}, how...)
	if err != nil {
		return nil, fmt.Errorf("open Pub/Sub of project %s: %w", options.Project, err)
	}
	return &Topics{client: client, retrier: waits, publishers: map[string]*pubsub.Publisher{}}, nil
}

// callPublish is Google's name of a publish.
const callPublish = "pubsub.topics.publish"

// publishing tries a publish again as the client library does by itself, with pauses that are scaled.
func (w retrier) publishing() gax.Retryer {
	return retrying{retrier: w, Retryer: gax.OnCodes([]codes.Code{
		codes.Aborted, codes.Canceled, codes.Internal, codes.ResourceExhausted, codes.Unknown, codes.Unavailable, codes.DeadlineExceeded,
	}, gax.Backoff{Initial: w.scaled(100 * time.Millisecond), Max: w.scaled(10 * time.Second), Multiplier: 2})}
}

// retrying counts what it tries again.
type retrying struct {
	gax.Retryer

	retrier retrier
}

// Retry implements [gax.Retryer].
func (r retrying) Retry(err error) (time.Duration, bool) {
	pause, again := r.Retryer.Retry(err)
	if again {
		r.retrier.told(context.Background(), callPublish, err, true)
	}
	return pause, again
}

// publishTime is how long a publish may take. However the waits are scaled, a busy machine is not quicker.
func (w retrier) publishTime() time.Duration { return max(w.scaled(patience), 2*time.Second) }

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
		"record": strconv.FormatInt(claim.Record, 10), "attempt": strconv.FormatInt(claim.Attempt, 10),
		"turn": strconv.FormatInt(claim.Continuation, 10), "step": string(claim.Step),
	})
}

// Check tells whether a topic is there: [ErrNotFound], or a refusal if that is not for us to know.
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

	ctx, cancel := context.WithTimeout(ctx, 2*t.retrier.publishTime())
	defer cancel()
	if _, err := t.publisher(topic).Publish(ctx, message).Get(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			t.retrier.told(context.WithoutCancel(ctx), callPublish, err, false) // also when its time is up
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
		publisher.PublishSettings.Timeout = t.retrier.publishTime()
		t.publishers[topic] = publisher
	}
	return publisher
}
