package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/store"
)

// keyFlags describe a new API key.
type keyFlags struct {
	email   string
	rooms   string // separated by commas
	expires string // last day, YYYY-MM-DD in UTC
	any     bool
}

// listedKey is an API key in the JSON of local keys list.
type listedKey struct {
	ID         int64      `json:"id"`
	Prefix     string     `json:"prefix"`
	Email      string     `json:"email"`
	Rooms      []string   `json:"rooms"` // empty: all
	AnyAddress bool       `json:"any_address"`
	ExpiresAt  *time.Time `json:"expires_at"` // null: never
	RevokedAt  *time.Time `json:"revoked_at"` // null: valid
}

// keysCommand manages the API keys.
func (c *cli) keysCommand() *cobra.Command {
	keys := c.command("keys", "keys")
	o := &dataFlags{}
	o.register(c, keys.PersistentFlags())
	keys.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.unknownCommand(keys, args[0])
		}
		return c.usage("keys-command")
	}
	keys.AddCommand(
		c.keysAddCommand(o),
		c.keysImportCommand(o),
		c.keysListCommand(o),
		c.keysRevokeCommand(o),
	)
	return keys
}

func (c *cli) keysAddCommand(o *dataFlags) *cobra.Command {
	command := c.command("add", "keys.add")
	k := &keyFlags{}
	command.Flags().StringVar(&k.email, "email", "", "")
	command.Flags().StringVar(&k.rooms, "rooms", "", "")
	command.Flags().StringVar(&k.expires, "expires", "", "")
	command.Flags().BoolVar(&k.any, "any-address", false, "")
	c.describeAll(command.Flags(), "keys.add")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		key, err := k.key(c)
		if err != nil {
			return err
		}
		secret, added, err := db.Keys.Add(ctx, key)
		if err != nil {
			return err
		}
		if err := c.print("keys.added", "key", fmt.Sprint(added.ID), "email", added.Email); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.stdout, secret)
		return err
	})
	return command
}

// key returns the key that the flags describe.
func (k *keyFlags) key(c *cli) (store.Key, error) {
	if !strings.Contains(k.email, "@") {
		return store.Key{}, c.usage("key-email", "value", k.email)
	}
	key := store.Key{
		Email:      k.email,
		Rooms:      commaList(k.rooms),
		AnyAddress: k.any,
	}
	if k.expires != "" {
		day, err := time.Parse(time.DateOnly, k.expires)
		if err != nil {
			return store.Key{}, c.usage("key-expires", "value", k.expires)
		}
		key.ExpiresAt = day.AddDate(0, 0, 1) // the last day counts
	}
	return key, nil
}

func (c *cli) keysImportCommand(o *dataFlags) *cobra.Command {
	command := c.command("import", "keys.import")
	from := command.Flags().String("from", "", "")
	c.describeAll(command.Flags(), "keys.import")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		return c.importKeys(ctx, db, *from)
	})
	return command
}

// importKeys takes over the keys of the NVR's users from a database; empty means the same one.
func (c *cli) importKeys(ctx context.Context, db *store.Store, from string) error {
	source := db
	if from != "" {
		nvr, err := store.Open(ctx, from, store.Options{
			Now:       time.Now,
			MustExist: true,
			Patience:  databasePatience(ctx),
		})
		if err != nil {
			return err
		}
		defer func() { _ = nvr.Close() }() // only read
		source = nvr
	}
	users, err := source.Keys.NVRUsers(ctx)
	if err != nil {
		return err
	}
	added, err := db.Keys.Import(ctx, users)
	if err != nil {
		return err
	}
	return c.print("keys.imported", "added", added, "known", len(users)-added)
}

func (c *cli) keysListCommand(o *dataFlags) *cobra.Command {
	command := c.command("list", "keys.list")
	asJSON := command.Flags().Bool("json", false, "")
	c.describeAll(command.Flags(), "keys.list")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		keys, err := db.Keys.List(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.stdout, listKeys(keys))
		}
		return c.printKeys(keys)
	})
	return command
}

func listKeys(keys []store.Key) []listedKey {
	listed := []listedKey{} // printed as [], not as null
	for _, k := range keys {
		item := listedKey{
			ID:         k.ID,
			Prefix:     k.Prefix,
			Email:      k.Email,
			Rooms:      append([]string{}, k.Rooms...),
			AnyAddress: k.AnyAddress,
		}
		if !k.ExpiresAt.IsZero() {
			item.ExpiresAt = &k.ExpiresAt
		}
		if !k.RevokedAt.IsZero() {
			item.RevokedAt = &k.RevokedAt
		}
		listed = append(listed, item)
	}
	return listed
}

func (c *cli) printKeys(keys []store.Key) error {
	t := c.newTable("keys", "id", "prefix", "email", "rooms", "any-address", "expires", "revoked")
	for _, k := range keys {
		anyAddress := c.t("no")
		if k.AnyAddress {
			anyAddress = c.t("yes")
		}
		t.add(
			fmt.Sprint(k.ID),
			k.Prefix,
			k.Email,
			strings.Join(k.Rooms, ","),
			anyAddress,
			day(k.ExpiresAt),
			day(k.RevokedAt),
		)
	}
	return t.write(c.stdout)
}

// day returns a day as YYYY-MM-DD; a dash for none.
func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Format(time.DateOnly)
}

func (c *cli) keysRevokeCommand(o *dataFlags) *cobra.Command {
	command := c.command("revoke", "keys.revoke")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) != 1 {
			return c.usage("key-missing")
		}
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return c.usage("key-number", "word", args[0])
		}
		err = db.Keys.Revoke(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return c.failure("key-unknown", "key", args[0])
		}
		if err != nil {
			return err
		}
		return c.print("keys.revoked", "key", args[0])
	})
	return command
}
