package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// pusher delivers the messages of one subscription.
type pusher struct {
	server       *Server
	subscription Subscription
	name         string // in full
	client       *http.Client
	log          *slog.Logger
	slots        int
	deadline     time.Duration // scaled, like the two below
	min, max     time.Duration

	ctx     context.Context //nolint:containedctx // ends all pushes, which have no caller
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	ready   []*delivery          // to be pushed now, oldest first
	later   map[*delivery]*timer // to be pushed at a time
	workers int
	stats   Stats
}

// timer delays a delivery.
type timer struct {
	*time.Timer
	yields bool // only until the next message passes
}

// delivery is a message that is neither acknowledged nor dead-lettered.
type delivery struct {
	message *pubsubpb.PubsubMessage
	failed  int // pushes so far
}

// newPusher returns a pusher that runs until ctx ends.
func newPusher(
	ctx context.Context, server *Server, subscription Subscription, client *http.Client, options Options,
) *pusher {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	slots := options.Concurrency
	if slots <= 0 {
		slots = 8
	}
	return &pusher{
		server:       server,
		subscription: subscription,
		name:         "projects/" + server.project + "/subscriptions/" + subscription.Name,
		client:       client,
		slots:        slots,
		log:          log.With("subscription", subscription.Name),
		ctx:          ctx,
		later:        map[*delivery]*timer{},
		deadline:     scaled(subscription.AckDeadline, options.Scale),
		min:          scaled(subscription.MinBackoff, options.Scale),
		max:          scaled(subscription.MaxBackoff, options.Scale),
	}
}

// close drops waiting messages and waits for running pushes. The context has ended before.
func (p *pusher) close() {
	p.mu.Lock()
	p.closed = true
	for _, t := range p.later {
		t.Stop()
	}
	clear(p.later)
	p.ready = nil
	p.mu.Unlock()
	p.running.Wait()
	p.client.CloseIdleConnections()
}

// snapshot returns the current counts.
func (p *pusher) snapshot() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// enqueue pushes a new message after a wait.
func (p *pusher) enqueue(d *delivery, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Waiting++
	p.wait(d, wait, false)
}

// yield pushes a new message after another one has passed it, or after a wait.
func (p *pusher) yield(d *delivery, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Waiting++
	p.wait(d, wait, true)
}

// wait pushes a message later. p.mu is held.
func (p *pusher) wait(d *delivery, wait time.Duration, yields bool) {
	if p.closed {
		return
	}
	if wait <= 0 {
		p.push(d)
		return
	}
	p.later[d] = &timer{yields: yields, Timer: time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.later[d] != nil {
			delete(p.later, d)
			p.push(d)
		}
	})}
}

// push pushes a message now, and after it the messages that yielded to it. p.mu is held.
func (p *pusher) push(d *delivery) {
	p.start(d)
	for waiting, t := range p.later {
		if t.yields && t.Stop() {
			delete(p.later, waiting)
			p.start(waiting)
		}
	}
}

// start queues a message, and starts a worker if fewer than the allowed number run. p.mu is held.
func (p *pusher) start(d *delivery) {
	p.ready = append(p.ready, d)
	if p.workers < p.slots {
		p.workers++
		p.running.Go(p.work)
	}
}

// work pushes until no message is ready.
func (p *pusher) work() {
	for {
		p.mu.Lock()
		if len(p.ready) == 0 {
			p.workers--
			p.ready = nil // frees the array that it grew to
			p.mu.Unlock()
			return
		}
		d := p.ready[0]
		p.ready[0] = nil
		p.ready = p.ready[1:]
		p.stats.Running++
		p.mu.Unlock()

		problem := p.deliver(d)

		p.mu.Lock()
		p.stats.Running--
		if problem == nil {
			p.stats.Waiting--
			p.stats.Acknowledged++
			p.mu.Unlock()
			continue
		}
		p.stats.Failed++
		d.failed++
		p.mu.Unlock()
		p.refused(d, problem)
	}
}

// refused schedules the next push of a message, or dead-letters it.
func (p *pusher) refused(d *delivery, problem error) {
	if p.ctx.Err() != nil {
		return
	}
	attributes := []any{
		"message_id", d.message.GetMessageId(), "delivery", d.failed, "error", problem,
	}
	if p.subscription.DeadLetterTopic != "" && d.failed >= p.subscription.MaxDeliveryAttempts {
		err := p.server.bury(p.ctx, p.subscription.DeadLetterTopic, p.dead(d))
		if err == nil {
			p.log.Warn("gave a message up for its dead-letter topic", attributes...)
			p.mu.Lock()
			p.stats.Waiting--
			p.stats.DeadLettered++
			p.mu.Unlock()
			return
		}
		p.log.Error("cannot publish to the dead-letter topic", "error", err)
	}
	p.log.Info("a push was not acknowledged", attributes...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wait(d, p.backoff(d.failed), false)
}

// backoff returns the wait after a number of failed pushes. It doubles with each of them.
func (p *pusher) backoff(failed int) time.Duration {
	wait := p.min
	for ; failed > 1 && wait < p.max; failed-- {
		wait *= 2
	}
	return min(wait, p.max)
}

// dead returns the copy of a message for the dead-letter topic, with the attributes that Pub/Sub
// adds.
func (p *pusher) dead(d *delivery) *pubsubpb.PubsubMessage {
	attributes := maps.Clone(d.message.GetAttributes())
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["CloudPubSubDeadLetterSourceSubscription"] = p.subscription.Name
	attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = p.server.project
	attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = strconv.Itoa(d.failed)
	attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = d.message.GetPublishTime().AsTime().Format(
		"2006-01-02T15:04:05.000-07:00",
	)
	return &pubsubpb.PubsubMessage{Data: d.message.GetData(), Attributes: attributes}
}

// deliver pushes once. A handler that is slower than the deadline continues, as it does behind
// Pub/Sub: its answer is ignored, and the message is pushed a second time beside it.
func (p *pusher) deliver(d *delivery) error {
	body, err := p.envelope(d)
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	// Twice the deadline is when the connection is cut: a service has ended the request long
	// before.
	ctx, cancel := context.WithTimeout(p.ctx, 2*p.deadline)
	p.running.Go(func() {
		defer cancel()
		answered <- p.post(ctx, body)
	})
	deadline := time.NewTimer(p.deadline)
	defer deadline.Stop()
	select {
	case err := <-answered:
		return err
	case <-deadline.C:
		return fmt.Errorf("no answer within %v", p.deadline)
	}
}

// acknowledges are the statuses that acknowledge a message, as for Pub/Sub.
var acknowledges = []int{
	http.StatusProcessing,
	http.StatusOK,
	http.StatusCreated,
	http.StatusAccepted,
	http.StatusNoContent,
}

// post sends an envelope to the endpoint. An answer that is no acknowledgement is an error.
func (p *pusher) post(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, p.subscription.PushURL, bytes.NewReader(body),
	)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "CloudPubSub-Google")
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if !slices.Contains(acknowledges, response.StatusCode) {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

// envelope returns the body of a push. As with Pub/Sub, it counts deliveries only for a
// subscription with a dead-letter policy.
func (p *pusher) envelope(d *delivery) ([]byte, error) {
	id := d.message.GetMessageId()
	published := d.message.GetPublishTime().AsTime().Format(time.RFC3339Nano)
	message := map[string]any{
		"data":         d.message.GetData(),
		"messageId":    id,
		"message_id":   id,
		"publishTime":  published,
		"publish_time": published,
	}
	if len(d.message.GetAttributes()) > 0 {
		message["attributes"] = d.message.GetAttributes()
	}
	if key := d.message.GetOrderingKey(); key != "" {
		message["orderingKey"] = key
	}
	envelope := map[string]any{"message": message, "subscription": p.name}
	if p.subscription.DeadLetterTopic != "" {
		envelope["deliveryAttempt"] = d.failed + 1
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("write an envelope: %w", err)
	}
	return body, nil
}
