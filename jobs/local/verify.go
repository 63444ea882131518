package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/verify"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// verifyCommand compares the videos on Drive with what was delivered.
func (c *cli) verifyCommand() *cobra.Command {
	command := c.command("verify", "verify")
	o := &dataFlags{}
	o.register(c, command.Flags())
	since := command.Flags().String("since", "", "")
	c.describeAll(command.Flags(), "verify")
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		if _, err := time.Parse(time.DateOnly, *since); *since != "" && err != nil {
			return c.usage("verify-since", "value", *since)
		}
		return c.verify(command.Context(), o, *since)
	}
	return command
}

func (c *cli) verify(ctx context.Context, o *dataFlags, since string) (err error) {
	settings, _, err := c.settings(ctx, o)
	if err != nil {
		return err
	}
	settings.Delegate = settings.DelegateOf("stage") // it may read Drive
	p, err := app.New(
		ctx, settings, slog.New(slog.DiscardHandler), time.Now, app.Store, app.Workspace(workspace.StageScopes()),
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	different := 0
	verifier := verify.Verifier{Uploads: p.Store.Uploads, Workspace: p.Workspace}
	compared, err := verifier.Run(ctx, since, func(d verify.Difference) error {
		different++
		return c.print(
			"verify.differs",
			"record", d.Upload.Record, "room", d.Upload.Room, "date", d.Upload.Date,
			"difference", c.text.Cause(d.Cause), "link", d.Upload.Link,
		)
	})
	if err != nil {
		return err
	}
	if err := c.print("verify.done", "compared", compared, "different", different); err != nil {
		return err
	}
	if different > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}
