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

// TestImportsPointOneWay compares the imports of the packages under pkg/ with imports.txt. A package must
// not import what its line does not permit, and each permission must be used.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	allowed := readTable(t)
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || dir == "." {
			return err
		}
		pkg, err := build.ImportDir(dir, 0)
		if err != nil || len(pkg.GoFiles) == 0 {
			return nil // no Go package in this directory
		}
		name := filepath.ToSlash(dir)
		permitted, listed := allowed[name]
		delete(allowed, name)
		if !listed {
			t.Errorf("pkg/%s is not in imports.txt", name)
			return nil
		}
		checkImports(t, name, permitted, pkg.Imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range allowed {
		t.Errorf("imports.txt lists %s, which is not a package", name)
	}
}

// checkImports compares the imports of one package with its permissions.
func checkImports(t *testing.T, name string, permitted, imports []string) {
	t.Helper()
	var used []string
	for _, path := range imports {
		inside, isInside := strings.CutPrefix(path, module)
		if !isInside {
			continue
		}
		imported, inPkg := strings.CutPrefix(inside, "pkg/")
		if !inPkg || !slices.Contains(permitted, imported) {
			t.Errorf("pkg/%s imports %s, which imports.txt does not permit", name, inside)
		}
		used = append(used, imported)
	}
	for _, imported := range permitted {
		if !slices.Contains(used, imported) {
			t.Errorf("imports.txt permits pkg/%s to import %s, but it does not", name, imported)
		}
	}
}

// readTable reads imports.txt. It also checks that a package may import only packages above its line.
func readTable(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	table := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, permitted, found := strings.Cut(line, "->")
		if !found {
			t.Fatalf("imports.txt: no arrow in %q", line)
		}
		list := strings.Fields(permitted)
		for _, lower := range list {
			if _, above := table[lower]; !above {
				t.Errorf("imports.txt: %s may import %s, which is not above it", name, lower)
			}
		}
		table[strings.TrimSpace(name)] = list
	}
	return table
}
