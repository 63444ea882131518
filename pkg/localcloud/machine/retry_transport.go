package machine

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
)

// retryTransport is how a function is called that may be starting again just now: connecting is tried until
// somebody listens. A connection serves one call: one that was kept could be a dead process's, and a
// call that was half sent on it could not be repeated.
func retryTransport() *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, enough := context.WithTimeout(ctx, restartFor)
			defer enough()
			again := time.NewTicker(dialInterval)
			defer again.Stop()
			for {
				conn, err := dialer.DialContext(ctx, network, address)
				if err == nil {
					return conn, nil
				}
				select {
				case <-ctx.Done():
					return nil, err
				case <-again.C:
				}
			}
		},
	}
}

const (
	dialInterval = 50 * time.Millisecond // between two tries to connect
	restartFor   = 15 * time.Second      // the longest that a call waits for a function to start again
)

// chaosConfig is what --chaos does to messages.
func (o *Options) chaosConfig() pubsub.Chaos {
	if o.Chaos == 0 {
		return pubsub.Chaos{}
	}
	return pubsub.Chaos{Seed: o.Chaos, Double: 0.2, Lost: 0.05, Delay: 0.2, Reorder: 0.2}
}
