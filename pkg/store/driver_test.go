package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

func TestConnectionsThatDieWhileIdle(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := rig{dsn: storetest.MariaDB(t), clock: storetest.NewClock()}
	r.Store = storetest.Open(t, r.dsn, store.Options{Now: r.clock.Now})
	hold := r.work(t, nvr.StepMerge)
	killer := open(t, r.dsn)
	defer func() { ok(t, killer.Close()) }()
	killer.SetMaxOpenConns(1)
	must(killer.Exec(`use mysql`))(t) // so that it does not kill itself
	for range 5 {
		// It kills its own connection too, and then has no answer.
		for _, id := range r.texts(t, `select id from information_schema.processlist where db = database() and id <> connection_id()`) {
			_, err := killer.Exec(`kill hard connection ` + id)
			var gone *mysql.MySQLError // it may have ended by itself
			if err != nil && (!errors.As(err, &gone) || gone.Number != 1094) {
				t.Fatal(err)
			}
		}
		ok(t, r.Leases.Renew(ctx, hold, lease))
		r.record(t, hold.Record)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := storetest.NewClock().Now
	for _, dsn := range []string{
		"",
		"sqlite:" + filepath.Join(t.TempDir(), "missing", "nvr.db"),
		"u:p@tcp(127.0.0.1:1)/nvr",
	} {
		opts := store.Options{Now: now, Patience: time.Millisecond}
		if s, err := store.Open(ctx, dsn, opts); err == nil {
			t.Errorf("%q: no error", dsn)
			ok(t, s.Close())
		}
	}
	if _, err := store.Open(ctx, storetest.SQLite(t), store.Options{}); err == nil {
		t.Error("no clock: no error")
	}
}

func TestExistingMakesNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := store.Open(context.Background(), "sqlite:"+filepath.Join(dir, "nvr.db"), store.Options{
		Now:       storetest.NewClock().Now,
		MustExist: true,
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if left := must(os.ReadDir(dir))(t); len(left) != 0 {
		t.Errorf("made %v", left)
	}
}

func TestWhoOnlyReadsLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "nvr.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := must(store.Open(context.Background(), "sqlite:"+file, store.Options{
		Now:       storetest.NewClock().Now,
		MustExist: true,
	}))(t)
	if current, _, err := s.Schema.Version(context.Background()); current != 0 || err != nil {
		t.Errorf("schema %d, %v", current, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left := must(os.ReadDir(dir))(t); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

func TestOddFileNames(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "данные 100% ?x=1#y.db")
	storetest.Open(t, "sqlite:"+file, store.Options{})
	if found := must(filepath.Glob(filepath.Join(filepath.Dir(file), "*.db")))(t); len(found) != 1 || found[0] != file {
		t.Errorf("made %q, want %q", found, file)
	}
}

func TestACancelledCallIsAnError(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		hold := r.work(t, nvr.StepMerge)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.Leases.Renew(ctx, hold, lease); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := r.Queue.DueUnscheduledFirst(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
