package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// defaultRecords is how many records are listed without --limit.
const defaultRecords = 30

// listedRecord is a record in the JSON of local records.
type listedRecord struct {
	ID        int64    `json:"id"`
	Room      string   `json:"room"`
	Title     string   `json:"title"`
	Date      string   `json:"date"`       // YYYY-MM-DD
	StartTime string   `json:"start_time"` // room time
	EndTime   string   `json:"end_time"`
	Step      nvr.Step `json:"step"`
	Percent   int      `json:"percent"` // of step merge
	Link      string   `json:"link"`
	// Reason is {en, ru, code, args}; null if there is none.
	Reason json.RawMessage `json:"reason"`
}

// recordsCommand lists the newest records.
func (c *cli) recordsCommand() *cobra.Command {
	command := c.command("records", "records")
	o := &dataFlags{}
	o.register(c, command.Flags())
	limit := command.Flags().Int("limit", defaultRecords, "")
	asJSON := command.Flags().Bool("json", false, "")
	c.describeAll(command.Flags(), "records")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		if *limit < 1 {
			return c.usage("limit", "value", *limit)
		}
		records, _, err := db.Records.List(ctx, store.Filter{}, 0, *limit)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.stdout, c.listRecords(records))
		}
		return c.printRecords(records)
	})
	return command
}

func (c *cli) listRecords(records []nvr.Record) []listedRecord {
	listed := []listedRecord{} // printed as [], not as null
	for _, r := range records {
		item := listedRecord{
			ID:        r.ID,
			Room:      r.Room,
			Title:     r.Title,
			Date:      r.Date,
			StartTime: r.StartTime,
			EndTime:   r.EndTime,
			Step:      r.Step,
			Percent:   r.Progress,
			Link:      r.Link,
		}
		if !r.Reason.IsZero() {
			item.Reason = json.RawMessage(c.catalog.FormatReason(r.Reason))
		}
		listed = append(listed, item)
	}
	return listed
}

func (c *cli) printRecords(records []nvr.Record) error {
	t := c.newTable("records", "id", "room", "time", "title", "step", "remark")
	for _, r := range records {
		t.add(
			fmt.Sprint(r.ID),
			r.Room,
			fmt.Sprintf("%s %s-%s", r.Date, r.StartTime, r.EndTime),
			r.Title,
			string(r.Step),
			c.remark(r),
		)
	}
	return t.write(c.stdout)
}

// remark returns the last column of a record: why it waits or failed, the progress of its merge, or its link.
func (c *cli) remark(r nvr.Record) string {
	switch {
	case !r.Reason.IsZero():
		return c.text.Cause(r.Reason)
	case r.Step == nvr.StepMerge:
		return fmt.Sprintf("%d %%", r.Progress)
	default:
		return r.Link
	}
}
