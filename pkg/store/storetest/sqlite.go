// Package storetest starts databases for tests: a file of SQLite, and a MariaDB server of the test's own.
//
// Nothing that it starts outlives the test binary, however that ends.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
)

// SQLite is the DSN of an empty database of this test: in memory where the system has a place for files
// there, since each write waits for its disk.
func SQLite(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "nvr")
	if err != nil {
		return DiskSQLite(t)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return "sqlite:" + filepath.Join(dir, "nvr.db")
}

// DiskSQLite is [SQLite] on the disk, for large databases and for measuring.
func DiskSQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "nvr.db")
}

// Clock is a clock that a test moves. It is safe for use by many.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock stands at a Friday in November 2026, 12:00 UTC.
func NewClock() *Clock {
	return &Clock{at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
}

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move puts the clock forward.
func (c *Clock) Move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// Open opens the database and migrates it; it is closed when the test ends.
func Open(t testing.TB, dsn string, opts store.Options) *store.Store {
	t.Helper()
	if opts.Now == nil {
		opts.Now = NewClock().Now
	}
	s, err := store.Open(context.Background(), dsn, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Schema.Migrate(context.Background(), store.Adoption{}); err != nil {
		t.Fatal(err)
	}
	return s
}
