package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// syncOptOuts stores which listed events of a room's calendar forbid everyone to record. Beside it only step upload
// writes opt-outs, which stores what it finds before a sweep does. A kill leaves some of them as they were; the next
// sweep goes on. A stored opt-out outside of [from, to) stays until its event is seen again.
func (c *Calendar) syncOptOuts(
	ctx context.Context, room *nvr.Room, listed map[string]workspace.Event, from, to time.Time,
) error {
	stored, err := c.Store.OptOuts.OfCalendar(ctx, room.Calendar, from)
	if err != nil {
		return err
	}
	wanted := map[string]store.OptOut{}
	for id := range listed {
		event := listed[id]
		c.addOptOut(wanted, room, &event)
	}
	for _, out := range stored {
		if err := c.syncOptOut(ctx, room, out, listed, wanted, to); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		out := wanted[id]
		c.Log.InfoContext(ctx, "an event asks for no recording", "event_id", out.Event, "start", out.Start, "end", out.End)
		if err := c.Store.OptOuts.Save(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// addOptOut adds the opt-out of an event, if the event is one.
func (c *Calendar) addOptOut(wanted map[string]store.OptOut, room *nvr.Room, event *workspace.Event) {
	if out, ok := optOutOf(event, room, c.Settings.Domains); ok {
		wanted[event.ID] = out
	}
}

// optOutOf returns the opt-out of an event, if the event is one.
func optOutOf(event *workspace.Event, room *nvr.Room, domains []string) (out store.OptOut, ok bool) {
	at, ok := calendar.OptOutTime(eventOf(event), *room, domains)
	if !ok || len(event.ID) > maxEventID || len(event.Organizer) > maxEventID {
		return out, false
	}
	return store.OptOut{
		Calendar:  room.Calendar,
		Event:     event.ID,
		Room:      room.Name,
		Start:     at.Start.UTC(),
		End:       at.End.UTC(),
		Organizer: strings.ToLower(event.Organizer),
	}, true
}

// maxEventID is the length of the columns of an event's id and organiser. Longer ones are no event of people.
const maxEventID = 250

// syncOptOut compares a stored opt-out with its event. What is left in wanted is to be stored.
func (c *Calendar) syncOptOut(
	ctx context.Context,
	room *nvr.Room,
	out store.OptOut,
	listed map[string]workspace.Event,
	wanted map[string]store.OptOut,
	to time.Time,
) error {
	if _, there := listed[out.Event]; !there {
		if out.Ended || !out.Start.Before(to) {
			return nil
		}
		event, err := c.eventNow(ctx, room, out.Event)
		if err != nil {
			return err
		}
		c.addOptOut(wanted, room, &event)
	}
	now, wants := wanted[out.Event]
	switch {
	case wants && now == out:
		delete(wanted, out.Event)
	case !wants && !out.Ended:
		c.Log.InfoContext(ctx, "opt-out ended: its event no longer asks for no recording", "event_id", out.Event)
		return c.Store.OptOuts.End(ctx, out)
	}
	return nil
}

// eventNow reads an event that was not listed. One that is gone is cancelled.
func (c *Calendar) eventNow(ctx context.Context, room *nvr.Room, id string) (workspace.Event, error) {
	event, err := c.Workspace.Event(ctx, room.Calendar, id)
	if errors.Is(err, workspace.ErrNotFound) {
		return workspace.Event{ID: id, Status: "cancelled"}, nil
	}
	return event, err
}

// settleOptOuts withdraws the waiting records of a room that lie wholly in opted-out time, and restores those
// that an opt-out withdrew and that none covers any more. The workers of records at work check it themselves; see
// worker.withheld. It checks them even if no opt-out is stored: a claim, or another sweep, may have withdrawn one by
// an opt-out that has ended and was forgotten since. A kill leaves some of them as they were; the next sweep goes on.
func (c *Calendar) settleOptOuts(ctx context.Context, room *nvr.Room, from time.Time) error {
	affected, err := c.Store.OptOuts.Affected(ctx, room.Name, from.In(room.Zone).Format(time.DateOnly))
	if err != nil {
		return err
	}
	for i := range affected {
		if err := c.settleOptOut(ctx, room, &affected[i]); err != nil {
			return err
		}
	}
	return c.Store.OptOuts.Forget(ctx, room.Calendar)
}

func (c *Calendar) settleOptOut(ctx context.Context, room *nvr.Room, r *nvr.Record) error {
	start, end, err := r.Window(room.Zone)
	if err != nil {
		return nil // claim fails it, with its cause
	}
	parts, err := c.Store.OptOuts.Within(ctx, room, start, end)
	if err != nil {
		return err
	}
	covered, withdrawn := nvr.Cover(parts, start, end), r.Step == nvr.StepWithdrawn
	switch {
	case covered && !withdrawn:
		c.Log.InfoContext(ctx, "withdrawn: an event asks for no recording", "record", r.ID)
		err = c.Store.Requests.WithdrawRead(ctx, *r, cause.OptedOut(room.Name))
	case !covered && withdrawn:
		c.Log.InfoContext(ctx, "restored: no opt-out covers it any more", "record", r.ID)
		err = c.Store.Requests.RetryRead(ctx, *r)
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, fault.ErrStale) {
		return nil // it has changed meanwhile: the next sweep looks again
	}
	if err != nil {
		return fmt.Errorf("apply the opt-outs to record %d: %w", r.ID, err)
	}
	return nil
}
