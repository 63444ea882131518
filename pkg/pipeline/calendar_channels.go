package pipeline

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// defaultLife is what Calendar gives a channel at most.
const defaultLife = 7 * 24 * time.Hour

// RenewChannels sees to it that each room's calendar has a channel that lives for another third of its
// process at least, and ends those that are not needed. A channel that is lost costs minutes: the sweep needs
// none.
func (c *Calendar) RenewChannels(ctx context.Context) error {
	if c.Settings.Address == "" {
		return nil
	}
	rooms, err := c.Store.Rooms.List(ctx)
	if err != nil {
		return err
	}
	channels, err := c.Store.Channels.List(ctx)
	if err != nil {
		return err
	}
	of := map[string][]store.Channel{}
	for _, channel := range channels {
		of[channel.Calendar] = append(of[channel.Calendar], channel)
	}
	var errs []error
	for i := range rooms {
		room := &rooms[i]
		if room.Calendar == "" {
			continue
		}
		if err := c.renew(ctx, room, of[room.Calendar]); err != nil {
			errs = append(errs, fmt.Errorf("renew the channel of room %q: %w", room.Name, err))
		}
		delete(of, room.Calendar)
	}
	for _, stale := range of { // of calendars that no room has any more
		errs = append(errs, c.end(ctx, stale))
	}
	return errors.Join(errs...)
}

// renew opens a channel if the best of a calendar's ends soon, then ends the others. The row is written
// before the channel is opened, because its first word comes before the answer; until the answer is in
// the row it counts for nothing, so a kill in between costs one more channel.
func (c *Calendar) renew(ctx context.Context, room *nvr.Room, channels []store.Channel) error {
	now, life := c.Now(), cmp.Or(c.Settings.Life, defaultLife)
	var best *store.Channel
	for i := range channels {
		if channels[i].Resource != "" && (best == nil || channels[i].ExpiresAt.After(best.ExpiresAt)) {
			best = &channels[i]
		}
	}
	if best == nil || best.ExpiresAt.Before(now.Add(life/3)) {
		opened, err := c.open(ctx, room.Calendar, now.Add(life))
		if err != nil {
			left := time.Duration(0)
			if best != nil {
				left = best.ExpiresAt.Sub(now)
			}
			c.Log.WarnContext(
				ctx, "could not open a channel; the calendar is only polled",
				observe.Channel(room.Name, left), "err",
				err,
			)
			return err
		}
		best = &opened
	}
	c.Log.InfoContext(
		ctx, "the room's channel lives",
		observe.Channel(room.Name, best.ExpiresAt.Sub(now)),
	)
	var others []store.Channel
	for _, channel := range channels {
		if channel.ID != best.ID {
			others = append(others, channel)
		}
	}
	return c.end(ctx, others)
}

func (c *Calendar) open(ctx context.Context, id string, until time.Time) (store.Channel, error) {
	row := store.Channel{ID: rand.Text(), Calendar: id, ExpiresAt: until}
	token := rand.Text()
	if err := c.Store.Channels.Save(ctx, row, token); err != nil {
		return row, err
	}
	opened, err := c.Workspace.Watch(ctx, id, workspace.Channel{
		ID:      row.ID,
		Token:   token,
		Address: c.Settings.Address,
		Expires: until,
	})
	if err != nil {
		return row, errors.Join(err, c.Store.Channels.Delete(context.WithoutCancel(ctx), row.ID))
	}
	row.Resource, row.ExpiresAt = opened.ResourceID, opened.Expires
	return row, c.Store.Channels.Save(ctx, row, token)
}

// end stops channels and forgets them. One that Google no longer knows is only forgotten.
func (c *Calendar) end(ctx context.Context, channels []store.Channel) error {
	var errs []error
	for _, channel := range channels {
		if channel.Resource != "" && channel.ExpiresAt.After(c.Now()) {
			if err := c.Workspace.StopWatch(ctx, workspace.Channel{
				ID:         channel.ID,
				ResourceID: channel.Resource,
			}); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		errs = append(errs, c.Store.Channels.Delete(ctx, channel.ID))
	}
	return errors.Join(errs...)
}
