package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/store"
)

func keysHelp() fault.Reason {
	return fault.Reason{
		En: `API keys: made, imported from the NVR, listed, revoked. A key is shown once, when it is made; only its hash is kept.

  local keys add --email E [--rooms A,B] [--expires YYYY-MM-DD] [--any-address] --data DIR   prints the key alone on the last line
  local keys import [--from DSN] --data DIR                                                 the keys of the NVR's users go on working
  local keys list --data DIR
  local keys revoke ID --data DIR

`,
		Ru: `Ключи API: создание, перенос из NVR, список, отзыв. Ключ показывается один раз, при создании; хранится только его хеш.

  local keys add --email E [--rooms A,B] [--expires ГГГГ-ММ-ДД] [--any-address] --data ПАПКА   ключ будет один на последней строке
  local keys import [--from DSN] --data ПАПКА                                                 ключи пользователей NVR продолжат работать
  local keys list --data ПАПКА
  local keys revoke НОМЕР --data ПАПКА

`,
	}
}

func keysHelpRussian() map[string]string {
	return map[string]string{
		"email":       "`адрес` владельца ключа",
		"rooms":       "`аудитории`, которые можно запрашивать с ключом, через запятую; пусто: все",
		"expires":     "последний `день` ключа, ГГГГ-ММ-ДД (UTC); пусто: бессрочный",
		"any-address": "с ключом можно назвать любого заказчика",
		"from":        "`DSN` базы NVR; пусто: таблица users в нашей",
	}
}

// keyOptions are those of all subcommands.
type keyOptions struct {
	email, rooms, expires, from string
	any                         bool
}

func keysCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	var k keyOptions
	flags := o.flags("keys")
	flags.StringVar(&k.email, "email", "", "`ADDRESS` of the key's owner")
	flags.StringVar(&k.rooms, "rooms", "", "`ROOMS` that the key may ask for, with commas between; empty: all")
	flags.StringVar(&k.expires, "expires", "", "last `DAY` of the key, YYYY-MM-DD (UTC); empty: none")
	flags.BoolVar(&k.any, "any-address", false, "the key may name any requester")
	flags.StringVar(&k.from, "from", "", "`DSN` of the NVR's database; empty: the table users in our own")
	return runAction(ctx, "keys", keysHelp(), keysHelpRussian(), flags, &o, args, stdout, stderr, func(ctx context.Context, db *store.Store, args []string, out io.Writer) error {
		switch {
		case len(args) == 1 && args[0] == "add":
			return addKey(ctx, db, k, out)
		case len(args) == 1 && args[0] == "import":
			return importKeys(ctx, db, k.from, out)
		case len(args) == 1 && args[0] == "list":
			return listKeys(ctx, db, out)
		case len(args) == 2 && args[0] == "revoke":
			return revokeKey(ctx, db, args[1], out)
		}
		return fmt.Errorf("%w: want add, import, list, or revoke ID", errUsage)
	})
}

func addKey(ctx context.Context, db *store.Store, k keyOptions, out io.Writer) error {
	if !strings.Contains(k.email, "@") {
		return fmt.Errorf("%w: --email %q: want the address of the key's owner", errUsage, k.email)
	}
	key := store.Key{Email: k.email, Rooms: list(k.rooms), AnyAddress: k.any}
	if k.expires != "" {
		day, err := time.Parse(time.DateOnly, k.expires)
		if err != nil {
			return fmt.Errorf("%w: --expires %q: want a day like 2027-06-30", errUsage, k.expires)
		}
		key.ExpiresAt = day.AddDate(0, 0, 1)
	}
	secret, added, err := db.Keys.Add(ctx, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "key %d of %s; it is not shown again:\n%s\n", added.ID, added.Email, secret)
	return err
}

func importKeys(ctx context.Context, db *store.Store, from string, out io.Writer) error {
	source := db
	if from != "" {
		nvr, err := store.Open(ctx, from, store.Options{Now: time.Now, MustExist: true})
		if err != nil {
			return err
		}
		defer func() { _ = nvr.Close() }() // it was only read
		source = nvr
	}
	users, err := source.Keys.NVRUsers(ctx)
	if err != nil {
		return err
	}
	added, err := db.Keys.Import(ctx, users)
	if err == nil {
		_, err = fmt.Fprintf(out, "%d keys imported, %d were there already\n", added, len(users)-added)
	}
	return err
}

func listKeys(ctx context.Context, db *store.Store, out io.Writer) error {
	keys, err := db.Keys.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "id\tbegins\temail\trooms\tany address\texpires\trevoked")
	for _, k := range keys {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%t\t%s\t%s\n", k.ID, k.Prefix, k.Email, strings.Join(k.Rooms, ","), k.AnyAddress, day(k.ExpiresAt), day(k.RevokedAt))
	}
	return table.Flush()
}

func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Format(time.DateOnly)
}

func revokeKey(ctx context.Context, db *store.Store, text string, out io.Writer) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %q is not the ID of a key", errUsage, text)
	}
	err = db.Keys.Revoke(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no valid key %d", id)
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "key %d is revoked\n", id)
	}
	return err
}
