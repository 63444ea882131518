// Command merge is the Cloud Run Job: task i of an execution renders slice i of a record's plan;
// whoever completes the set joins it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // rooms have time zones also where the system knows none

	"github.com/nvr-miem/merger/pkg/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Task(ctx, os.Stdout, time.Now, app.Tools)
	stop()
	if err != nil {
		os.Exit(1) // the log says it
	}
}
