package main

import (
	"context"
	"io"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/app"
)

// functionCommand is one function of serve, as the image's entry runs it; the environment says which.
func functionCommand(ctx context.Context, _ []string, stdout, _ io.Writer) int {
	return process(functions.Serve(ctx, stdout, time.Now))
}

// taskCommand is one task of the job merge; the environment says which.
func taskCommand(ctx context.Context, _ []string, stdout, _ io.Writer) int {
	return process(app.Task(ctx, stdout, time.Now, app.Tools))
}

// process is the exit code of one; what went wrong is the last line of its log.
func process(err error) int {
	if err != nil {
		return exitFailed
	}
	return exitDone
}
