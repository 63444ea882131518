package state_test

import (
	"fmt"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

type row struct {
	Text string `json:"text"`
}

// env is an open database of two tables.
type env struct {
	db   *state.DB
	a, b *state.Table[row]
}

// open opens a folder. The test's end closes it.
func open(t testing.TB, dir string) *env {
	t.Helper()
	e := &env{db: state.New(dir)}
	e.a, e.b = state.NewTable[row](e.db, "a"), state.NewTable[row](e.db, "b")
	if err := e.db.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.db.Close() })
	return e
}

func (e *env) close(t testing.TB) {
	t.Helper()
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (e *env) update(t testing.TB, do func()) {
	t.Helper()
	err := e.db.Update(func() error {
		do()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// snapshot returns all rows, by table and key.
func (e *env) snapshot() map[string]string {
	rows := map[string]string{}
	e.db.View(func() {
		for key, r := range e.a.All() {
			rows["a/"+key] = r.Text
		}
		for key, r := range e.b.All() {
			rows["b/"+key] = r.Text
		}
	})
	return rows
}

// text returns a snapshot as text, to be the key of a map.
func text(snapshot map[string]string) string { return fmt.Sprint(snapshot) }
