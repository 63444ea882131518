package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// SignatureHeader carries "sha256=" and the HMAC-SHA256 of the body in hex, as many receivers of
// webhooks check it already.
const SignatureHeader = "X-Hub-Signature-256"

// The types of events.
const (
	TypeDone   = "io.github.nvr-miem.merger.record.done"
	TypeFailed = "io.github.nvr-miem.merger.record.failed"
	TypeOptOut = "io.github.nvr-miem.merger.record.opted-out"
)

// event is a CloudEvents 1.0 event in structured JSON. It is seven fields; the SDK would bring its own
// client, retries and clock.
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        data      `json:"data"`
}

type data struct {
	Record    int64           `json:"record"`
	UserEmail string          `json:"user_email"`
	FileID    string          `json:"file_id"`
	Link      string          `json:"link"`
	Title     string          `json:"title"`
	Room      string          `json:"room"`
	Reason    json.RawMessage `json:"reason,omitempty"` // the words by language, code and args
}

type webhook struct {
	caller  *caller
	address string
	secret  []byte
	source  string
	texts   *i18n.Catalog
}

// Name implements [Channel].
func (w *webhook) Name() string { return "webhook" }

// AtMostOnce implements [Channel]. It returns false: the receiver recognises a repeat by source and id.
func (w *webhook) AtMostOnce() bool { return false }

// Send implements [Channel].
func (w *webhook) Send(ctx context.Context, n Notice) error {
	body, err := w.event(n)
	if err != nil {
		return err
	}
	sum := hmac.New(sha256.New, w.secret)
	sum.Write(body)
	signature := "sha256=" + hex.EncodeToString(sum.Sum(nil))
	return w.caller.do(ctx, "call the webhook with "+n.ID(), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(
			ctx,
			http.MethodPost,
			w.address,
			bytes.NewReader(body),
		)
		if err != nil {
			return &fault.PermanentError{Cause: cause.WebhookRefused(), Err: err}
		}
		request.Header.Set("Content-Type", "application/cloudevents+json; charset=UTF-8")
		request.Header.Set(SignatureHeader, signature)
		_, err = w.caller.send(request, cause.WebhookRefused())
		return err
	})
}

// event returns the body of the request. It is the same in every try.
func (w *webhook) event(n Notice) ([]byte, error) {
	e := event{
		SpecVersion: "1.0",
		ID:          n.ID(),
		Source:      w.source,
		Type:        TypeDone,
		Subject:     strconv.FormatInt(n.Record, 10),
		Time:        n.At.UTC(),
		ContentType: "application/json",
		Data: data{
			Record:    n.Record,
			UserEmail: n.To,
			FileID:    n.FileID,
			Link:      n.Link,
			Title:     n.Title,
			Room:      n.Room,
		},
	}
	switch {
	case n.OptOut != "":
		e.Type, e.Data.Reason = TypeOptOut, reasonJSON(w.texts, n.Reason)
	case !n.Unshared.IsZero():
		e.Data.Reason = reasonJSON(w.texts, n.Unshared)
	case !n.Done:
		e.Type, e.Data.Reason = TypeFailed, reasonJSON(w.texts, n.Reason)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write the event %s: %w", n.ID(), err)
	}
	return body, nil
}

// reasonJSON returns a cause as events hold it. The zero cause has empty texts, for receivers that expect
// them.
func reasonJSON(texts *i18n.Catalog, reason cause.Cause) json.RawMessage {
	if reason.IsZero() {
		return json.RawMessage(`{"en":"","ru":""}`)
	}
	return json.RawMessage(texts.FormatReason(reason))
}
