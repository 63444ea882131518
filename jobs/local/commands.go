package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/store"
)

// dataOptions say where the state lies: what all commands beside serve take.
type dataOptions struct {
	data     string
	database string
	zone     string
	language string
	segment  time.Duration
}

func (o *serveOptions) dataOptions() dataOptions {
	return dataOptions{data: o.data, database: o.database, zone: o.zone, language: o.language, segment: o.segment}
}

func (o *dataOptions) flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.data, "data", "", "`DIR` that holds the state, as given to serve")
	flags.StringVar(&o.database, "database", "", "`DSN` of another database than DIR/nvr.db")
	o.zone, o.language, o.segment = "Europe/Moscow", "ru", 30*time.Minute
	return flags
}

// parse reads flags before, between and after the other arguments, which it returns.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, nil
}

// dsn is the address of the database.
func (o *dataOptions) dsn() (string, error) {
	switch {
	case o.database != "":
		return o.database, nil
	case o.data == "":
		if c, err := config.Read(context.Background()); err == nil && c.Database != "" { // a one-off job in the cloud
			return string(c.Database), nil
		}
		return "", errors.New("--data is missing: say in which folder the state lies")
	}
	dir, err := filepath.Abs(o.data)
	return "sqlite:" + filepath.Join(dir, "nvr.db"), err
}

// openStore opens the database of the options; existing forbids to make one.
func openStore(ctx context.Context, o dataOptions, existing bool) (*store.Store, error) {
	dsn, err := o.dsn()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return nil, fmt.Errorf("--time-zone %q: want a name like Europe/Moscow", o.zone)
	}
	return store.Open(ctx, dsn, store.Options{Now: time.Now, MustExist: existing, Defaults: store.Defaults{Zone: zone, Language: o.language, SegmentLength: o.segment}})
}

// action is what a command does with the database, after its arguments were read.
type action func(ctx context.Context, db *store.Store, args []string, out io.Writer) error

// errUsage marks what the person at the command line can mend.
var errUsage = errors.New("wrong usage")

// dataHelpRussian words the options of [dataOptions], and more.
func dataHelpRussian(more map[string]string) map[string]string {
	words := map[string]string{
		"data":     "`папка` с состоянием, та же, что у serve",
		"database": "`DSN` другой базы вместо ПАПКА/nvr.db",
	}
	maps.Copy(words, more)
	return words
}

// runAction is the shape of the commands that work on the state beside a running serve. russian words the
// options beside those of [dataOptions].
func runAction(ctx context.Context, name string, about fault.Reason, russian map[string]string, flags *flag.FlagSet, o *dataOptions, args []string, stdout, stderr io.Writer, do action) int {
	rest, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(stdout, about, flags, dataHelpRussian(russian))
		return exitDone
	}
	if err == nil {
		_, err = o.dsn()
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local %s: %v\nSee: local %s --help\n", name, err, name)
		return exitUsage
	}
	db, err := openStore(ctx, *o, true)
	if err == nil {
		if err = migrated(ctx, db); err == nil {
			err = do(ctx, db, rest, stdout)
		}
		err = errors.Join(err, db.Close())
	}
	switch {
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintf(stderr, "local %s: %v\nSee: local %s --help\n", name, err, name)
		return exitUsage
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "local %s: %v\n", name, err)
		return exitFailed
	}
	return exitDone
}

// migrated says what to do about a database that this build cannot work with yet.
func migrated(ctx context.Context, db *store.Store) error {
	current, needed, err := db.Schema.Version(ctx)
	if err == nil && current < needed {
		err = fmt.Errorf("the database has schema %d, this build needs %d: start serve once, or run the job migrate", current, needed)
	}
	return err
}

func retryHelp() fault.Reason {
	return fault.Reason{
		En: `Runs a failed or withdrawn record again, from the first step that is not done.

  local retry ID --data DIR

`,
		Ru: `Запускает неудавшуюся или отозванную запись снова, с первого незаконченного шага.

  local retry НОМЕР --data ПАПКА

`,
	}
}

func retryCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	flags := o.flags("retry")
	return runAction(ctx, "retry", retryHelp(), nil, flags, &o, args, stdout, stderr, func(ctx context.Context, db *store.Store, args []string, out io.Writer) error {
		if len(args) != 1 {
			return fmt.Errorf("%w: want the ID of one record", errUsage)
		}
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %q is not the ID of a record", errUsage, args[0])
		}
		switch err := db.Requests.Retry(ctx, id); {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("there is no record %d", id)
		case errors.Is(err, store.ErrConflict):
			return fmt.Errorf("record %d has neither failed nor been withdrawn: there is nothing to run again", id)
		case err != nil:
			return err
		}
		rec, err := db.Records.Get(ctx, id)
		if err == nil {
			_, err = fmt.Fprintf(out, "record %d goes on with step %s at the next claim\n", id, rec.Step)
		}
		return err
	})
}

// list splits what was written with commas between.
func list(text string) []string {
	var all []string
	for _, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
