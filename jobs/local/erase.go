package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/store"
)

func eraseHelp() fault.Reason {
	return fault.Reason{
		En: `Takes a person out of the database: their records lose requester, title and links, unfinished ones are
withdrawn, their keys end, also the NVR's. Prints the Drive files that were theirs, videos and reports; those stay.

  local erase --email ADDRESS --data DIR

`,
		Ru: `Убирает человека из базы: его записи теряют заказчика, название и ссылки, незаконченные отзываются,
его ключи перестают действовать, в том числе ключ NVR. Печатает его файлы на Диске, видео и отчёты; они остаются.

  local erase --email АДРЕС --data ПАПКА

`,
	}
}

func eraseCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	flags := o.flags("erase")
	email := flags.String("email", "", "`ADDRESS` of the person")
	return runAction(ctx, "erase", eraseHelp(), map[string]string{"email": "`адрес` человека"}, flags, &o, args, stdout, stderr, func(ctx context.Context, db *store.Store, args []string, out io.Writer) error {
		if !strings.Contains(*email, "@") || len(args) > 0 {
			return fmt.Errorf("%w: want --email ADDRESS", errUsage)
		}
		records, err := db.Requests.Erase(ctx, *email)
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.FileID != "" {
				_, _ = fmt.Fprintf(out, "record %d: file %s %s\n", r.ID, r.FileID, r.Link)
			}
			if r.ReportFileID != "" {
				_, _ = fmt.Fprintf(out, "record %d: report %s\n", r.ID, r.ReportFileID)
			}
		}
		_, err = fmt.Fprintf(out, "%d records no longer name anybody\n", len(records))
		return err
	})
}
