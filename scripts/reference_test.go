package scripts_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/nvr-miem/merger/pkg/config"
)

// buildLocal builds the command line once and returns its path. The program stays in .cache, so
// that the next run of the tests links it only after a change.
var buildLocal = sync.OnceValues(func() (string, error) {
	program, err := filepath.Abs("../.cache/docs-test/local")
	if err != nil {
		return "", fmt.Errorf("find the program's path: %w", err)
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../jobs/local")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build jobs/local: %w\n%s", err, out)
	}
	return program, nil
})

// helpOf returns the English help of a command of bin/local.
func helpOf(t *testing.T, command ...string) string {
	t.Helper()
	program, err := buildLocal()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), program, append(command, "--help")...)
	run.Env = []string{"LANG=C.UTF-8"}
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v --help: %v", command, err)
	}
	return string(out)
}

// commandList matches the heading above the list of commands in a help text.
var commandList = regexp.MustCompile(`(?m)^[A-Za-z ]*[Cc]ommands:\n`)

// subcommands returns the commands that a help text lists, and nil if it has no list.
func subcommands(help string) []string {
	list := help
	if heading := commandList.FindStringIndex(help); heading != nil {
		list, _, _ = strings.Cut(help[heading[1]:], "\n\n")
	} else if !strings.Contains(help, "\n  local ") {
		return nil
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^  (?:local )?([a-z]+)  +\S`).FindAllStringSubmatch(list, -1) {
		names = append(names, match[1])
	}
	return names
}

// commandsOf returns the commands of bin/local.
func commandsOf(t *testing.T) []string {
	t.Helper()
	names := subcommands(helpOf(t))
	if len(names) < 10 {
		t.Fatalf("the help lists only %v", names)
	}
	return append(names, "help")
}

// section returns the part of a page from a heading to the next one of its level.
func section(page, heading string) string {
	_, rest, _ := strings.Cut(page, "\n## "+heading+"\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// TestCommandsAndFlagsAreDocumented checks that docs/cli.md has a section for each command of
// bin/local, and that the section names each flag of the command. Flags of many commands stand in a
// section of their own.
func TestCommandsAndFlagsAreDocumented(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/cli.md")
	common := section(page, "Commands beside a server")
	for _, name := range commandsOf(t) {
		if name == "help" {
			continue
		}
		text := section(page, "local "+name)
		if text == "" {
			t.Errorf("docs/cli.md has no section %q", "local "+name)
			continue
		}
		help := helpOf(t, name)
		if commandList.MatchString(help) {
			for _, subcommand := range subcommands(help) {
				if !strings.Contains(text, name+" "+subcommand) {
					t.Errorf("docs/cli.md, local %s: no %s", name, subcommand)
				}
				help += helpOf(t, name, subcommand)
			}
		}
		flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`)
		for _, match := range flag.FindAllStringSubmatch(help, -1) {
			documented := regexp.MustCompile("`" + match[1] + "[` ]")
			if match[1] != "--help" && !documented.MatchString(text) && !documented.MatchString(common) {
				t.Errorf("docs/cli.md, local %s: no %s", name, match[1])
			}
		}
	}
}

// TestVariablesAreDocumented checks that docs/configuration.md names each environment variable with
// its default.
func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/configuration.md")
	settings := reflect.TypeFor[config.Config]()
	for i := range settings.NumField() {
		name, initial, _ := strings.Cut(settings.Field(i).Tag.Get("env"), ", default=")
		line := regexp.MustCompile("(?m)^.*`" + name + "`.*$").FindString(page)
		if line == "" {
			t.Errorf("docs/configuration.md has no %s", name)
			continue
		}
		fromOutside := !strings.HasPrefix(line, "|") // Cloud Run or stage sets it
		if initial != "" && !fromOutside && !strings.Contains(line, "`"+initial+"`") {
			t.Errorf("docs/configuration.md: the default of %s is %s: %s", name, initial, line)
		}
	}
}

// TestCallsAreDocumented checks that docs/api.md names each call of /api/v1.
func TestCallsAreDocumented(t *testing.T) {
	t.Parallel()
	var description struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal([]byte(read(t, "../pkg/web/v1/openapi.yaml")), &description); err != nil {
		t.Fatal(err)
	}
	page := section(read(t, "../docs/api.md"), "/api/v1")
	for path, methods := range description.Paths {
		for method := range methods {
			if method == "parameters" {
				continue
			}
			call := "`" + strings.ToUpper(method) + " " + path
			if !strings.Contains(page, call+"`") && !strings.Contains(page, call+"?") {
				t.Errorf("docs/api.md has no %s`", call)
			}
		}
	}
}
