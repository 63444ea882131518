package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNormalizeArgs wants the older forms of the command line as cobra expects them.
func TestNormalizeArgs(t *testing.T) {
	t.Parallel()
	root := englishCLI().rootCommand()
	tests := []struct{ name, args, want string }{
		{"one dash", "rooms -data DIR", "rooms --data DIR"},
		{"one dash and equals", "rooms -data=DIR", "rooms --data=DIR"},
		{"a value like a flag", "merge --title -data --room 5", "merge --title -data --room 5"},
		{"flags before the subcommand", "keys -data DIR -json list", "keys list --data DIR --json"},
		{"a boolean flag before the subcommand", "keys --any-address add", "keys add --any-address"},
		{"a value named as a subcommand", "keys add --email list", "keys add --email list"},
		{"an argument named as a subcommand", "rooms set list", "rooms set list"},
		{"short help", "merge -h", "merge -h"},
		{"help with one dash", "merge -help", "merge --help"},
		{"a negative number", "records --limit -1", "records --limit -1"},
		{"after two dashes", "presence -- -x.mp4", "presence -- -x.mp4"},
		{"a shell asks for completions", "__complete merge -da", "__complete merge -da"},
		{"an unknown command", "murge -x", "murge -x"},
		{"an unknown flag", "merge -bogus", "merge --bogus"},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		got := normalizeArgs(root, strings.Fields(test.args))
		if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

// TestVersion wants version, commit and date from both spellings.
func TestVersion(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`^NVR Merger \S+ \(commit \S+, \S+\)\n$`)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if stdout, _ := runs(t, exitDone, args...); !want.MatchString(stdout) {
			t.Errorf("%q prints %q", args, stdout)
		}
	}
	runs(t, exitUsage, "version", "now")
}

// TestCompletions wants a script for each shell, and the values of a flag.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash": "__start_local",
		"zsh":  "#compdef local",
		"fish": "complete -c local",
	} {
		if stdout, _ := runs(t, exitDone, "completion", shell); !strings.Contains(stdout, want) {
			t.Errorf("completion %s lacks %q", shell, want)
		}
	}
	runs(t, exitUsage, "completion", "cmd")
	runs(t, exitUsage, "completion")
	if stdout, _ := runs(t, exitDone, "__complete", "merge", "--policy", ""); !strings.Contains(stdout, "half-hour") {
		t.Errorf("the policies to choose from are %q", stdout)
	}
}

// TestManPages wants a page for each command.
func TestManPages(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "man")
	runs(t, exitDone, "man", folder)
	runs(t, exitUsage, "man")
	for _, page := range []string{"local.1", "local-merge.1", "local-rooms-set.1"} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), ".SH NAME") {
			t.Errorf("%s has no name: %.200s", page, text)
		}
	}
}

// TestListsAsJSON wants arrays also where there is nothing, and the published names.
func TestListsAsJSON(t *testing.T) {
	dir := emptyState(t)
	t.Setenv(dataVariable, dir)
	for _, args := range []string{"records --json", "rooms list --json", "rooms --json", "keys list --json"} {
		if stdout, _ := runs(t, exitDone, strings.Fields(args)...); stdout != "[]\n" {
			t.Errorf("%s prints %q", args, stdout)
		}
	}
	runs(
		t,
		exitDone,
		"rooms",
		"set",
		"504",
		"--lecturer",
		"172.18.191.24",
		"--board",
		"172.18.191.30",
		"--segment-length",
		"20m",
	)
	runs(
		t,
		exitDone,
		"keys",
		"add",
		"--email",
		"a@example.org",
		"--rooms",
		"504, 505",
		"--expires",
		"2027-06-30",
	)
	want := map[string]string{
		"rooms list --json": `[{"room": "504", "lecturer": "172.18.191.24", "screen": "", "board": "172.18.191.30", "sound": "",
			"calendar": "", "drive": "", "zone": "Europe/Moscow", "language": "ru", "segment_length": "20m", "layout": ""}]`,
		"keys list --json": `[{"id": 1, "email": "a@example.org", "rooms": ["504", "505"], "any_address": false,
			"expires_at": "2027-07-01T00:00:00Z", "revoked_at": null}]`,
	}
	for args, expected := range want {
		stdout, _ := runs(t, exitDone, strings.Fields(args)...)
		got := parseJSON(t, stdout)
		delete(got[0], "prefix") // random
		if diff := cmp.Diff(parseJSON(t, expected), got); diff != "" {
			t.Errorf("%s:\n%s", args, diff)
		}
	}
	runs(t, exitDone, "keys", "revoke", "1")
	if stdout, _ := runs(t, exitFailed, "keys", "revoke", "7"); stdout != "" {
		t.Errorf("revoking an unknown key prints %q", stdout)
	}
}

func parseJSON(t *testing.T, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return list
}

// TestErrorsInRussian wants the errors of commands beside serve in the user's language, as one sentence.
func TestErrorsInRussian(t *testing.T) {
	t.Setenv("LC_ALL", "ru_RU.UTF-8")
	t.Setenv(dataVariable, emptyState(t))
	for args, code := range map[string]int{
		"retry 999":          exitFailed,
		"retry x":            exitUsage,
		"retry":              exitUsage,
		"rooms set":          exitUsage,
		"rooms set 1 --x":    exitUsage,
		"rooms set 1 --zone": exitUsage,
		"keys":               exitUsage,
		"keys revoke 7":      exitFailed,
		"keys add --email x": exitUsage,
		"records --limit x":  exitUsage,
		"recrods":            exitUsage,
	} {
		_, stderr := runs(t, code, strings.Fields(args)...)
		if !cyrillic.MatchString(stderr) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "⟦") {
			t.Errorf("%s prints %q", args, stderr)
		}
	}
}

// TestDataIsMissing wants the flag to be named where neither it nor a variable names the database.
func TestDataIsMissing(t *testing.T) {
	t.Setenv(dataVariable, "")
	for _, command := range []string{"records", "rooms", "keys list", "serve"} {
		if _, stderr := runs(t, exitUsage, strings.Fields(command)...); !strings.Contains(stderr, "--data") {
			t.Errorf("%s prints %q", command, stderr)
		}
	}
}

// TestRoomNamesAreChecked refuses a name that would lead out of the folder of footage.
func TestRoomNamesAreChecked(t *testing.T) {
	t.Setenv(dataVariable, emptyState(t))
	if _, stderr := runs(t, exitUsage, "rooms", "set", "../504"); !strings.Contains(stderr, "../504") {
		t.Errorf("rooms set prints %q", stderr)
	}
}

// TestSecretsByFile reads the address of the database from a file, and warns of one in the arguments.
func TestSecretsByFile(t *testing.T) {
	dir := emptyState(t)
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte("sqlite:"+filepath.Join(dir, "nvr.db")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr := runs(t, exitDone, "records", "--json", "--database-file", file); stdout != "[]\n" {
		t.Errorf("with a file: %q, %q", stdout, stderr)
	}
	const dsn = "user:hunter2@nonsense"
	if _, stderr := runs(t, exitFailed, "records", "--database", dsn); !strings.Contains(stderr, "--database-file") {
		t.Errorf("a password in the arguments: %q", stderr)
	}
}

// TestTableFits wants the widest columns shortened until a row fits, and whole cells without a terminal.
func TestTableFits(t *testing.T) {
	t.Parallel()
	list := &table{header: []string{"ID", "TITLE", "REMARK"}}
	list.add("1", strings.Repeat("t", 40), strings.Repeat("r", 30))
	if diff := cmp.Diff([]int{2, 40, 30}, list.widths(0)); diff != "" {
		t.Errorf("without a terminal:\n%s", diff)
	}
	if diff := cmp.Diff([]int{2, 22, 22}, list.widths(50)); diff != "" {
		t.Errorf("on 50 columns:\n%s", diff)
	}
	if diff := cmp.Diff([]int{2, shortestCell, shortestCell}, list.widths(10)); diff != "" {
		t.Errorf("on 10 columns:\n%s", diff)
	}
	var out strings.Builder
	list.color = func(string) string { return red }
	if err := list.write(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), red+"ID  "+plain+"TITLE") {
		t.Errorf("the coloured table is %q", out.String())
	}
	if got := shorten("лекция по алгебре", 8); got != "лекция…" {
		t.Errorf("the shortened text is %q", got)
	}
}

// TestWrap wants lines of at most the width, and the text's own lines apart.
func TestWrap(t *testing.T) {
	t.Parallel()
	got := wrap("one two three\nfour", "  ", 9)
	if diff := cmp.Diff("  one two\n  three\n  four\n", got); diff != "" {
		t.Error(diff)
	}
}
