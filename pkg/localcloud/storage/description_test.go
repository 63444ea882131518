package storage_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

var update = flag.Bool("update", false, "write storage-api.json anew from the client library's module")

// TestDescriptionIsGoogles holds the description in the program against the client library's.
func TestDescriptionIsGoogles(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "storage", "v1", "storage-api.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := apidesc.Trim(whole)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("storage-api.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("storage-api.json"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("storage-api.json is not the module's: run the test with -update (%v)", err)
	}
}
