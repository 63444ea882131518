// Package doctor looks whether everything is in order, and says of what is not how to mend it.
//
// It knows what the product needs around it and the packages that speak to each; it mends nothing, and
// leaves nothing behind but an object that it deletes again. What cannot be reached does not keep it
// from looking at the rest. Start with [Doctor.Look].
package doctor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Doctor looks at one deployment.
type Doctor struct {
	Config *config.Config
	Wrong  error // what reading the configuration said; nil if nothing
	// Down says that nothing but the database and this machine can be asked, since no serve runs.
	Down bool
	// Space is how many bytes are free where data is kept; nil: nothing is kept here.
	Space func() (int64, error)
	Now   func() time.Time
}

// patience is how long one look may take: a doctor that waits tells nothing.
const patience = 25 * time.Second

// Run looks at everything, from the ground up.
func (d *Doctor) Run(ctx context.Context) []Finding {
	findings := []Finding{d.configuration()}
	findings = append(findings, d.machine(ctx)...)
	p, found := d.database(ctx)
	findings = append(findings, found...)
	if p != nil {
		defer func() { _ = p.Close() }() // it was only read
	}
	if d.Down {
		return append(findings, warn("serve", say("is not running: buckets, messages and the Workspace were not looked at",
			"не запущен: хранилище, сообщения и Workspace не проверены"), say("local serve --data DIR", "local serve --data DIR")))
	}
	findings = append(findings, d.buckets(ctx)...)
	findings = append(findings, d.dispatch(ctx)...)
	findings = append(findings, d.workspace(ctx)...)
	findings = append(findings, d.uploaders(ctx, p)...)
	findings = append(findings, d.webhook(ctx)...)
	if p != nil {
		findings = append(findings, d.rooms(ctx, p)...)
	}
	return findings
}

// open builds what a look needs, and nothing else, so that what is broken breaks one look.
func (d *Doctor) open(ctx context.Context, parts ...app.Part) (*app.Process, error) {
	return app.New(ctx, d.Config, slog.New(slog.DiscardHandler), d.Now, parts...)
}

// delegate is the account that acts for people of the domain on behalf of a component.
func (d *Doctor) delegate(component string) string {
	return cmp.Or(d.Config.Delegates[component], d.Config.Delegate)
}

// openAs builds the Workspace as a component has it.
func (d *Doctor) openAs(ctx context.Context, component string, scopes []string) (*app.Process, error) {
	c := *d.Config
	c.Delegate = d.delegate(component)
	return app.New(ctx, &c, slog.New(slog.DiscardHandler), d.Now, app.Workspace(scopes))
}

func (d *Doctor) configuration() Finding {
	if d.Wrong != nil {
		return fail("configuration", same("%s", oneLine(d.Wrong)),
			say("set these variables, as pkg/config explains (on one machine serve does: start it again)",
				"задайте эти переменные, как объяснено в pkg/config (на одной машине это делает serve: запустите его снова)"))
	}
	if d.Config.Database == "" {
		return fail("configuration", say("DATABASE is not set", "переменная DATABASE не задана"),
			say("set it to the address of the database, or give --data DIR", "задайте в ней адрес базы данных или укажите --data DIR"))
	}
	return ok("configuration", same("%s, %s", d.Config.Project, d.Config.TimeZone))
}

// because words an error for people: its reason if it has one, else its text.
func because(err error) nvr.Reason {
	var permanent *fault.PermanentError
	if errors.As(err, &permanent) {
		cause := ""
		if permanent.Err != nil {
			cause = " (" + oneLine(permanent.Err) + ")"
		}
		return nvr.Reason{En: permanent.Reason.En + cause, Ru: cmp.Or(permanent.Reason.Ru, permanent.Reason.En) + cause}
	}
	var later *fault.Deferral
	if errors.As(err, &later) {
		return later.Why
	}
	return same("%s", oneLine(err))
}

// refused tells whether somebody forbids it, rather than that it is broken.
func refused(err error) bool {
	var permanent *fault.PermanentError
	return errors.As(err, &permanent)
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
