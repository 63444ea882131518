package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestFirstConnectionIsWaitedFor: Cloud Run's network may need a minute or more on a new instance.
func TestFirstConnectionIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		after, patience time.Duration
		opens           bool
	}{
		{"at once", 0, 0, true},
		{"after a try", 10 * time.Second, 0, true},
		{"after a minute", time.Minute, 0, true},
		{"after a minute and a half", 90 * time.Second, 0, true},
		{"never", time.Hour, 0, false},
		{"too late for a person", time.Minute, 5 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			late := storetest.NewLate(t, c.after)
			tried := 0
			began := late.Clock.Now()
			s, err := store.Open(t.Context(), late.DSN, store.Options{
				Now:      late.Clock.Now,
				Patience: c.patience,
				Scale:    1000,
				Tried: func(_ context.Context, name string, _ int, _ bool, _ error) {
					if name != "database.connect" {
						t.Errorf("observed %q", name)
					}
					tried++
				},
			})
			if (err == nil) != c.opens {
				t.Fatalf("opened: %v", err)
			}
			if want := int(late.Dials()); c.opens && tried != want-1 || !c.opens && tried != want {
				t.Errorf("observed %d failed tries of %d", tried, want)
			}
			if took := late.Clock.Now().Sub(began); took > store.DefaultPatience+10*time.Second {
				t.Errorf("gave up after %v", took)
			}
			if c.opens {
				ok(t, s.Close())
			}
		})
	}
}

// TestFirstConnectionEndsWithItsContext: a process that is told to stop does not wait on.
func TestFirstConnectionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	late := storetest.NewLate(t, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := store.Open(ctx, late.DSN, store.Options{
		Now:   late.Clock.Now,
		Tried: func(context.Context, string, int, bool, error) { cancel() },
	})
	if !errors.Is(err, context.Canceled) || late.Dials() != 1 {
		t.Errorf("after %d dials: %v", late.Dials(), err)
	}
}

// TestAServerThatRefusesIsNotWaitedFor: the answer of a server, such as a wrong password, stays the same.
func TestAServerThatRefusesIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	late := storetest.NewLate(t, 0)
	late.RefuseSignIn(1045)
	_, err := store.Open(t.Context(), late.DSN, store.Options{Now: late.Clock.Now})
	if err == nil || late.Dials() != 1 {
		t.Errorf("after %d dials: %v", late.Dials(), err)
	}
	busy := storetest.NewLate(t, 0)
	busy.RefuseSignIn(1040)
	_, err = store.Open(t.Context(), busy.DSN, store.Options{
		Now:      busy.Clock.Now,
		Patience: time.Second,
		Scale:    1000,
	})
	if err == nil || busy.Dials() < 2 {
		t.Errorf("a server without a free connection was dialed %d times: %v", busy.Dials(), err)
	}
}

// TestMigrateActivatesItsRoles: a role that was given may be inactive after the sign-in. A server without roles
// refuses the statement, and is used all the same.
func TestMigrateActivatesItsRoles(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		late := storetest.NewLate(t, 0)
		s, err := store.Open(t.Context(), late.DSN, store.Options{Now: late.Clock.Now, AllRoles: all})
		if err != nil {
			t.Fatal(err)
		}
		if sent := late.Statements() == 1; sent != all {
			t.Errorf("all roles: %t; the server was sent %d statements", all, late.Statements())
		}
		ok(t, s.Close())
	}
}
