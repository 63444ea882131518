package workspace

import (
	"context"
	"errors"
	"net/http"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
)

// Channel is a subscription to the changes of one calendar.
type Channel struct {
	ID         string // ours, new for each channel; at most 64 characters
	Token      string // a secret that each notice carries
	Address    string // https, where notices go
	ResourceID string // Google's; needed to stop it
	Expires    time.Time
}

// Watch opens a channel until about ch.Expires and gives it with what Google made of it. [ErrExists]:
// the id was used; if it was by an earlier try whose answer was lost, that channel ends by itself: open
// another with a new id.
func (c *Client) Watch(ctx context.Context, calendarID string, ch Channel) (Channel, error) {
	if err := checkID("calendar", calendarID); err != nil {
		return Channel{}, err
	}
	seat, err := c.as(ctx, c.options.Subjects.Calendar)
	if err != nil {
		return Channel{}, err
	}
	err = c.do(ctx, "calendar.events.watch", "watch calendar "+calendarID, func(ctx context.Context) error {
		opened, err := seat.calendar.Events.Watch(calendarID, &calendar.Channel{
			Id:         ch.ID,
			Token:      ch.Token,
			Address:    ch.Address,
			Type:       "web_hook",
			Expiration: ch.Expires.UnixMilli(),
		}).Context(ctx).Fields("id", "resourceId", "expiration").Do()
		if err != nil {
			return usedID(err)
		}
		ch.ResourceID = opened.ResourceId
		if opened.Expiration > 0 {
			ch.Expires = time.UnixMilli(opened.Expiration)
		}
		return nil
	})
	return ch, err
}

func usedID(err error) error {
	var answer *googleapi.Error
	if errors.As(err, &answer) && answer.Code == http.StatusBadRequest && reasonOf(answer) == "channelIdNotUnique" {
		return ErrExists
	}
	return err
}

// StopWatch ends a channel. One that has ended is fine.
func (c *Client) StopWatch(ctx context.Context, ch Channel) error {
	seat, err := c.as(ctx, c.options.Subjects.Calendar)
	if err != nil {
		return err
	}
	err = c.do(ctx, "calendar.channels.stop", "stop channel "+ch.ID, func(ctx context.Context) error {
		return seat.calendar.Channels.Stop(&calendar.Channel{
			Id:         ch.ID,
			ResourceId: ch.ResourceID,
		}).Context(ctx).Do()
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
