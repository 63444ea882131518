package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/store"
)

// retryCommand runs a failed or cancelled record again.
func (c *cli) retryCommand() *cobra.Command {
	command := c.command("retry", "retry")
	o := &dataFlags{}
	o.register(c, command.Flags())
	c.onStore(command, o, c.retry)
	return command
}

func (c *cli) retry(ctx context.Context, db *store.Store, args []string) error {
	if len(args) != 1 {
		return c.usage("record-missing")
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return c.usage("record-number", "word", args[0])
	}
	err = db.Requests.Retry(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c.failure("record-unknown", "record", args[0])
	case errors.Is(err, store.ErrConflict):
		return c.failure("record-not-failed", "record", args[0])
	case err != nil:
		return err
	}
	record, err := db.Records.Get(ctx, id)
	if err != nil {
		return err
	}
	return c.print("retry.done", "record", args[0], "step", string(record.Step))
}
