package machine

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	dialInterval = 50 * time.Millisecond // between two attempts to connect
	dialTimeout  = 15 * time.Second      // for a function to start again
)

// retryTransport returns a transport that retries dialing for 15 s, because the function may be restarting. It
// keeps no connections: a kept one could lead to a dead process, and a half-sent call cannot be repeated.
func retryTransport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext:       dialUntilUp,
	}
}

// dialUntilUp connects, and tries again until a process listens or [dialTimeout] has passed.
func dialUntilUp(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	ticker := time.NewTicker(dialInterval)
	defer ticker.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-ticker.C:
		}
	}
}
