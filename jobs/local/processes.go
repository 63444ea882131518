package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/wire"
)

// functionCommand is one function of serve, as the image's entry runs it; the environment says which.
func functionCommand(ctx context.Context, _ []string, stdout, stderr io.Writer) int {
	return process(stderr, functions.Serve(ctx, stdout, time.Now))
}

// taskCommand is one task of the job merge; the environment says which.
func taskCommand(ctx context.Context, _ []string, stdout, stderr io.Writer) int {
	return process(stderr, wire.Task(ctx, stdout, time.Now))
}

func process(stderr io.Writer, err error) int {
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local: %v\n", err)
		return exitFailed
	}
	return exitDone
}
