package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// envelopeBytes bounds a push: a claim and its attributes are under 1 KB, and no message is larger.
const envelopeBytes = 256 << 10

// Message is a push: a claim and how it came.
type Message struct {
	Claim        nvr.Claim
	ID           string // given by Pub/Sub; two of one publish differ
	Subscription string // full name
	Delivery     int    // 1 for the first; 0 if the subscription does not count
	Attributes   map[string]string
	Dead         *Dead // what the message died of; nil unless it comes from dead letters
}

// Dead is where a message was given up: the attributes that Pub/Sub adds to a dead letter.
type Dead struct {
	Subscription string // its short name
	Project      string
	Deliveries   int       // how many were tried; 0 if it does not say
	Published    time.Time // first, to its own topic; zero if it does not say
}

// Malformed is a push that no retry mends: it is logged and acknowledged.
type Malformed struct{ Err error }

// Error implements error.
func (m *Malformed) Error() string {
	return fmt.Sprintf("malformed push: %v", m.Err)
}

// Unwrap returns the cause.
func (m *Malformed) Unwrap() error { return m.Err }

// envelope is what a push subscription posts. Unknown fields are ignored, as Google adds some.
type envelope struct {
	Message *struct {
		Data       []byte            `json:"data"`
		Attributes map[string]string `json:"attributes"`
		MessageID  string            `json:"messageId"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// Receive reads a push. The error is a [*Malformed] if what came is not a claim in an envelope;
// any other is of the connection, and a further delivery may be read.
func Receive(w http.ResponseWriter, r *http.Request) (Message, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, envelopeBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return Message{}, &Malformed{err}
	}
	if err != nil {
		return Message{}, fmt.Errorf("read a push: %w", err)
	}
	message, err := parse(body)
	if err != nil {
		return Message{}, &Malformed{err}
	}
	return message, nil
}

func parse(body []byte) (Message, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Message{}, fmt.Errorf("read the envelope: %w", err)
	}
	if e.Message == nil {
		return Message{}, errors.New("the envelope holds no message")
	}
	claim, err := parseClaim(e.Message.Data)
	if err != nil {
		return Message{}, err
	}
	return Message{
		Claim:        claim,
		ID:           e.Message.MessageID,
		Subscription: e.Subscription,
		Delivery:     e.DeliveryAttempt,
		Attributes:   e.Message.Attributes,
		Dead:         dead(e.Message.Attributes),
	}, nil
}

// parseClaim takes exactly the four fields of a claim, each once and of its type.
func parseClaim(data []byte) (nvr.Claim, error) {
	var claim nvr.Claim
	fields := json.NewDecoder(bytes.NewReader(data))
	if open, err := fields.Token(); err != nil || open != json.Delim('{') {
		return claim, errors.New("the message is not a claim: not an object")
	}
	missing := map[string]any{
		"record":  &claim.Record,
		"attempt": &claim.Attempt,
		"turn":    &claim.Continuation,
		"step":    &claim.Step,
	}
	for fields.More() {
		name, err := fields.Token()
		if err != nil {
			return claim, fmt.Errorf("the message is not a claim: %w", err)
		}
		key, _ := name.(string)
		into, expected := missing[key]
		if !expected {
			return claim, fmt.Errorf(
				"the message is not a claim: field %q is unknown or there twice",
				key,
			)
		}
		delete(missing, key)
		if err := fields.Decode(into); err != nil {
			return claim, fmt.Errorf("the message is not a claim: field %q: %w", key, err)
		}
	}
	if _, err := fields.Token(); err != nil { // the closing brace
		return claim, fmt.Errorf("the message is not a claim: %w", err)
	}
	if _, err := fields.Token(); !errors.Is(err, io.EOF) {
		return claim, errors.New("the message is not a claim: something follows it")
	}
	if len(missing) > 0 {
		return claim, fmt.Errorf("the message is not a claim: %d fields are missing", len(missing))
	}
	if claim.Record <= 0 || claim.Attempt < 0 || claim.Continuation < 0 || !claim.Step.Working() {
		return claim, fmt.Errorf(
			"the message is not a claim: record %d, attempt %d, turn %d, step %q",
			claim.Record, claim.Attempt, claim.Continuation, claim.Step,
		)
	}
	return claim, nil
}

// Attributes that Pub/Sub adds to a dead letter.
const (
	deadSubscription = "CloudPubSubDeadLetterSourceSubscription"
	deadProject      = "CloudPubSubDeadLetterSourceSubscriptionProject"
	deadDeliveries   = "CloudPubSubDeadLetterSourceDeliveryCount"
	deadPublished    = "CloudPubSubDeadLetterSourceTopicPublishTime"
)

// dead reads the attributes of a dead letter. What of them cannot be read is left out: they are for
// people, the claim alone decides.
func dead(attributes map[string]string) *Dead {
	subscription, is := attributes[deadSubscription]
	if !is {
		return nil
	}
	d := &Dead{Subscription: subscription, Project: attributes[deadProject]}
	if n, err := strconv.Atoi(attributes[deadDeliveries]); err == nil && n > 0 {
		d.Deliveries = n
	}
	if t, err := time.Parse(time.RFC3339Nano, attributes[deadPublished]); err == nil {
		d.Published = t
	}
	return d
}
