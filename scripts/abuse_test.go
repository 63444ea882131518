package scripts_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAbuseNamesTests checks that each test of scripts/abuse exists: go test says nothing of a name that is
// none.
func TestAbuseNamesTests(t *testing.T) {
	t.Parallel()
	lines := regexp.MustCompile(`(?m)^\./(pkg/\S+|functions) (.+)$`).FindAllStringSubmatch(read(t, "abuse"), -1)
	if len(lines) < 10 {
		t.Errorf("only %d lines of tests", len(lines))
	}
	for _, line := range lines {
		files, err := filepath.Glob(filepath.Join("..", line[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, file := range files {
			text.WriteString(read(t, file))
		}
		for name := range strings.FieldsSeq(line[2]) {
			if !strings.Contains(text.String(), "\nfunc "+name+"(") {
				t.Errorf("%s has no test %s", line[1], name)
			}
		}
	}
}
