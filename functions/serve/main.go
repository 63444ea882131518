// Command serve is the image's entry: the function that FUNCTION_TARGET names, on PORT.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // rooms have time zones also where the system knows none

	"github.com/nvr-miem/merger/functions"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := functions.Serve(ctx, os.Stdout, time.Now)
	stop()
	if err != nil {
		os.Exit(1) // the log says it
	}
}
