package main

import (
	"regexp"
	"strings"
	"testing"
)

var cyrillic = regexp.MustCompile(`\p{Cyrillic}`)

// TestHelpInRussian wants every option of every command in the user's language, and the same options
// in both.
func TestHelpInRussian(t *testing.T) {
	for _, command := range []string{"merge", "presence", "sample", "serve", "records", "retry", "rooms", "keys", "erase", "doctor"} {
		options := map[string][]string{}
		for _, lang := range []string{"C.UTF-8", "ru_RU.UTF-8"} {
			t.Setenv("LC_ALL", lang)
			stdout, _ := runs(t, exitDone, command, "--help")
			lines := strings.Split(stdout, "\n")
			for i, line := range lines {
				if !strings.HasPrefix(line, "  --") {
					continue
				}
				name, _, _ := strings.Cut(line[4:], " ")
				options[lang] = append(options[lang], name)
				if got := cyrillic.MatchString(lines[i+1]); got != (lang != "C.UTF-8") {
					t.Errorf("%s --%s in %s: %s", command, name, lang, lines[i+1])
				}
			}
			if cyrillic.MatchString(lines[0]) != (lang != "C.UTF-8") {
				t.Errorf("%s --help in %s begins with %q", command, lang, lines[0])
			}
		}
		if want, got := strings.Join(options["C.UTF-8"], " "), strings.Join(options["ru_RU.UTF-8"], " "); want == "" || want != got {
			t.Errorf("%s has the options %q in one language, %q in the other", command, want, got)
		}
	}
	t.Setenv("LC_ALL", "ru_RU.UTF-8")
	if stdout, _ := runs(t, exitDone, "help"); !cyrillic.MatchString(stdout) {
		t.Errorf("help is %s", stdout)
	}
}
