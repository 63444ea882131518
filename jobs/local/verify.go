package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/verify"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// verifyFlags are the command line of local verify.
type verifyFlags struct {
	dataFlags
	since string // YYYY-MM-DD; empty: all
	days  int    // in place of since; 0: not given
	log   bool   // lines of the log in place of text
}

// verifyCommand compares the videos on Drive with what was delivered.
func (c *cli) verifyCommand() *cobra.Command {
	command := c.command("verify", "verify")
	o := &verifyFlags{}
	o.register(c, command.Flags())
	command.Flags().StringVar(&o.since, "since", "", "")
	command.Flags().IntVar(&o.days, "days", 0, "")
	command.Flags().BoolVar(&o.log, "log", false, "")
	c.describeAll(command.Flags(), "verify")
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		if _, err := time.Parse(time.DateOnly, o.since); o.since != "" && err != nil {
			return c.usage("verify-since", "value", o.since)
		}
		if o.days < 0 || o.days > 0 && o.since != "" {
			return c.usage("verify-days", "value", o.days)
		}
		if o.days > 0 {
			o.since = time.Now().UTC().AddDate(0, 0, -o.days).Format(time.DateOnly)
		}
		return c.verify(command.Context(), o)
	}
	return command
}

func (c *cli) verify(ctx context.Context, o *verifyFlags) (err error) {
	settings, _, err := c.settings(ctx, &o.dataFlags)
	if err != nil {
		return err
	}
	settings.Delegate = settings.DelegateOf("verify")
	p, err := app.New(
		ctx, settings, slog.New(slog.DiscardHandler), time.Now, app.Store, app.Workspace(workspace.VerifyScopes()),
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	verifier := &verify.Verifier{Uploads: p.Store.Uploads, Workspace: p.Workspace}
	if o.log {
		return c.verifyToLog(ctx, verifier, o.since)
	}
	different := 0
	compared, err := verifier.Run(ctx, o.since, func(d verify.Difference) error {
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

// verifyToLog writes a line of the log for each video that differs, and one at the end. Differences are no error:
// an error means that the videos could not be compared.
func (c *cli) verifyToLog(ctx context.Context, verifier *verify.Verifier, since string) error {
	log := observe.Logger(c.stdout, observe.Options{Service: "verify"})
	different := 0
	compared, err := verifier.Run(ctx, since, func(d verify.Difference) error {
		different++
		log.ErrorContext(
			ctx, "a delivered video is not on Drive as it was uploaded",
			observe.Differs(d.Upload.Record, d.Upload.Room, d.Upload.Date, string(d.Cause.Code())),
			"link", d.Upload.Link,
		)
		return nil
	})
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "compared the delivered videos with Drive", observe.Verified(compared, different))
	return nil
}
