package confine_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/nvr-miem/merger/pkg/confine"
)

// TestEnvironment wants the variables of the list and the given ones, nothing written behind the caller's
// slice, and no environment at all where no variable of the list is set.
func TestEnvironment(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, name := range []string{"HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TESSDATA_PREFIX"} {
		t.Setenv(name, "") // restored at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DATABASE", "mysql://u:hunter2@db/nvr")
	t.Setenv("PATH", "/bin")
	given := []string{"A=1", "B=2"}
	if got, want := confine.Environment(given[:1]...), []string{"PATH=/bin", "A=1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if given[1] != "B=2" {
		t.Errorf("the slice of the caller is %q", given)
	}
	if err := os.Unsetenv("PATH"); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/usr/bin/env")
	child.Env = confine.Environment()
	if out, err := child.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("a child without variables has %d bytes of them, error %v", len(out), err)
	}
}
