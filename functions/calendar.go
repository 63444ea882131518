package functions

import (
	"context"
	"errors"
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// The days of the index of segments that a sweep and the daily call update.
const (
	sweptDays = 2
	allDays   = 15
)

// Calendar updates the records from the rooms' calendars, and the index of segments from the bucket.
// Cloud Scheduler calls it with an empty body. Once a day it calls it with ?renew, which also renews the
// notification channels and reports idle screens. Topic calendar calls it for one room after a notification.
// See [pipeline.Calendar].
func Calendar(p *app.Process) (http.Handler, error) {
	c := &pipeline.Calendar{
		Store:     pipeline.CalendarStoreOf(p.DB),
		Workspace: p.Workspace,
		Now:       p.Now,
		Log:       p.Log,
		Settings: pipeline.CalendarSettings{
			Retention: p.Config.Retention,
			Requester: p.Config.Requester,
			Address:   p.Config.Notifications(),
			Domains:   p.Config.WorkspaceDomains(),
			Members:   p.Config.RequestPolicy == config.PolicyEvent,
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message := dispatch.Attributes(w, r)
		ctx := observe.With(
			observe.Extract(r.Context(), message), "calendar",
			nvr.Claim{}, message["room"],
		)
		ctx, err := inSpan(ctx, "calendar", func(ctx context.Context) error {
			switch {
			case message["room"] != "": // a notification
				return c.SweepRoom(ctx, message["room"])
			case r.URL.Query().Has("renew"):
				return errors.Join(
					c.RenewChannels(ctx),
					p.ReportIdleScreens(ctx),
					p.PurgeExpired(ctx),
					c.Sweep(ctx),
					p.IndexSegments(ctx, allDays),
				)
			}
			return errors.Join(c.Sweep(ctx), p.IndexSegments(ctx, sweptDays))
		})
		writeResult(ctx, w, p, err)
	}), nil
}
