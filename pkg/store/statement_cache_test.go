package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// TestPool: many ask at once, with more texts than are kept, and the tables change under what is kept.
func TestPool(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "pool.db"))
	if err != nil {
		t.Fatal(err)
	}
	p := &pool{DB: db, caches: true}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	columns := func() (columns, rows int) {
		answer, err := p.QueryContext(ctx, `select * from t where id > ?`, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Close() }()
		names, err := answer.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for answer.Next() {
			rows++
		}
		if err := answer.Err(); err != nil {
			t.Fatal(err)
		}
		return len(names), rows
	}
	for i, change := range []string{`create table t (id integer primary key)`, `insert into t values (1)`, `alter table t add note text`,
		`drop table t`, `create table t (id integer primary key, a text, b text)`} {
		if _, err := p.ExecContext(ctx, change); err != nil {
			t.Fatal(err)
		}
		want := [][2]int{{1, 0}, {1, 1}, {2, 1}, {}, {3, 0}}[i]
		if want == [2]int{} {
			continue
		}
		if c, r := columns(); c != want[0] || r != want[1] {
			t.Errorf("after %s: %d columns and %d rows, want %v", change, c, r, want)
		}
	}
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for n := range 2 * maxPrepared {
				var got int
				if err := p.QueryRowContext(ctx, fmt.Sprintf(`select %d + ?`, n), 1).Scan(&got); err != nil || got != n+1 {
					t.Errorf("%d + 1 = %d, %v", n, got, err)
				}
			}
		})
	}
	asking.Wait()
	kept := 0
	p.prepared.Range(func(_, _ any) bool { kept++; return true })
	if kept < maxPrepared || kept > maxPrepared+4 {
		t.Errorf("%d statements are kept, want %d", kept, maxPrepared)
	}
	var none int
	if err := p.QueryRowContext(ctx, `select a from nothing`).Scan(&none); err == nil {
		t.Error("a statement that cannot be prepared is answered")
	}
}
