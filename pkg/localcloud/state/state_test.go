package state_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

func TestUpdatesAreThereAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	e.update(t, func() {
		e.a.Put("1", &row{Text: "one"})
		e.b.Put("1", &row{Text: "other"})
	})
	e.update(t, func() {
		e.a.Put("1", &row{Text: "ONE"})
		e.a.Put("2", &row{Text: "two"})
		e.b.Delete("1")
	})
	want := map[string]string{"a/1": "ONE", "a/2": "two"}
	if diff := cmp.Diff(want, e.snapshot()); diff != "" {
		t.Errorf("before: -want +got\n%s", diff)
	}
	e.close(t)
	if diff := cmp.Diff(want, open(t, dir).snapshot()); diff != "" {
		t.Errorf("after a restart: -want +got\n%s", diff)
	}
}

// TestEverySnapshotOfTheFiles copies the files after each update, as a kill would leave them.
func TestEverySnapshotOfTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	for i := range 20 {
		e.update(t, func() {
			e.a.Put(fmt.Sprint(i), &row{Text: strings.Repeat("x", 1000*i)})
			e.b.Put("0", &row{Text: fmt.Sprint(i)})
		})
		killed := t.TempDir()
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.snapshot(), open(t, killed).snapshot()); diff != "" {
			t.Errorf("after update %d: -want +got\n%s", i, diff)
		}
	}
}

func TestFailedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	failure := errors.New("no")
	err := e.db.Update(func() error {
		e.a.Put("1", &row{Text: "x"})
		if e.a.Get("1") == nil {
			t.Error("an update does not see its own change")
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("%v, want %v", err, failure)
	}
	if diff := cmp.Diff(map[string]string{}, e.snapshot()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUpdateSeesItsChanges(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	e.update(t, func() {
		e.a.Put("1", &row{Text: "one"})
		e.a.Put("2", &row{Text: "two"})
	})
	e.update(t, func() {
		e.a.Delete("1")
		e.a.Put("3", &row{Text: "three"})
		seen := map[string]string{}
		for key, r := range e.a.All() {
			seen[key] = r.Text
		}
		if diff := cmp.Diff(map[string]string{"2": "two", "3": "three"}, seen); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if e.a.Get("1") != nil {
			t.Error("a deleted row is returned")
		}
	})
}

// TestFileStaysShort replaces one row of 100 kB 200 times.
func TestFileStaysShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	long := strings.Repeat("x", 100_000)
	for i := range 200 {
		e.update(t, func() { e.a.Put("1", &row{Text: fmt.Sprint(i, long)}) })
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 8<<20 {
		t.Errorf("%d bytes on disk", size)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the second one waits for 5 s")
	}
	dir := t.TempDir()
	open(t, dir)
	second := state.New(dir)
	state.NewTable[row](second, "a")
	if err := second.Open(); err == nil {
		t.Error("two have the same file open")
	}
}

func TestBrokenFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(
		filepath.Join(dir, "state.db"), []byte(strings.Repeat("no database ", 500)), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	if err := state.New(dir).Open(); err == nil {
		t.Error("a file that is no database was opened")
	}
}

func TestUnknownTableIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	e.update(t, func() { e.b.Put("1", &row{}) })
	e.close(t)
	other := state.New(dir)
	state.NewTable[row](other, "a")
	if err := other.Open(); err == nil || !strings.Contains(err.Error(), `unknown table "b"`) {
		t.Errorf("%v, want an unknown table", err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	e := open(b, b.TempDir())
	value := strings.Repeat("x", 1000)
	for i := 0; b.Loop(); i++ {
		e.update(b, func() { e.a.Put(fmt.Sprint(i%1000), &row{Text: value}) })
	}
}
