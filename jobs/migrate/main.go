// Command migrate migrates the database that DATABASE names:
//
//	migrate [up]     to the schema of this version, from an empty database, that of an NVR or an older version
//	migrate down     removes the tables and columns of this program; those of the NVR stay
//	migrate status   prints the versions of the schema, and changes nothing
//
// An interrupted run can be repeated. With up, records older than RETENTION fail. The database users that
// GRANT_TO names get exactly the rights that their components need, and NVR_USER those of the NVR.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the image has no time zone database

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := config.Read(ctx)
	if err == nil {
		err = run(ctx, os.Stdout, settings, time.Now, os.Args[1:])
	}
	if err != nil {
		say(ctx, os.Stderr, settings, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// say tells an error: to Cloud Logging if this is a job, else to people.
func say(ctx context.Context, out io.Writer, settings *config.Config, err error) {
	if settings == nil || settings.Execution == "" {
		_, _ = fmt.Fprintln(out, "migrate:", err)
		return
	}
	observe.Logger(out, observe.Options{Service: "migrate"}).ErrorContext(
		ctx, "the database was not migrated",
		"err", err,
		observe.Reported(),
	)
}

func run(
	ctx context.Context, out io.Writer, settings *config.Config, now func() time.Time, args []string,
) (err error) {
	what := "up"
	if len(args) == 1 {
		what = args[0]
	}
	if len(args) > 1 || what != "up" && what != "down" && what != "status" {
		return errors.New("want up, down or status")
	}
	if settings.Database == "" {
		return errors.New("DATABASE is not set: it names the database, like mysql://user:password@host/database")
	}
	db, err := store.Open(ctx, string(settings.Database), store.Options{
		Now:      now,
		Scale:    settings.TimeScale,
		AllRoles: true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	switch what {
	case "up":
		if err = db.Schema.Migrate(ctx, store.Adoption{Retention: settings.Retention}); err == nil {
			err = grant(ctx, out, db.Schema, settings)
		}
	case "down":
		err = db.Schema.Rollback(ctx)
	}
	if err != nil {
		return err
	}
	current, needed, err := db.Schema.Version(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "schema %d, this build needs %d\n", current, needed)
	return err
}

// grant gives the database users of the settings their rights.
func grant(ctx context.Context, out io.Writer, schema store.Schema, settings *config.Config) error {
	if err := schema.Grant(ctx, settings.GrantTo); err != nil {
		return err
	}
	if settings.NVRUser == "" {
		return nil
	}
	found, err := schema.GrantNVR(ctx, settings.NVRUser)
	if err == nil && !found {
		_, err = fmt.Fprintf(out, "there is no database user %s: the NVR has no access\n", settings.NVRUser)
	}
	return err
}
