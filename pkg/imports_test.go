package pkg_test

import (
	"bufio"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nvr-miem/merger/"

// TestImportsPointOneWay holds the packages under pkg/ against imports.txt.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	allowed := readTable(t)
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || dir == "." {
			return err
		}
		pkg, err := build.ImportDir(dir, 0)
		if err != nil || len(pkg.GoFiles) == 0 {
			return nil // no Go package of its own here
		}
		may, listed := allowed[filepath.ToSlash(dir)]
		if !listed {
			t.Errorf("pkg/%s is not in imports.txt", dir)
			return nil
		}
		for _, imported := range pkg.Imports {
			inside, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if name, inPkg := strings.CutPrefix(inside, "pkg/"); !inPkg || !slices.Contains(may, name) {
				t.Errorf("pkg/%s imports %s, which imports.txt does not allow", dir, inside)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readTable also checks that every arrow points upwards in the file.
func readTable(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	table := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, may, ok := strings.Cut(line, "->")
		if !ok {
			t.Fatalf("imports.txt: no arrow in %q", line)
		}
		list := strings.Fields(may)
		for _, lower := range list {
			if _, above := table[lower]; !above {
				t.Errorf("imports.txt: %s may import %s, which does not stand above it", name, lower)
			}
		}
		table[strings.TrimSpace(name)] = list
	}
	return table
}
