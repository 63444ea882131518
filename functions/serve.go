package functions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/observe"
)

// Serve runs the process of one function. It reads the environment, opens the function, and serves it
// through the functions framework until ctx ends. The log goes to out. Its last line is the returned error.
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
	framework.HTTP(c.Target, tracing.Serve(log, function).ServeHTTP)
	failed := make(chan error, 1)
	go func() { failed <- funcframework.StartHostPort(c.Host, c.Port) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", c.Target, err)
	case <-ctx.Done():
		// The framework's server cannot be stopped. Leases protect the records of running requests.
		log.InfoContext(ctx, "stopping")
		return nil
	}
}
