package functions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// Serve runs the process of one function. It reads the environment, opens the function, and serves it
// until ctx ends. The log goes to out. Its last line is the returned error.
func Serve(ctx context.Context, out io.Writer, now func() time.Time) (err error) {
	log := observe.Logger(out, observe.Options{Service: "serve"}) // until the name of the function is known
	defer func() {
		if err != nil {
			log.ErrorContext(ctx, "the process ends", "err", err, observe.Reported())
		}
	}()
	c, err := config.Read(ctx)
	if err != nil {
		return err
	}
	level := observe.ParseLevel(c.LogLevel)
	log = observe.Logger(out, observe.Options{Level: level, Service: c.Target, Version: c.Revision})
	function, err := New(ctx, c.Target, c, log, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, function.Close()) }()
	tracing, err := app.Tracing(ctx, c, c.Target)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, tracing.Close(context.WithoutCancel(ctx)))
	}()
	handler := limitTime(c.Timeout, tracing.Serve(log, function))
	if err := listen(ctx, net.JoinHostPort(c.Host, c.Port), handler); err != nil {
		return fmt.Errorf("serve %s: %w", c.Target, err)
	}
	log.InfoContext(ctx, "stopping")
	return nil
}

// listen serves a handler at an address until ctx ends. It does not wait for running requests: event streams
// are open for long, and leases protect the records.
func listen(ctx context.Context, address string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := httpapi.NewServer(handler)
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// limitTime ends the context of each request after a time.
func limitTime(longest time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
