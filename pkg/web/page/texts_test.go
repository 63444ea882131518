package page_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/i18n"
)

// use is one use of a text: its key, or the beginning of one that is put together at run time.
type use struct {
	where  string
	key    string
	prefix bool
	args   []string // names, sorted
}

// TestEveryTextIsUsed checks keys and arguments of all texts of the section "page" against their uses in templates
// and code. It finds a missing key, a wrong argument and a text that nothing shows.
func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	uses := slices.Concat(templateUses(t), codeUses(t))
	english := i18n.Default().For("en")
	used := map[string]bool{}
	for _, u := range uses {
		for _, key := range english.Keys() {
			args := english.Args(key)
			switch {
			case key == u.key && !u.prefix:
				used[key] = true
				if diff := cmp.Diff(u.args, args); diff != "" {
					t.Errorf("%s: arguments of %s (-use +text):\n%s", u.where, key, diff)
				}
			case u.prefix && strings.HasPrefix(key, u.key):
				// A text with other arguments belongs to another use. A hint needs not take them.
				if len(args) == 0 || slices.Equal(u.args, args) {
					used[key] = true
				}
			}
		}
		if !u.prefix && !english.Has(u.key) {
			t.Errorf("%s: text %s does not exist", u.where, u.key)
		}
	}
	for _, key := range english.Keys() {
		if strings.HasPrefix(key, "page.") && !used[key] {
			t.Errorf("no page shows text %s", key)
		}
	}
}

// templateUses returns the uses {{t "key" "name" value …}} in the templates.
func templateUses(t *testing.T) []use {
	t.Helper()
	call := regexp.MustCompile(`\{\{t "([^"]+)"([^}]*)\}\}`)
	name := regexp.MustCompile(`"([^"]+)"`)
	names, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var uses []use
	for _, file := range names {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range call.FindAllStringSubmatch(string(text), -1) {
			var args []string
			for _, arg := range name.FindAllStringSubmatch(found[2], -1) {
				if !strings.HasPrefix(arg[1], "%") { // a value
					args = append(args, arg[1])
				}
			}
			slices.Sort(args)
			uses = append(uses, use{where: file, key: "page." + found[1], args: args})
		}
	}
	return uses
}

// codeUses returns the calls T("page.…", "name", value, …) of this package and of those beside it.
func codeUses(t *testing.T) []use {
	t.Helper()
	var uses []use
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr:
				if u, ok := callUse(node); ok {
					u.where = path
					uses = append(uses, u)
				}
			case *ast.BasicLit: // a prefix of keys that is passed on: "page.room."
				if key := literal(node); strings.HasPrefix(key, "page.") && strings.HasSuffix(key, ".") && isForm(key) {
					uses = append(uses, use{
						where:  path,
						key:    key,
						prefix: true,
						args:   []string{"languages"},
					})
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return uses
}

// isForm reports whether keys with this beginning are the labels and hints of a form.
func isForm(prefix string) bool { return prefix == "page.room." || prefix == "page.source." }

func callUse(call *ast.CallExpr) (use, bool) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "T" || len(call.Args) == 0 {
		return use{}, false
	}
	u := use{key: literal(call.Args[0])}
	if sum, ok := call.Args[0].(*ast.BinaryExpr); ok {
		for {
			left, ok := sum.X.(*ast.BinaryExpr)
			if !ok {
				break
			}
			sum = left
		}
		u.key, u.prefix = literal(sum.X), true
	}
	for i := 1; i < len(call.Args); i += 2 {
		u.args = append(u.args, literal(call.Args[i]))
	}
	slices.Sort(u.args)
	return u, strings.HasPrefix(u.key, "page.")
}

// literal returns the value of a string literal. It is empty for anything else.
func literal(node ast.Expr) string {
	lit, ok := node.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}
