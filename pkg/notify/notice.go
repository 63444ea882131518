// Package notify tells the requester that a video is ready, or why there is none: by a webhook, by
// Zulip, by e-mail, whichever are configured.
//
// It knows how each means avoids a second notice. A webhook's event has an id of its own, by which its
// receiver drops a double; Zulip is searched before anything is sent; e-mail can do neither, so the
// caller stores that he is about to send, and does not send again when he cannot know ([ErrUncertain]). It
// knows no record's row and no step. Start with [New].
package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// ErrUncertain says that a notice may have been sent or not.
var ErrUncertain = errors.New("it is not known whether the notice was sent")

// Notice is what there is to tell.
type Notice struct {
	Record   int64
	Done     bool // the video is there; else the record failed
	To       string
	Room     string
	Title    string
	When     string // date and times, room time, for people
	FileID   string
	Link     string
	Reason   nvr.Reason // why it failed
	Language string     // "ru", else English
	At       time.Time  // when the record came to its end: the same in every try
}

// ID names the notice, for ever.
func (n *Notice) ID() string {
	if n.Done {
		return fmt.Sprintf("record-%d-done", n.Record)
	}
	return fmt.Sprintf("record-%d-failed", n.Record)
}

// Channel is one way to tell people.
type Channel interface {
	// Name is "webhook", "zulip" or "mail".
	Name() string
	// AtMostOnce tells that a second Send would be a second notice: store the intent first.
	AtMostOnce() bool
	// Send tells it. Errors are of package fault's kinds, or [ErrUncertain].
	Send(ctx context.Context, n Notice) error
}

// Options configure the means; one with an empty address is not used.
type Options struct {
	Webhook       string
	WebhookSecret string
	Source        string // CloudEvents' source; empty: "nvr-merger"

	Zulip    string // https://bot%40example.org@zulip.example.org/
	ZulipKey string

	SMTP         string // smtp://user@host:port; smtps:// for TLS from the first byte
	SMTPPassword string
	SMTPFrom     string

	Transport http.RoundTripper // nil: the default one
	Scale     float64           // divides every wait; 0 means 1
	Now       func() time.Time
	Pause     func(context.Context, time.Duration) error // nil: a timer
}

// New gives the configured means.
func New(o Options) ([]Channel, error) {
	if o.Now == nil {
		return nil, errors.New("notice: no clock")
	}
	caller := newCaller(o)
	var means []Channel
	if o.Webhook != "" {
		if o.WebhookSecret == "" {
			return nil, errors.New("a webhook needs a secret to sign with")
		}
		means = append(means, &webhook{caller: caller, address: o.Webhook, secret: []byte(o.WebhookSecret), source: source(o.Source)})
	}
	if o.Zulip != "" {
		z, err := newZulip(caller, o.Zulip, o.ZulipKey)
		if err != nil {
			return nil, err
		}
		means = append(means, z)
	}
	if o.SMTP != "" {
		m, err := newMail(caller, o.SMTP, o.SMTPPassword, o.SMTPFrom)
		if err != nil {
			return nil, err
		}
		means = append(means, m)
	}
	return means, nil
}

func source(configured string) string {
	if configured == "" {
		return "nvr-merger"
	}
	return configured
}

// subject is the notice in a line.
func (n *Notice) subject() string {
	name := strings.Join(strings.Fields(n.Title), " ")
	if name == "" {
		name = n.Room
	}
	switch {
	case n.Done && n.Language == "ru":
		return "Видео готово: " + name
	case n.Done:
		return "Your video is ready: " + name
	case n.Language == "ru":
		return "Видео не получилось: " + name
	}
	return "There is no video: " + name
}

// text is the notice in a few lines of plain text.
func (n *Notice) text() string {
	lines := []string{n.subject()}
	if n.Language == "ru" {
		lines = append(lines, "Аудитория "+n.Room+", "+n.When)
	} else {
		lines = append(lines, "Room "+n.Room+", "+n.When)
	}
	switch {
	case n.Done:
		lines = append(lines, n.Link)
	case n.Language == "ru":
		lines = append(lines, n.Reason.Ru)
	default:
		lines = append(lines, n.Reason.En)
	}
	return strings.Join(lines, "\n")
}
