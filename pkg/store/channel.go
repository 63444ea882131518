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

// Channel is a push channel through which Google Calendar announces that a calendar has changed.
type Channel struct {
	ID        string
	Calendar  string
	Resource  string // Google's id of the watched resource; empty until events.watch has answered
	ExpiresAt time.Time
	token     string // SHA-256 of the token that every push carries
}

// VerifyToken reports whether token is the token of the channel. It takes constant time.
func (c *Channel) VerifyToken(token string) bool {
	hash := digest([]byte(token))
	return subtle.ConstantTimeCompare([]byte(hash), []byte(c.token)) == 1
}

// Save inserts or replaces a channel. Only the hash of token is stored.
func (s Channels) Save(ctx context.Context, c Channel, token string) error {
	hash := digest([]byte(token))
	_, err := s.exec(ctx, replaceChannel, c.ID, c.Calendar, c.Resource, hash, millis(c.ExpiresAt))
	if err != nil {
		return fmt.Errorf("save the channel of calendar %q: %w", c.Calendar, err)
	}
	return nil
}

// Get reads one channel. It returns [ErrNotFound] if there is none.
func (s Channels) Get(ctx context.Context, id string) (c Channel, err error) {
	scan := func(row scanner) (err error) {
		c, err = scanChannel(row)
		return err
	}
	if err := s.row(ctx, scan, selectChannel, id); err != nil {
		return Channel{}, fmt.Errorf("read a calendar channel: %w", err)
	}
	return c, nil
}

// List lists all channels, by calendar and expiry.
func (s Channels) List(ctx context.Context) ([]Channel, error) {
	var channels []Channel
	reset := func() { channels = nil }
	scan := func(row scanner) error {
		c, err := scanChannel(row)
		channels = append(channels, c)
		return err
	}
	if err := s.each(ctx, reset, scan, selectChannels); err != nil {
		return nil, fmt.Errorf("list the calendar channels: %w", err)
	}
	return channels, nil
}

func scanChannel(row scanner) (c Channel, err error) {
	var expires int64
	err = row.Scan(&c.ID, &c.Calendar, &c.Resource, &c.token, &expires)
	c.ExpiresAt = instant(expires)
	return c, err
}

// Delete deletes a channel. Deleting a missing channel is no error.
func (s Channels) Delete(ctx context.Context, id string) error {
	if _, err := s.exec(ctx, deleteChannel, id); err != nil {
		return fmt.Errorf("delete a calendar channel: %w", err)
	}
	return nil
}
