package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/store"
)

// eraseCommand removes a person's data from the database and prints the files that stay on Drive.
func (c *cli) eraseCommand() *cobra.Command {
	command := c.command("erase", "erase")
	o := &dataFlags{}
	o.register(c, command.Flags())
	email := command.Flags().String("email", "", "")
	c.describeAll(command.Flags(), "erase")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if !strings.Contains(*email, "@") || len(args) > 0 {
			return c.usage("erase-email")
		}
		records, err := db.Requests.Erase(ctx, *email)
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.FileID != "" {
				_ = c.print("erase.file", "record", r.ID, "file", r.FileID, "link", r.Link)
			}
			if r.ReportFileID != "" {
				_ = c.print("erase.report", "record", r.ID, "report", r.ReportFileID)
			}
		}
		return c.print("erase.done", "records", len(records)) // also reports a failure of the lines before
	})
	return command
}
