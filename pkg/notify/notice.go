// Package notify tells the requester that a video is ready, or why there is none: by a webhook, by
// Zulip, by e-mail, whichever are configured.
//
// It knows how each channel avoids a second notice. A webhook's event has an id, by which its receiver drops
// a duplicate. Zulip is searched before anything is sent. E-mail can do neither, so the caller stores that it
// is about to send, and does not send again if it cannot know whether the notice was sent ([ErrUncertain]).
// The package knows no record's row and no step. Start with [New].
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

// ErrUncertain means that a notice may or may not have been sent.
var ErrUncertain = errors.New("it is not known whether the notice was sent")

// Notice is one message to one receiver about a record.
type Notice struct {
	Record   int64
	Done     bool   // whether the video is there; otherwise the record failed
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
	Language string      // a tag of the catalogue, such as "ru"; one that it does not hold means English
	At       time.Time   // when the record came to its end: the same in every try
}

// ID returns the notice's name. It is the same in every try, and no other notice has it.
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

// Channel is one way to send notices.
type Channel interface {
	// Name is "webhook", "zulip" or "mail".
	Name() string
	// AtMostOnce reports whether the receiver cannot recognise a repeated notice. The caller then stores that
	// it is about to send, and does not send again after a failure that leaves the outcome unknown.
	AtMostOnce() bool
	// Send sends a notice. Errors are of package fault's kinds, or [ErrUncertain].
	Send(ctx context.Context, n Notice) error
}

// IsPersonal reports whether a channel brings a notice to one person. A webhook brings it to a program.
func IsPersonal(c Channel) bool {
	_, program := c.(*webhook)
	return !program
}

// Options configures the channels. A channel with an empty address is not used.
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

// New returns the configured channels, in the order webhook, Zulip, e-mail.
func New(o Options) ([]Channel, error) {
	if o.Now == nil {
		return nil, errors.New("notice: no clock")
	}
	if o.Texts == nil {
		o.Texts = i18n.Default()
	}
	caller := newCaller(o)
	var channels []Channel
	if o.Webhook != "" {
		if o.WebhookSecret == "" {
			return nil, errors.New("a webhook needs a secret to sign with")
		}
		channels = append(channels, &webhook{
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
		channels = append(channels, z)
	}
	if o.SMTP != "" {
		m, err := newMail(caller, o.Texts, o.SMTP, o.SMTPPassword, o.SMTPFrom)
		if err != nil {
			return nil, err
		}
		channels = append(channels, m)
	}
	return channels, nil
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
