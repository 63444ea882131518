package scripts_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheImageHasWhatTheTestsRunOn: the packages of the image are those of the root that the engine's
// tests run in (scripts/debian13), but for time zones, which our programs bring along.
func TestTheImageHasWhatTheTestsRunOn(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	debian, err := os.ReadFile("debian13")
	if err != nil {
		t.Fatal(err)
	}
	installed := regexp.MustCompile(`--no-install-recommends \\\n\s+([a-z -]+)\n`).FindSubmatch(dockerfile)
	tested := regexp.MustCompile(`(?m)^include=(\S+)$`).FindSubmatch(debian)
	if installed == nil || tested == nil {
		t.Fatal("the lists of packages are not where they were")
	}
	image, root := strings.Fields(string(installed[1])), strings.Split(string(tested[1]), ",")
	root = slices.DeleteFunc(root, func(name string) bool { return name == "tzdata" })
	slices.Sort(image)
	slices.Sort(root)
	if !slices.Equal(image, root) {
		t.Errorf("image: %v, tests: %v", image, root)
	}
	for _, want := range []string{"ARG DEBIAN_DIGEST\n", "FROM debian@${DEBIAN_DIGEST}", "USER 65532:65532", "FROM scratch"} {
		if !strings.Contains(string(dockerfile), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}
