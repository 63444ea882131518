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

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// ErrUncertain says that a notice may have been sent or not.
var ErrUncertain = errors.New("it is not known whether the notice was sent")

// Notice is what there is to tell.
type Notice struct {
	Record   int64
	Done     bool   // the video is there; else the record failed
	Revision int64  // of the video; above 1, a delivered video was changed
	OptOut   string // names an opt-out of time that the delivered video shows; the notice is for operators
	To       string
	Room     string
	Title    string
	When     string // date and times, room time, for people
	FileID   string
	Link     string
	Unshared cause.Cause // why the requester may not see the video; zero: may
	Reason   cause.Cause // why it failed, or what an opt-out covers
	Language string      // "ru", else English
	At       time.Time   // when the record came to its end: the same in every try
}

// ID names the notice, for ever.
func (n *Notice) ID() string {
	if n.OptOut != "" {
		return fmt.Sprintf("record-%d-opted-out-%s", n.Record, n.OptOut)
	}
	if n.Done && n.Revision > 1 {
		return fmt.Sprintf("record-%d-revised-%d", n.Record, n.Revision)
	}
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

// IsPersonal reports whether a channel brings a notice to one person. A webhook brings it to a program.
func IsPersonal(c Channel) bool {
	_, program := c.(*webhook)
	return !program
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

	Texts     *i18n.Catalog     // nil: those of the program
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
	if o.Texts == nil {
		o.Texts = i18n.Default()
	}
	caller := newCaller(o)
	var means []Channel
	if o.Webhook != "" {
		if o.WebhookSecret == "" {
			return nil, errors.New("a webhook needs a secret to sign with")
		}
		means = append(means, &webhook{
			caller:  caller,
			address: o.Webhook,
			secret:  []byte(o.WebhookSecret),
			source:  source(o.Source),
			texts:   o.Texts,
		})
	}
	if o.Zulip != "" {
		z, err := newZulip(caller, o.Texts, o.Zulip, o.ZulipKey)
		if err != nil {
			return nil, err
		}
		means = append(means, z)
	}
	if o.SMTP != "" {
		m, err := newMail(caller, o.Texts, o.SMTP, o.SMTPPassword, o.SMTPFrom)
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

// subject returns the notice in one line.
func (n *Notice) subject(texts *i18n.Localizer) string {
	name := strings.Join(strings.Fields(n.Title), " ")
	if name == "" {
		name = n.Room
	}
	if n.OptOut != "" {
		return texts.T("notice.subject.opted-out", "name", name)
	}
	if n.Done && n.Revision > 1 {
		return texts.T("notice.subject.revised", "name", name)
	}
	if n.Done {
		return texts.T("notice.subject.done", "name", name)
	}
	return texts.T("notice.subject.failed", "name", name)
}

// text returns the notice in a few lines of plain text.
func (n *Notice) text(texts *i18n.Localizer) string {
	lines := []string{
		n.subject(texts),
		texts.T("notice.where", "room", n.Room, "when", n.When),
	}
	if !n.Done || n.OptOut != "" {
		lines = append(lines, texts.Cause(n.Reason))
	}
	if n.Done {
		lines = append(lines, n.Link)
	}
	if !n.Unshared.IsZero() {
		lines = append(lines, texts.Cause(n.Unshared))
	}
	return strings.Join(lines, "\n")
}
