// Command merge is the Cloud Run job that merges a record. Task i of an execution renders slice i of the
// record's plan. The task that finishes last joins the slices.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the image has no time zone database

	"github.com/nvr-miem/merger/pkg/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Task(ctx, os.Stdout, time.Now, app.Tools)
	stop()
	if err != nil {
		os.Exit(1) // the error is in the log
	}
}
