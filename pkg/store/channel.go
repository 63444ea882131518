package store

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"
)

const (
	channelColumns = `id, calendar, resource, token, expires_at`

	selectChannel = `select ` + channelColumns + ` from merger_channels where id = ?`

	selectChannels = `select ` + channelColumns + ` from merger_channels order by calendar, expires_at`

	replaceChannel = `replace into merger_channels (id, calendar, resource, token, expires_at) values (?, ?, ?, ?, ?)`

	deleteChannel = `delete from merger_channels where id = ?`
)

// Channels keeps the push channels of calendars.
type Channels struct{ *database }

// Channel is a push channel by which a calendar says "look now".
type Channel struct {
	ID        string
	Calendar  string
	Resource  string // Google's id of what is watched; empty until the watch has been answered
	ExpiresAt time.Time
	token     string // SHA-256 of the token that every push carries
}

// Carries tells whether a push's token is the channel's.
func (c *Channel) VerifyToken(token string) bool {
	return subtle.ConstantTimeCompare([]byte(digest([]byte(token))), []byte(c.token)) == 1
}

// SaveChannel writes a channel; token is kept as a hash only.
func (s Channels) Save(ctx context.Context, c Channel, token string) error {
	_, err := s.exec(ctx, replaceChannel, c.ID, c.Calendar, c.Resource, digest([]byte(token)), millis(c.ExpiresAt))
	if err != nil {
		return fmt.Errorf("save the channel of calendar %q: %w", c.Calendar, err)
	}
	return nil
}

// Channel reads one channel; [ErrNotFound] if there is none.
func (s Channels) Get(ctx context.Context, id string) (c Channel, err error) {
	err = s.row(ctx, func(row scanner) (err error) { c, err = scanChannel(row); return err }, selectChannel, id)
	if err != nil {
		return Channel{}, fmt.Errorf("look for a calendar's channel: %w", err)
	}
	return c, nil
}

// Channels lists all channels, by calendar and expiry.
func (s Channels) List(ctx context.Context) ([]Channel, error) {
	var channels []Channel
	err := s.each(ctx, func() { channels = nil }, func(row scanner) error {
		c, err := scanChannel(row)
		channels = append(channels, c)
		return err
	}, selectChannels)
	if err != nil {
		return nil, fmt.Errorf("list the calendars' channels: %w", err)
	}
	return channels, nil
}

func scanChannel(row scanner) (c Channel, err error) {
	var expires int64
	err = row.Scan(&c.ID, &c.Calendar, &c.Resource, &c.token, &expires)
	c.ExpiresAt = instant(expires)
	return c, err
}

// DeleteChannel forgets a channel.
func (s Channels) Delete(ctx context.Context, id string) error {
	if _, err := s.exec(ctx, deleteChannel, id); err != nil {
		return fmt.Errorf("forget a calendar's channel: %w", err)
	}
	return nil
}
