package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/localcloud/machine"
	"github.com/nvr-miem/merger/pkg/store"
)

// backupCommand copies the database into a file while the system runs.
func (c *cli) backupCommand() *cobra.Command {
	command := c.command("backup", "backup")
	o := &dataFlags{}
	o.register(c, command.Flags())
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) != 1 {
			return c.usage("backup-file")
		}
		file := args[0]
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return c.failure("backup-exists", "file", file)
		}
		if err := backup(ctx, db, file); err != nil {
			if errors.Is(err, store.ErrNoFile) {
				return c.failure("backup-server")
			}
			return err
		}
		return c.print("backup.done", "file", file)
	})
	return command
}

// backup writes a copy under another name first, so that an interrupted one is not taken for whole.
func backup(ctx context.Context, db *store.Store, file string) error {
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := db.Backup(ctx, part)
	if err == nil {
		err = os.Chmod(part, 0o600)
	}
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(part))
	}
	return nil
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// restoreCommand puts a copy in the place of the database of a system that does not run.
func (c *cli) restoreCommand() *cobra.Command {
	command := c.command("restore", "restore")
	data := command.Flags().String("data", "", "")
	c.describe(command.Flags(), "data", "flag.data")
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) != 1 {
			return c.usage("restore-file")
		}
		folder := (&dataFlags{data: *data}).folder(c)
		if folder == "" {
			return c.usage("data-missing")
		}
		return c.restore(command.Context(), args[0], folder)
	}
	return command
}

func (c *cli) restore(ctx context.Context, file, folder string) (err error) {
	if err := c.checkBackup(ctx, file); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	unlock, err := machine.Lock(folder)
	if errors.Is(err, machine.ErrLocked) {
		return c.failure("restore-running", "folder", folder)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	database := filepath.Join(folder, "nvr.db")
	copied := database + ".restore"
	if err := copyFile(ctx, file, copied); err != nil {
		return errors.Join(err, removeIfThere(copied))
	}
	former, err := setAside(database)
	if err != nil {
		return err
	}
	if err := os.Rename(copied, database); err != nil {
		return err
	}
	if former != "" {
		return c.print("restore.done-former", "file", file, "former", former)
	}
	return c.print("restore.done", "file", file)
}

// checkBackup returns an error if a file is not a whole database of this program, or is of a later version.
func (c *cli) checkBackup(ctx context.Context, file string) (err error) {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	// A copy is read, so that the backup stays as it is, without files beside it.
	work, err := os.MkdirTemp("", "nvr-restore-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := copyFile(ctx, path, filepath.Join(work, "nvr.db")); err != nil {
		return err
	}
	db, err := c.openStore(ctx, &dataFlags{data: work})
	if err != nil {
		return c.failure("restore-no-database", "file", file, "cause", err.Error())
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.CheckIntegrity(ctx); err != nil {
		return c.failure("restore-no-database", "file", file, "cause", err.Error())
	}
	current, needed, err := db.Schema.Version(ctx)
	switch {
	case err != nil:
		return c.failure("restore-no-database", "file", file, "cause", err.Error())
	case current == 0:
		return c.failure("restore-foreign", "file", file)
	case current > needed:
		return c.failure("restore-newer", "file", file, "current", current, "needed", needed)
	}
	return nil
}

// setAside renames a database with its log and index, and returns the new name; empty if there is none.
func setAside(database string) (former string, err error) {
	if _, err := os.Lstat(database); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	former = database + "." + time.Now().UTC().Format("20060102T150405.000")
	for _, suffix := range []string{"-shm", "-wal", ""} {
		if err := os.Rename(database+suffix, former+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set the former database aside: %w", err)
		}
	}
	return former, nil
}

// copyFile copies a file and waits until it is on the disk.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from) // #nosec G304 -- the file the user named
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // #nosec G304 -- beside the database
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, ctx.Err(), out.Sync(), out.Close())
}
