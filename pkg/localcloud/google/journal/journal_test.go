package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/google/journal"
)

type row struct {
	Text string `json:"text"`
}

func open(t *testing.T, path string) (*journal.Journal, *journal.Table[row], *journal.Table[row]) {
	t.Helper()
	j := journal.New(path)
	a, b := journal.NewTable[row](j, "a"), journal.NewTable[row](j, "b")
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	return j, a, b
}

func state(j *journal.Journal, tables ...*journal.Table[row]) string {
	var text strings.Builder
	j.View(func() {
		for i, table := range tables {
			for n := range 100 {
				key := fmt.Sprint(n)
				if r := table.Get(key); r != nil {
					fmt.Fprintf(&text, "%d/%s=%s ", i, key, r.Text)
				}
			}
		}
	})
	return strings.TrimSpace(text.String())
}

func TestEveryCutOfTheFileIsBeforeOrAfterAChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, a, b := open(t, path)
	states := map[string]bool{"": true}
	for i := range 5 {
		if err := j.Update(func() error {
			a.Put(fmt.Sprint(i), &row{Text: fmt.Sprint("a", i)})
			b.Put("0", &row{Text: fmt.Sprint("b", i)})
			if i == 3 {
				a.Delete("1")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		states[state(j, a, b)] = true
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for n := range len(whole) + 1 {
		cut := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j, a, b := open(t, cut)
		before := state(j, a, b)
		if !states[before] {
			t.Fatalf("cut at %d: %s", n, before)
		}
		if err := j.Update(func() error { a.Put("99", &row{Text: "on"}); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j, a, b = open(t, cut)
		if got := state(j, a, b); !strings.Contains(got, "0/99=on") {
			t.Fatalf("cut at %d, then written to: %s", n, got)
		}
		_ = j.Close()
	}
}

func TestAFailedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	j, a, _ := open(t, filepath.Join(t.TempDir(), "journal"))
	defer func() { _ = j.Close() }()
	no := errors.New("no")
	err := j.Update(func() error {
		a.Put("1", &row{Text: "x"})
		if a.Get("1") == nil {
			t.Error("an update does not see its own change")
		}
		return no
	})
	if !errors.Is(err, no) || state(j, a) != "" {
		t.Errorf("%v, %q", err, state(j, a))
	}
}

func TestTheFileStaysShort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, a, b := open(t, path)
	text := strings.Repeat("x", 100_000)
	for i := range 200 {
		if err := j.Update(func() error { a.Put("1", &row{Text: fmt.Sprint(i, text)}); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Update(func() error { b.Put("2", &row{Text: "y"}); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	at, err := os.Stat(path)
	if err != nil || at.Size() > 6<<20 {
		t.Errorf("%d bytes, %v", at.Size(), err)
	}
	j, a, b = open(t, path)
	defer func() { _ = j.Close() }()
	if got := state(j, a, b); got != "0/1=199"+text+" 1/2=y" {
		t.Errorf("%.100s", got)
	}
}

func TestWhatIsNoJournalIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x\n", `[{"t":"c","k":"1","v":{}}]` + "\n", `[{"t":"a","k":"1","v":7}]` + "\n"} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		j := journal.New(path)
		journal.NewTable[row](j, "a")
		if err := j.Open(); err == nil {
			t.Errorf("%q was opened", text)
		}
	}
}
