package pkg_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dialect matches phrases that do not belong in comments. "Reports whether" is the phrase for booleans.
// The others personify a program or are archaic.
func dialect() *regexp.Regexp {
	phrases := []string{
		"tells? whether",
		"says? whether",
		"who" + "ever",
		"no" + "body",
		"some" + "body",
		"of " + "ours",
		"an" + "ew",
		"le" + "st",
		"hard" + "ly",
		"so " + "often",
		"wreck" + "age",
		"who " + "works",
		"who " + "lives",
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(phrases, "|") + `)\b`)
}

// goFiles returns the Go files of the project, relative to pkg/.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, root := range []string{".", "../functions", "../jobs"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") {
				files = append(files, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestCommentsArePlain checks that no comment has a phrase of the dialect list.
func TestCommentsArePlain(t *testing.T) {
	t.Parallel()
	phrases := dialect()
	for _, path := range goFiles(t) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, comment := range comments(file) {
			if phrase := phrases.FindString(comment.Text); phrase != "" {
				t.Errorf("%s: comment with %q", fset.Position(comment.Pos()), phrase)
			}
		}
	}
}

func comments(file *ast.File) []*ast.Comment {
	var all []*ast.Comment
	for _, group := range file.Comments {
		all = append(all, group.List...)
	}
	return all
}
