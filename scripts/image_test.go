package scripts_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestImageHasThePackagesOfTheTests compares the packages of the image with those of the root in
// which the engine's tests run (scripts/debian13). Time zones are excepted, because the programs
// contain them.
func TestImageHasThePackagesOfTheTests(t *testing.T) {
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
		t.Fatal("the lists of packages were not found")
	}
	image, root := strings.Fields(string(installed[1])), strings.Split(string(tested[1]), ",")
	root = slices.DeleteFunc(root, func(name string) bool { return name == "tzdata" })
	slices.Sort(image)
	slices.Sort(root)
	if !slices.Equal(image, root) {
		t.Errorf("image: %v, tests: %v", image, root)
	}
	for _, want := range []string{
		"ARG DEBIAN_DIGEST\n",
		"FROM golang:1.26-trixie${GO_DIGEST:+@${GO_DIGEST}} AS programs\n",
		"FROM debian:trixie-slim${DEBIAN_DIGEST:+@${DEBIAN_DIGEST}} AS root\n",
		"USER 65532:65532",
		"FROM scratch",
	} {
		if !strings.Contains(string(dockerfile), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}
