package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

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
	for range 5 {
		// It kills its own connection too, and then has no answer.
		for _, id := range r.texts(t, `select id from information_schema.processlist where db = database() and id <> connection_id()`) {
			r.sql(t, `kill hard connection `+id)
		}
		ok(t, r.Renew(ctx, hold, lease))
		r.record(t, hold.Record)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := storetest.NewClock().Now
	for _, dsn := range []string{"", "sqlite:" + filepath.Join(t.TempDir(), "missing", "nvr.db"), "u:p@tcp(127.0.0.1:1)/nvr"} {
		if s, err := store.Open(ctx, dsn, store.Options{Now: now}); err == nil {
			t.Errorf("%q: no error", dsn)
			ok(t, s.Close())
		}
	}
	if _, err := store.Open(ctx, storetest.SQLite(t), store.Options{}); err == nil {
		t.Error("no clock: no error")
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
		if err := r.Renew(ctx, hold, lease); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := r.Free(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
