package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// syncMembers stores who belongs to the listed events, if requests are for members only. A kill leaves some as
// they were; the next sweep goes on.
func (c *Calendar) syncMembers(
	ctx context.Context, room *nvr.Room, listed map[string]workspace.Event, from, to time.Time,
) error {
	if !c.Settings.Members {
		return nil
	}
	stored, err := c.Store.EventMembers.OfCalendar(ctx, room.Calendar, from)
	if err != nil {
		return err
	}
	wanted := map[string]store.MemberEvent{}
	for id := range listed {
		event := listed[id]
		if at, ok := calendar.MeetingTime(eventOf(&event), *room, c.Settings.Domains); ok && len(id) <= maxEventID {
			wanted[id] = store.MemberEvent{
				Calendar: room.Calendar,
				Event:    id,
				Room:     room.Name,
				Start:    at.Start.UTC(),
				End:      at.End.UTC(),
				Members:  store.FormatMembers(slices.Concat(event.Guests, []string{event.Organizer, event.Creator})),
			}
		}
	}
	for _, event := range stored {
		now, wants := wanted[event.Event]
		switch {
		case wants && now == event:
			delete(wanted, event.Event)
		case !wants && event.Start.Before(to):
			if err := c.Store.EventMembers.Delete(ctx, event); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		if err := c.Store.EventMembers.Save(ctx, wanted[id]); err != nil {
			return err
		}
	}
	return nil
}
