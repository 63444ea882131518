package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var cyrillic = regexp.MustCompile(`\p{Cyrillic}`)

// TestHelpInRussian wants every flag of every command in the user's language, and the same flags in both.
func TestHelpInRussian(t *testing.T) {
	commands := []string{
		"merge", "presence", "sample", "serve", "records", "retry", "rooms", "rooms list", "rooms set", "rooms import", "keys",
		"keys add", "keys import", "keys list", "keys revoke", "erase", "backup", "restore", "verify", "doctor", "completion", "man", "version",
	}
	for _, command := range commands {
		flags := map[string][]string{}
		for _, lang := range []string{"C.UTF-8", "ru_RU.UTF-8"} {
			t.Setenv("LC_ALL", lang)
			stdout, _ := runs(t, exitDone, append(strings.Fields(command), "--help")...)
			lines := strings.Split(stdout, "\n")
			for i, line := range lines {
				name, isFlag := strings.CutPrefix(line, "  --")
				if !isFlag {
					continue
				}
				name, _, _ = strings.Cut(name, " ")
				flags[lang] = append(flags[lang], name)
				if got := cyrillic.MatchString(lines[i+1]); got != (lang != "C.UTF-8") {
					t.Errorf("%s --%s in %s: %s", command, name, lang, lines[i+1])
				}
			}
			if cyrillic.MatchString(lines[0]) != (lang != "C.UTF-8") {
				t.Errorf("%s --help in %s begins with %q", command, lang, lines[0])
			}
			if strings.Contains(stdout, "⟦") {
				t.Errorf("%s --help in %s lacks a text:\n%s", command, lang, stdout)
			}
		}
		if diff := cmp.Diff(flags["C.UTF-8"], flags["ru_RU.UTF-8"]); diff != "" || len(flags["C.UTF-8"]) == 0 {
			t.Errorf("flags of %s in English and Russian:\n%s", command, diff)
		}
	}
	t.Setenv("LC_ALL", "ru_RU.UTF-8")
	if stdout, _ := runs(t, exitDone, "help"); !cyrillic.MatchString(stdout) {
		t.Errorf("help is %s", stdout)
	}
}
