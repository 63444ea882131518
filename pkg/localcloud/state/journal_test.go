package state_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

// journal is a file as the versions until November 2026 wrote it, with the rows after each line.
func journal() (lines []string, after []map[string]string) {
	lines = []string{
		`[{"t":"a","k":"1","v":{"text":"one"}},{"t":"b","k":"1","v":{"text":"other"}}]`,
		`[{"t":"a","k":"2","v":{"text":"two"}}]`,
		`[{"t":"a","k":"1"},{"t":"b","k":"1","v":{"text":"changed"}}]`,
	}
	after = []map[string]string{
		{},
		{"a/1": "one", "b/1": "other"},
		{"a/1": "one", "a/2": "two", "b/1": "other"},
		{"a/2": "two", "b/1": "changed"},
	}
	return lines, after
}

func write(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "journal")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestJournalCutAnywhere takes over every beginning of a journal: the rows are those of its whole
// lines.
func TestJournalCutAnywhere(t *testing.T) {
	t.Parallel()
	lines, after := journal()
	whole := strings.Join(lines, "\n") + "\n"
	for n := range len(whole) + 1 {
		dir := t.TempDir()
		path := write(t, dir, whole[:n])
		e := open(t, dir)
		want := after[strings.Count(whole[:n], "\n")]
		if diff := cmp.Diff(want, e.snapshot()); diff != "" {
			t.Errorf("cut at %d: -want +got\n%s", n, diff)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("cut at %d: the journal is still there: %v", n, err)
		}
		e.close(t)
	}
}

// TestJournalTakenOverTwice is a kill between the transaction and the removal of the journal.
func TestJournalTakenOverTwice(t *testing.T) {
	t.Parallel()
	lines, after := journal()
	dir := t.TempDir()
	for range 2 {
		write(t, dir, strings.Join(lines, "\n")+"\n")
		e := open(t, dir)
		if diff := cmp.Diff(after[3], e.snapshot()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		e.close(t)
	}
	e := open(t, dir)
	e.update(t, func() { e.a.Put("3", &row{Text: "three"}) })
	e.close(t)
	want := map[string]string{"a/2": "two", "a/3": "three", "b/1": "changed"}
	if diff := cmp.Diff(want, open(t, dir).snapshot()); diff != "" {
		t.Errorf("afterwards: -want +got\n%s", diff)
	}
}

// TestUnfinishedJournalIsRemoved is a kill while an old version shortened its journal.
func TestUnfinishedJournalIsRemoved(t *testing.T) {
	t.Parallel()
	lines, _ := journal()
	dir := t.TempDir()
	path := write(t, dir, lines[0]+"\n")
	if err := os.WriteFile(path+".new", []byte(lines[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	if diff := cmp.Diff("map[a/1:one b/1:other]", text(e.snapshot())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	left, err := fs.Glob(os.DirFS(dir), "journal*")
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestBrokenJournalIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"x",
		`[{"t":"c","k":"1","v":{}}]`,
		`[{"t":"a","k":"1","v":7}]`,
	} {
		dir := t.TempDir()
		path := write(t, dir, line+"\n")
		for attempt := range 2 {
			db := state.New(dir)
			state.NewTable[row](db, "a")
			if err := db.Open(); err == nil {
				t.Errorf("%q was taken over at attempt %d", line, attempt+1)
			}
		}
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(line+"\n", string(kept)); diff != "" {
			t.Errorf("the journal was changed: -want +got\n%s", diff)
		}
	}
}

func ExampleTable() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	type course struct {
		Name string `json:"name"`
	}
	db := state.New(dir)
	courses := state.NewTable[course](db, "courses")
	if err := db.Open(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()

	err = db.Update(func() error {
		courses.Put("7", &course{Name: "Algebra"})
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	db.View(func() { fmt.Println(courses.Get("7").Name) })
	// Output: Algebra
}
