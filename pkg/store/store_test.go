package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

const lease = 3 * time.Minute

// rig is one database under test.
type rig struct {
	*store.Store
	dsn   string
	clock *storetest.Clock
}

// onEach runs a test of the contract on both databases.
func onEach(t *testing.T, test func(t *testing.T, r rig)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, dsn string) {
		r := rig{dsn: dsn, clock: storetest.NewClock()}
		r.Store = storetest.Open(t, r.dsn, store.Options{Now: r.clock.Now, MaxOpen: 8})
		test(t, r)
	})
}

func lecture() nvr.Record {
	return nvr.Record{
		Title:     "Анализ",
		Room:      "504",
		Date:      "2026-11-20",
		StartTime: "15:10",
		EndTime:   "16:30",
		UserEmail: "a@example.org",
	}
}

// file inserts a record and claims it.
func (r rig) file(t *testing.T) (nvr.Record, nvr.Claim) {
	t.Helper()
	record := must(r.insert(lecture()))(t)
	claim := must(r.Queue.Claim(context.Background(), record, nvr.StepStage, lease))(t)
	return record, claim
}

func (r rig) insert(record nvr.Record) (nvr.Record, error) {
	filed, _, err := r.Requests.Insert(context.Background(), record, nil)
	return filed, err
}

// work files, claims and enters a record and brings it to a step.
func (r rig) work(t *testing.T, step nvr.Step) nvr.Lease {
	t.Helper()
	ctx := context.Background()
	_, claim := r.file(t)
	for {
		_, hold, err := r.Leases.Enter(ctx, claim, "worker of "+string(claim.Step), lease)
		if err != nil {
			t.Fatal(err)
		}
		if hold.Step == step {
			return hold
		}
		next := map[nvr.Step]nvr.Step{
			nvr.StepStage:  nvr.StepMerge,
			nvr.StepMerge:  nvr.StepUpload,
			nvr.StepUpload: nvr.StepLink,
		}
		claim = must(r.Leases.Advance(ctx, hold, next[hold.Step], store.Change{}, lease))(t)
	}
}

func (r rig) record(t *testing.T, id int64) nvr.Record {
	t.Helper()
	return must(r.Records.Get(context.Background(), id))(t)
}

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is ok for calls that also return a value: must(call())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return value
	}
}

func stale(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, fault.ErrStale) {
		t.Fatalf("got %v, want fault.ErrStale", err)
	}
}

// must2 is must for [store.Store.Enter].
func must2(_ nvr.Record, hold nvr.Lease, err error) func(testing.TB) nvr.Lease {
	return must(hold, err)
}

// sql runs a statement as the NVR or an operator does, past the store, on a connection of its own.
func (r rig) sql(t testing.TB, statement string, args ...any) {
	t.Helper()
	db := open(t, r.dsn)
	defer func() { ok(t, db.Close()) }()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	if file, lite := strings.CutPrefix(dsn, "sqlite:"); lite {
		return must(sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)"))(t)
	}
	return must(sql.Open("mysql", dsn))(t)
}

// texts reads one column past the store.
func (r rig) texts(t *testing.T, query string) (texts []string) {
	t.Helper()
	db := open(t, r.dsn)
	defer func() { ok(t, db.Close()) }()
	rows := must(db.Query(query))(t) //nolint:rowserrcheck // it is, below
	defer func() { ok(t, rows.Close()) }()
	for rows.Next() {
		var text string
		ok(t, rows.Scan(&text))
		texts = append(texts, text)
	}
	ok(t, rows.Err())
	return texts
}

// TestCloseTwice: a store that is closed already is closed; a change that comes later is refused, not
// kept waiting.
func TestCloseTwice(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		_, claim := r.file(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 2 {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, _, err := r.Leases.Enter(context.Background(), claim, "late", lease); err == nil {
				t.Error("a change after Close went through")
			}
		}()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatal("a store that is closed hangs")
		}
	})
}
