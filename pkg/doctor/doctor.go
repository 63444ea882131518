// Package doctor checks a deployment. For each problem it finds, it says how to repair it.
//
// It knows the services that the product needs and the packages that call them. It repairs nothing. It
// leaves nothing behind: the one object that it writes, it deletes again. A service that cannot be reached
// does not stop the checks of the others. Start with [Doctor.Run].
package doctor

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/fault"
)

// Doctor checks one deployment.
type Doctor struct {
	Config *config.Config
	Wrong  error // the error of reading the configuration; nil if there was none
	// Down means that serve is not running, so that only the database and this machine can be checked.
	Down bool
	// Space returns the free bytes of the disk with the data; nil: no data is kept here.
	Space func() (int64, error)
	Now   func() time.Time
}

// timeout bounds one check, so that one service that hangs does not hold up the others.
const timeout = 25 * time.Second

// Run makes all checks. It returns the findings in a fixed order, from the configuration up to the rooms.
func (d *Doctor) Run(ctx context.Context) []Finding {
	findings := []Finding{d.configuration()}
	findings = append(findings, d.machine(ctx)...)
	p, found := d.database(ctx)
	findings = append(findings, found...)
	if p != nil {
		defer func() { _ = p.Close() }() // it was only read
	}
	if d.Down {
		return append(findings, warn("serve", cause.ServeDown(), remedy("start-serve")))
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

// open opens only the parts that one check needs, so that a broken part fails one check.
func (d *Doctor) open(ctx context.Context, parts ...app.Part) (*app.Process, error) {
	return app.New(ctx, d.Config, slog.New(slog.DiscardHandler), d.Now, parts...)
}

// openAs opens the Workspace with the account of a component.
func (d *Doctor) openAs(ctx context.Context, component string, scopes []string) (*app.Process, error) {
	c := *d.Config
	c.Delegate = c.DelegateOf(component)
	return app.New(ctx, &c, slog.New(slog.DiscardHandler), d.Now, app.Workspace(scopes))
}

func (d *Doctor) configuration() Finding {
	const what = "configuration"
	if d.Wrong != nil {
		return fail(what, cause.ConfigurationInvalid(oneLine(d.Wrong)), remedy("set-variables"))
	}
	if d.Config.Database == "" {
		return fail(what, cause.DatabaseUnset(), remedy("set-database"))
	}
	return ok(what, cause.ConfigurationValid(d.Config.Project, d.Config.TimeZone))
}

// causeOf returns the cause of an error: the one that it carries, with the technical detail, or else its
// text.
func causeOf(err error) cause.Cause {
	var permanent *fault.PermanentError
	if errors.As(err, &permanent) {
		if permanent.Err == nil {
			return permanent.Cause
		}
		return cause.CheckRefused(permanent.Cause, oneLine(permanent.Err))
	}
	if fault.KindOf(err) == fault.Deferred {
		return fault.CauseOf(err)
	}
	return cause.CheckFailed(oneLine(err))
}

// isRefused reports whether an error is a lack of permission rather than a fault of the service.
func isRefused(err error) bool {
	return fault.KindOf(err) == fault.Permanent
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
