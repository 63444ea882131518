package workspace

import (
	"context"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// throttledUser is a user whose uploads Drive refuses for now.
type throttledUser struct {
	until time.Time
	pause time.Duration // that came before until
}

// uploadAllowed reports whether a user's uploads are worth a try. Of a thousand videos that wait for the daily
// limit of one user, one asks, for all that this process uploads: else each would ask for half a minute,
// and hold the place of a video of another user.
func (c *Client) uploadAllowed(user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.throttledUser[user]; c.options.Now().Before(f.until) {
		return &fault.Deferral{Until: f.until, Cause: cause.GoogleBusy()}
	}
	return nil
}

// noteUploadResult notes how an upload of a user began. Each refusal in a row is waited for twice as long as the one
// before, up to [quotaBack]; a video that gets through ends that.
func (c *Client) noteUploadResult(ctx context.Context, user string, err error) error {
	refused := fault.KindOf(err) == fault.Deferred
	if ctx.Err() != nil || err != nil && !refused {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !refused {
		delete(c.throttledUser, user)
		return nil
	}
	until := fault.DueOf(err)
	f, now := c.throttledUser[user], c.options.Now()
	if !now.Before(f.until) { // else others were refused meanwhile, too: that counts once
		f.pause = min(max(2*f.pause, c.scaled(rateBack)), c.scaled(quotaBack))
		f.until = now.Add(f.pause)
	}
	if f.until.Before(until) {
		f.until = until
	}
	c.throttledUser[user] = f
	return &fault.Deferral{Until: f.until, Cause: fault.CauseOf(err)}
}
