package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/machine"
)

// TestBackupAndRestore copies a database while another process has it open, changes it, and brings the copy
// back: the change is gone, and stands in the database that was set aside.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir, copied := emptyState(t), filepath.Join(t.TempDir(), "copy.db")
	runs(t, exitDone, "rooms", "set", "504", "--data", dir)
	runs(t, exitDone, "backup", copied, "--data", dir)
	if _, stderr := runs(t, exitFailed, "backup", copied, "--data", dir); !strings.Contains(stderr, "exists already") {
		t.Errorf("a second backup into the same file: %s", stderr)
	}
	before, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	runs(t, exitDone, "rooms", "set", "505", "--data", dir)

	unlock, err := machine.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr := runs(t, exitFailed, "restore", copied, "--data", dir); !strings.Contains(stderr, "stop it first") {
		t.Errorf("while serve runs: %s", stderr)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}

	stdout, _ := runs(t, exitDone, "restore", copied, "--data", dir)
	if listed, _ := runs(t, exitDone, "rooms", "export", "--data", dir); !strings.Contains(listed, "504") ||
		strings.Contains(listed, "505") {
		t.Errorf("restored:\n%s", listed)
	}
	_, former, _ := strings.Cut(strings.TrimSpace(stdout), "the former one is ")
	if listed, _ := runs(t, exitDone, "rooms", "export", "--database", "sqlite:"+former); !strings.Contains(listed, "505") {
		t.Errorf("the database that was set aside (%s):\n%s", former, listed)
	}
	if after, err := os.ReadFile(copied); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the copy changed (%v)", err)
	}
	empty := t.TempDir()
	runs(t, exitDone, "restore", copied, "--data", filepath.Join(empty, "new"))
	if listed, _ := runs(t, exitDone, "rooms", "export", "--data", filepath.Join(empty, "new")); !strings.Contains(listed, "504") {
		t.Errorf("restored on a new machine:\n%s", listed)
	}
}

// TestRestoreRefuses restores what is no backup: the database stays as it was.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir, files := emptyState(t), t.TempDir()
	runs(t, exitDone, "rooms", "set", "504", "--data", dir)
	whole := filepath.Join(files, "whole.db")
	runs(t, exitDone, "backup", whole, "--data", dir)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	half := append(bytes.Clone(text[:len(text)/2]), make([]byte, len(text)/2)...)
	for name, content := range map[string][]byte{
		"empty.db": nil,
		"text.db":  []byte("not a database at all\n"),
		"half.db":  half,
	} {
		file := filepath.Join(files, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr := runs(t, exitFailed, "restore", file, "--data", dir); !strings.Contains(stderr, name) {
			t.Errorf("%s: %s", name, stderr)
		}
	}
	runs(t, exitFailed, "restore", filepath.Join(files, "none.db"), "--data", dir)
	if listed, _ := runs(t, exitDone, "rooms", "export", "--data", dir); !strings.Contains(listed, "504") {
		t.Errorf("the database changed:\n%s", listed)
	}
	for _, pattern := range []string{"nvr.db.*", "*.restore"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); len(left) > 0 {
			t.Errorf("left %q", left)
		}
	}
}
