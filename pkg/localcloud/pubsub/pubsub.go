// Package pubsub is a stand-in of Pub/Sub: the server of the client library (pstest), and the
// push deliveries that it lacks.
//
// It knows topics, subscriptions and HTTP. It knows nothing of what messages contain. pstest
// serves the API and holds topics and subscriptions. Messages of a topic with a push subscription
// are taken from pstest as they are published, because it never pushes, ignores the retry policy
// and drops waiting messages after 10 minutes. Here a message is pushed until it is acknowledged
// or dead-lettered. A restart loses all messages, which Pub/Sub does not: a program that relies
// on messages alone fails here.
//
// Deadlines and back-offs are divided by [Options].Scale. Start with [Start].
//
// The reference of the API: https://cloud.google.com/pubsub/docs/push
package pubsub

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Options configure a [Server].
type Options struct {
	Project string
	// those that no subscription names; what is published there is dropped
	Topics        []string
	Subscriptions []Subscription // one a topic
	Scale         float64        // divides every wait; 0 is 1
	Concurrency   int            // pushes of one subscription at once; 0 is 8
	Now           func() time.Time
	Log           *slog.Logger // nil: nothing is logged
	Chaos         Chaos
}

// Subscription is a subscription of a topic. Durations are given as to Pub/Sub, before the time
// scale.
type Subscription struct {
	Name    string
	Topic   string
	PushURL string // empty: pull, which pstest does by itself

	AckDeadline         time.Duration // 0 is 600 s; also how long a push may take
	MinBackoff          time.Duration // 0 is 10 s
	MaxBackoff          time.Duration // 0 is 600 s
	DeadLetterTopic     string        // empty: tried for ever
	MaxDeliveryAttempts int           // 0 is 20
}

// Chaos makes deliveries worse than on a quiet machine, within what Pub/Sub's guarantees allow.
// Shares are from 0 to 1. The same seed and the same order of publishes make the same choices.
type Chaos struct {
	Seed   uint64
	Double float64 // share of messages that are delivered twice, acknowledged or not
	// share of publishes whose answer is lost, so that the client publishes again
	Lost    float64
	Delay   float64 // share of messages that wait up to UpTo before they are first pushed
	Reorder float64 // share of messages that let the next one of their subscription pass
	// the longest delay, and how long a message waits for one to pass; 0 is 1 minute
	UpTo time.Duration
}

// Server is a running Pub/Sub. Close it.
type Server struct {
	project string
	pstest  *pstest.Server
	pushed  map[string]*pusher // by topic, in full
	pulled  map[string]bool    // topics with a pull subscription, which pstest serves
	topics  map[string]bool    // all
	now     func() time.Time
	stop    context.CancelFunc

	mu    sync.Mutex
	dice  *rand.Rand
	chaos Chaos
}

// Start creates the topics and subscriptions and listens on a free port of the loopback
// interface.
func Start(ctx context.Context, options Options) (*Server, error) {
	ctx, stop := context.WithCancel(ctx)
	s := &Server{
		project: options.Project,
		pushed:  map[string]*pusher{},
		pulled:  map[string]bool{},
		topics:  map[string]bool{},
		now:     options.Now,
		stop:    stop,
		chaos:   options.Chaos,
		dice:    rand.New(rand.NewPCG(options.Chaos.Seed, 0)), //nolint:gosec // repeatable on purpose, and no secret
	}
	s.chaos.UpTo = scaled(cmp.Or(s.chaos.UpTo, time.Minute), options.Scale)
	s.pstest = pstest.NewServerWithAddress(
		"127.0.0.1:0", pstest.ServerReactorOption{FuncName: "Publish", Reactor: taker{s}},
	)
	s.pstest.SetTimeNowFunc(options.Now)
	if err := s.build(ctx, options); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Addr returns the address for clients: host:port, without TLS.
func (s *Server) Addr() string {
	return s.pstest.Addr
}

// Close ends the running pushes and waits for them. Waiting messages are lost.
func (s *Server) Close() {
	_ = s.pstest.Close() // never an error; no publish comes in from here on
	s.stop()
	for _, p := range s.pushed {
		p.close()
	}
}

// Stats counts the messages of a subscription by their state.
type Stats struct {
	Waiting      int // received, neither acknowledged nor dead-lettered
	Running      int // pushes
	Acknowledged int
	Failed       int // pushes without an acknowledgement in time
	DeadLettered int
}

// Stats returns the counts of each push subscription, by its short name.
func (s *Server) Stats() map[string]Stats {
	all := map[string]Stats{}
	for _, p := range s.pushed {
		all[p.subscription.Name] = p.snapshot()
	}
	return all
}

// build creates topics, subscriptions and pushers.
func (s *Server) build(ctx context.Context, options Options) error {
	topics := map[string]bool{}
	for _, topic := range options.Topics {
		topics[topic] = true
	}
	for _, subscription := range options.Subscriptions {
		topics[subscription.Topic] = true
		if subscription.DeadLetterTopic != "" {
			topics[subscription.DeadLetterTopic] = true
		}
	}
	for topic := range topics {
		s.topics[s.topic(topic)] = true
		if _, err := s.pstest.GServer.CreateTopic(
			ctx, &pubsubpb.Topic{Name: s.topic(topic)},
		); err != nil {
			return fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	client := &http.Client{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: cmp.Or(options.Concurrency, 8),
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	for _, subscription := range options.Subscriptions {
		topic := s.topic(subscription.Topic)
		if s.pushed[topic] != nil || s.pulled[topic] {
			return fmt.Errorf(
				"subscription %s: topic %s has one already", subscription.Name, subscription.Topic,
			)
		}
		subscription.AckDeadline = cmp.Or(subscription.AckDeadline, 600*time.Second)
		subscription.MinBackoff = cmp.Or(subscription.MinBackoff, 10*time.Second)
		subscription.MaxBackoff = cmp.Or(subscription.MaxBackoff, 600*time.Second)
		subscription.MaxDeliveryAttempts = cmp.Or(subscription.MaxDeliveryAttempts, 20)
		if _, err := s.pstest.GServer.CreateSubscription(
			ctx, s.described(subscription),
		); err != nil {
			return fmt.Errorf("make subscription %s: %w", subscription.Name, err)
		}
		if subscription.PushURL == "" {
			s.pulled[topic] = true
			continue
		}
		s.pushed[topic] = newPusher(ctx, s, subscription, client, options)
	}
	return nil
}

// topic returns a topic's full name.
func (s *Server) topic(name string) string {
	return "projects/" + s.project + "/topics/" + name
}

// described returns a subscription as the API shows it.
func (s *Server) described(subscription Subscription) *pubsubpb.Subscription {
	d := &pubsubpb.Subscription{
		Name:               "projects/" + s.project + "/subscriptions/" + subscription.Name,
		Topic:              s.topic(subscription.Topic),
		AckDeadlineSeconds: int32(subscription.AckDeadline.Seconds()),
		RetryPolicy: &pubsubpb.RetryPolicy{
			MinimumBackoff: durationpb.New(subscription.MinBackoff),
			MaximumBackoff: durationpb.New(subscription.MaxBackoff),
		},
	}
	if subscription.PushURL != "" {
		d.PushConfig = &pubsubpb.PushConfig{PushEndpoint: subscription.PushURL}
	}
	if subscription.DeadLetterTopic != "" {
		d.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{
			DeadLetterTopic: s.topic(
				subscription.DeadLetterTopic,
			), MaxDeliveryAttempts: int32(subscription.MaxDeliveryAttempts),
		}
	}
	return d
}

// taker takes published messages from pstest before it stores them.
type taker struct{ server *Server }

// React implements pstest.Reactor. pstest calls it under its lock; it does not block.
func (t taker) React(request any) (handled bool, answer any, err error) {
	publish, ok := request.(*pubsubpb.PublishRequest)
	if !ok {
		return false, nil, nil
	}
	if topic := publish.GetTopic(); t.server.pulled[topic] || !t.server.topics[topic] {
		return false, nil, nil
	}
	p := t.server.pushed[publish.GetTopic()]
	response := &pubsubpb.PublishResponse{}
	for _, message := range publish.GetMessages() {
		message.MessageId = strconv.FormatUint(rand.Uint64(), 10) //nolint:gosec // an id, not a secret
		message.PublishTime = timestamppb.New(t.server.now())
		response.MessageIds = append(response.MessageIds, message.GetMessageId())
		if p != nil { // otherwise the topic has no subscription
			t.server.take(p, message)
		}
	}
	if t.server.happens(func(c Chaos) float64 { return c.Lost }) {
		return true, nil, status.Error(codes.Unavailable, "the answer was lost")
	}
	return true, response, nil
}

// take passes a message to its pusher, with the effects of chaos.
func (s *Server) take(p *pusher, message *pubsubpb.PubsubMessage) {
	copies := 1
	if s.happens(func(c Chaos) float64 { return c.Double }) {
		copies = 2
	}
	for range copies {
		wait := time.Duration(0)
		if s.happens(func(c Chaos) float64 { return c.Delay }) {
			wait = s.delay()
		}
		if s.happens(func(c Chaos) float64 { return c.Reorder }) {
			p.yield(&delivery{message: message}, wait+s.chaos.UpTo)
			continue
		}
		p.enqueue(&delivery{message: message}, wait)
	}
}

// happens draws whether a message is one of a share.
func (s *Server) happens(share func(Chaos) float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := share(s.chaos)
	return wanted > 0 && s.dice.Float64() < wanted
}

// delay draws the delay of a message, up to Chaos.UpTo.
func (s *Server) delay() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.dice.Float64() * float64(s.chaos.UpTo))
}

// bury publishes a message to a dead-letter topic.
func (s *Server) bury(ctx context.Context, topic string, message *pubsubpb.PubsubMessage) error {
	_, err := s.pstest.GServer.Publish(
		ctx,
		&pubsubpb.PublishRequest{
			Topic:    s.topic(topic),
			Messages: []*pubsubpb.PubsubMessage{message},
		},
	)
	return err
}

// scaled divides a wait by the time scale. The result is at least 1 ms.
func scaled(d time.Duration, scale float64) time.Duration {
	if scale <= 0 {
		scale = 1
	}
	return max(time.Millisecond, time.Duration(float64(d)/scale))
}
