package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func recordsHelp() fault.Reason {
	return fault.Reason{
		En: `Lists the newest records: where each stands, and why it waits or failed.

  local records --data DIR

`,
		Ru: `Показывает последние записи: где каждая из них и почему она ждёт или не удалась.

  local records --data ПАПКА

`,
	}
}

func recordsCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	flags := o.flags("records")
	limit := flags.Int("limit", 30, "`COUNT` of records")
	return runAction(ctx, "records", recordsHelp(), map[string]string{"limit": "сколько `записей` показать"}, flags, &o, args, stdout, stderr, func(ctx context.Context, db *store.Store, args []string, out io.Writer) error {
		if len(args) > 0 {
			return fmt.Errorf("%w: unexpected %q", errUsage, args[0])
		}
		if *limit < 1 {
			return fmt.Errorf("%w: --limit %d: want 1 or more", errUsage, *limit)
		}
		records, _, err := db.Records.List(ctx, store.Filter{}, 0, *limit)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
		for _, r := range records {
			_, _ = fmt.Fprintf(table, "%d\t%s\t%s %s-%s\t%s\t%s\t%s\n", r.ID, r.Room, r.Date, r.StartTime, r.EndTime, r.Title, r.Step, remarkOf(r))
		}
		return table.Flush()
	})
}

// remarkOf is what else there is to say of a record.
func remarkOf(r nvr.Record) string {
	switch {
	case r.Reason != (nvr.Reason{}):
		return reason(r.Reason)
	case r.Step == nvr.StepMerge:
		return fmt.Sprintf("%d %%", r.Progress)
	default:
		return r.Link
	}
}
