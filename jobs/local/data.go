package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/store"
)

// What rooms without settings have, and the environment variable that stands in for --data.
const (
	defaultZone          = "Europe/Moscow"
	defaultLanguage      = "ru"
	defaultSegmentLength = 30 * time.Minute

	dataVariable = "NVR_DATA"
)

// dataFlags name the database that a command works on.
type dataFlags struct {
	data     string // folder of serve
	database string // DSN; empty: DIR/nvr.db

	databaseFile string // holds the DSN
}

func (o *dataFlags) register(c *cli, flags *pflag.FlagSet) {
	flags.StringVar(&o.data, "data", "", "")
	flags.StringVar(&o.database, "database", "", "")
	flags.StringVar(&o.databaseFile, "database-file", "", "")
	c.describe(flags, "database-file", "flag.database-file")
	c.describe(flags, "data", "flag.data")
	c.describe(flags, "database", "flag.database")
}

// folder returns the folder with the state: --data, else NVR_DATA. It may be empty.
func (o *dataFlags) folder(c *cli) string {
	return cmp.Or(o.data, c.getenv(dataVariable))
}

// dsn returns the address of the database: that of the flags, else that of the environment, as a job in the
// cloud has it.
func (o *dataFlags) dsn(ctx context.Context, c *cli) (string, error) {
	database, err := c.secret("database", o.database, o.databaseFile)
	if err != nil || database != "" {
		return database, err
	}
	folder := o.folder(c)
	if folder != "" {
		return databaseIn(folder)
	}
	settings, err := config.Read(ctx)
	if err == nil && settings.Database != "" {
		return string(settings.Database), nil
	}
	return "", c.usage("data-missing")
}

// secret returns the value of a flag that may hold a secret, or the content of the file that the flag NAME-file
// names. It warns of a secret in the arguments, which every user of the machine can read. An address without a
// password is none.
func (c *cli) secret(name, value, file string) (string, error) {
	if file == "" {
		if value != "" && (name != "database" || strings.Contains(value, "@")) {
			_, _ = fmt.Fprintln(c.stderr, c.t("warning.secret-argument", "flag", "--"+name))
		}
		return value, nil
	}
	text, err := os.ReadFile(file) // #nosec G304 -- the file the user named
	if err != nil {
		return "", fmt.Errorf("read --%s-file: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// databaseIn returns the address of the database in a folder.
func databaseIn(folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("find folder %s: %w", folder, err)
	}
	return "sqlite:" + filepath.Join(folder, "nvr.db"), nil
}

// storeAction is what a command does with the database, after its arguments were read.
type storeAction func(ctx context.Context, db *store.Store, args []string) error

// onStore makes a command work on the database of a running serve.
func (c *cli) onStore(command *cobra.Command, o *dataFlags, do storeAction) {
	command.RunE = func(command *cobra.Command, args []string) error {
		ctx := command.Context()
		db, err := c.openStore(ctx, o)
		if err != nil {
			return err
		}
		err = c.checkSchema(ctx, db)
		if err == nil {
			err = do(ctx, db, args)
		}
		return errors.Join(err, db.Close())
	}
}

// openStore opens the database that the flags name. It does not create one.
func (c *cli) openStore(ctx context.Context, o *dataFlags) (*store.Store, error) {
	dsn, err := o.dsn(ctx, c)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(defaultZone)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, dsn, store.Options{
		Now:       time.Now,
		MustExist: true,
		Patience:  databasePatience(ctx),
		Texts:     c.catalog,
		Defaults: store.Defaults{
			Zone:          zone,
			Language:      defaultLanguage,
			SegmentLength: defaultSegmentLength,
		},
	})
}

// personPatience is how long a person at a terminal waits for a database that does not answer.
const personPatience = 5 * time.Second

// databasePatience returns how long a command waits for its database. An execution of a Cloud Run job may start
// before its network.
func databasePatience(ctx context.Context) time.Duration {
	if settings, err := config.Read(ctx); err == nil && settings.Execution != "" {
		return store.DefaultPatience
	}
	return personPatience
}

// checkSchema returns an error if the database is older than this program.
func (c *cli) checkSchema(ctx context.Context, db *store.Store) error {
	current, needed, err := db.Schema.Version(ctx)
	if err != nil {
		return err
	}
	if current < needed {
		return c.failure("schema", "current", current, "needed", needed)
	}
	return nil
}

// commaList splits a list at its commas.
func commaList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
