package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestGrant: a user that a cloud made, with no right at all, can do a component's work and no more.
func TestGrant(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := storetest.MariaDB(t)
	db := open(t, dsn)
	defer func() { ok(t, db.Close()) }()
	must(db.Exec("create user if not exists 'nvr-form'@'%'"))(t)

	s := must(store.Open(ctx, dsn, store.Options{Now: storetest.NewClock().Now}))(t)
	defer func() { ok(t, s.Close()) }()
	ok(t, s.Grant(ctx, []string{"nvr-form"}))
	ok(t, s.Grant(ctx, []string{"nvr-form"}))

	rows := must(db.Query("show grants for 'nvr-form'@'%'"))(t)
	defer func() { ok(t, rows.Close()) }()
	var all []string
	for rows.Next() {
		var grant string
		ok(t, rows.Scan(&grant))
		all = append(all, grant)
	}
	ok(t, rows.Err())
	if text := strings.ToLower(strings.Join(all, "\n")); !strings.Contains(text, "select, insert, update, delete on") || strings.Contains(text, "all privileges") {
		t.Error(text)
	}
}

func TestGrantRefusesWhatIsNoName(t *testing.T) {
	t.Parallel()
	s := must(store.Open(context.Background(), storetest.MariaDB(t), store.Options{Now: storetest.NewClock().Now}))(t)
	defer func() { ok(t, s.Close()) }()
	for _, name := range []string{"", "a'@'%' identified by 'x", "Root", "a b"} {
		if s.Grant(context.Background(), []string{name}) == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
