// Package grammar_test reads every statement of package store with a grammar of MySQL 8. The tests of
// the store run on SQLite and MariaDB, which take things that MySQL does not. It is a package of its own
// since the parser takes half a minute to compile.
package grammar_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	mysql "github.com/pingcap/tidb/pkg/parser"
	mysqlast "github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the values of literals
)

func TestStatements(t *testing.T) {
	t.Parallel()
	texts := constants(t, "..")
	statement := regexp.MustCompile(`(?i)^(select|insert|update|delete|replace|create|alter|drop|grant|do) `)
	count := 0
	for name, text := range texts {
		if !statement.MatchString(text) || strings.Contains(text, "sqlite_master") || strings.Contains(text, "pragma_") || strings.Contains(text, "%") {
			continue
		}
		// The code repeats the mark of a list and closes it; SQLite drops an index without its table.
		text = regexp.MustCompile(`\(\?( for update)?$`).ReplaceAllString(text, "(?, ?)$1")
		switch {
		case text == "drop index x", text == "grant option": // a privilege
			continue
		case strings.HasSuffix(text, " to "):
			text += "'x'@'%'"
		}
		if _, err := mysql.New().ParseOneStmt(text, "", ""); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		count++
	}
	if count < 60 {
		t.Errorf("only %d statements found", count)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../migrations/mysql.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements, _, err := mysql.New().Parse(string(text), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if heads := regexp.MustCompile(`(?m)^-- \d+ (table|column|index|rows) `).FindAll(text, -1); len(statements) != len(heads) {
		t.Errorf(
			"%d statements under %d heads: one statement a migration",
			len(statements), len(heads),
		)
	}
}

// TestMigrationsLeaveWhatWasThere: a release is taken back by its image alone, so the image before must go on
// working, as must the NVR: nothing is dropped, renamed or changed, and inserts that know no new column succeed.
func TestMigrationsLeaveWhatWasThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../migrations/mysql.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text   string
		breaks bool
	}{
		{string(text), false},
		{"alter table records drop column step", true},
		{"alter table records rename column step to phase", true},
		{"alter table records modify column step varchar(10)", true},
		{"alter table records add column new int not null", true},
		{"create unique index x on records (room_name)", true},
		{"drop table records", true},
		{"update records set step = 'claim'", true},
		{"delete from records", true},
	} {
		statements, _, err := mysql.New().Parse(test.text, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if onlyAdds(statement) == test.breaks {
				t.Errorf("adds only: %t\n%s", !test.breaks, statement.Text())
			}
		}
	}
}

// onlyAdds reports whether a statement leaves what was there as it was, for those who do not know what it
// adds. A reason may get a code: the image before reads its words, which stay.
func onlyAdds(statement mysqlast.StmtNode) bool {
	switch s := statement.(type) {
	case *mysqlast.CreateTableStmt:
		return true
	case *mysqlast.CreateIndexStmt:
		return s.KeyType == mysqlast.IndexKeyTypeNone || strings.HasPrefix(s.Table.Name.O, "merger_") // ours, made with the table
	case *mysqlast.AlterTableStmt:
		return !slices.ContainsFunc(s.Specs, func(spec *mysqlast.AlterTableSpec) bool {
			return spec.Tp != mysqlast.AlterTableAddColumns || slices.ContainsFunc(spec.NewColumns, needsValue)
		})
	case *mysqlast.UpdateStmt:
		return !slices.ContainsFunc(s.List, func(set *mysqlast.Assignment) bool {
			return set.Column.Name.L != "reason"
		})
	}
	return false
}

// needsValue reports whether every insert has to name a column.
func needsValue(column *mysqlast.ColumnDef) bool {
	has := func(kind mysqlast.ColumnOptionType) bool {
		return slices.ContainsFunc(column.Options, func(o *mysqlast.ColumnOption) bool {
			return o.Tp == kind
		})
	}
	return has(mysqlast.ColumnOptionNotNull) && !has(mysqlast.ColumnOptionDefaultValue)
}

// TestTheGrammarIsStrict: what MariaDB takes and MySQL 8 does not.
func TestTheGrammarIsStrict(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"insert into t (a) values (1) returning a", "create table t (rank int)"} {
		if _, err := mysql.New().ParseOneStmt(text, "", ""); err == nil {
			t.Errorf("taken although MySQL 8 refuses it: %s", text)
		}
	}
	if _, err := mysql.New().ParseOneStmt("select from where", "", ""); err == nil {
		t.Error("nonsense is taken")
	}
}

// constants are the texts of a package's string constants and literals, put together as the compiler would.
// What is known at run time only is left out.
func constants(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]ast.Expr{}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, entry := range files {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, dir+"/"+entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		for _, decl := range file.Decls {
			if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.CONST {
				for _, spec := range group.Specs {
					value, _ := spec.(*ast.ValueSpec)
					for i, name := range value.Names {
						if i < len(value.Values) {
							named[name.Name] = value.Values[i]
						}
					}
				}
			}
		}
	}
	found := map[string]string{}
	for _, file := range parsed {
		ast.Inspect(file, func(node ast.Node) bool {
			expr, ok := node.(ast.Expr)
			if !ok {
				return true
			}
			switch expr.(type) {
			case *ast.BinaryExpr, *ast.BasicLit:
				if text := evaluate(expr, named); text != "" {
					found[set.Position(expr.Pos()).String()] = text
				}
				return false
			}
			return true
		})
	}
	return found
}

func evaluate(expr ast.Expr, named map[string]ast.Expr) string {
	switch e := expr.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.Ident:
		if value, ok := named[e.Name]; ok {
			return evaluate(value, named)
		}
	case *ast.SelectorExpr: // a name, or an end, that the code puts in
		if e.Sel.Name == "forUpdate" {
			return " for update"
		}
		return "x"
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return evaluate(e.X, named) + evaluate(e.Y, named)
		}
	}
	return ""
}
