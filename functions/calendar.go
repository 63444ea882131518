package functions

import (
	"errors"
	"net/http"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/wire"
)

// Days of the segments' index that a sweep and the daily call look at.
const (
	sweptDays = 2
	allDays   = 15
)

// Calendar keeps records in step with the rooms' calendars, and the index of segments with the bucket.
// Scheduler wakes it with an empty body, daily with ?renew to renew the notification channels and to look
// for dark encoders; topic calendar wakes it for one room when a notification came. See
// [pipeline.Calendar].
func Calendar(p *wire.Process) (http.Handler, error) {
	c := &pipeline.Calendar{
		Store: p.Store, Workspace: p.Workspace, Now: p.Now, Log: p.Log,
		Settings: pipeline.CalendarSettings{Retention: p.Config.Retention, Requester: p.Config.Requester, Address: p.Config.Notifications()},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if room := dispatch.Woken(w, r)["room"]; room != "" { // a notification: that calendar, at once
			answer(ctx, w, p, c.SweepRoom(ctx, room))
			return
		}
		days, err := sweptDays, error(nil)
		if r.URL.Query().Has("renew") {
			days, err = allDays, errors.Join(c.RenewChannels(ctx), p.CanvasDays(ctx), p.Forget(ctx))
		}
		answer(ctx, w, p, errors.Join(err, c.Sweep(ctx), p.Index(ctx, days)))
	}), nil
}
