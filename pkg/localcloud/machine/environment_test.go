package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChildEnvironment wants children to inherit listed variables only. PORT is the case that went wrong: a
// developer's PORT made all functions listen on one port.
func TestChildEnvironment(t *testing.T) {
	t.Parallel()
	parent := []string{
		"PATH=/bin", "HOME=/root", "TZ=UTC", "https_proxy=http://proxy", "SSL_CERT_FILE=/ca.pem",
		"GOOGLE_APPLICATION_CREDENTIALS=/key.json", "NVR_TEST=1", "LEASE=1m", "DELEGATE=nvr@example.org",
		"DATABASE=mysql://elsewhere", "PORT=8080", "K_SERVICE=api", "RECORD=7", "OIDC_CLIENT_SECRET=x", "SESSION_KEY=x", "AWS_SECRET_ACCESS_KEY=x", "EDITOR=vi",
	}
	got := childEnvironment(parent, map[string]string{"DATABASE": "sqlite:nvr.db"})
	slices.Sort(got)
	want := []string{
		"DATABASE=sqlite:nvr.db", "DELEGATE=nvr@example.org", "GOOGLE_APPLICATION_CREDENTIALS=/key.json", "HOME=/root",
		"LEASE=1m", "NVR_TEST=1", "PATH=/bin", "SSL_CERT_FILE=/ca.pem", "TZ=UTC", "https_proxy=http://proxy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestKeptEnvironment wants the doctor to read what the machine wrote, and nothing where none has run.
func TestKeptEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if values, err := Environment(dir); values != nil || err != nil {
		t.Errorf("of an empty folder: %v, %v", values, err)
	}
	want := map[string]string{"DATABASE": "sqlite:nvr.db"}
	if err := keepEnvironment(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Environment(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(dir, environmentFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Environment(dir); err == nil || !strings.Contains(err.Error(), environmentFile) {
		t.Errorf("of a broken file: %v", err)
	}
}

// TestKeptSecret wants the same secret from the second start on.
func TestKeptSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := keptSecret(dir, "secret")
	if err != nil {
		t.Fatal(err)
	}
	second, err := keptSecret(dir, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if first == "" || first != second {
		t.Errorf("secrets %q and %q, want the same", first, second)
	}
	if _, err := keptSecret(filepath.Join(dir, "none"), "secret"); err == nil {
		t.Error("a secret in a folder that does not exist was kept")
	}
}

// TestLockFolder wants one machine at a time on a folder.
func TestLockFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(dir); err == nil {
		t.Error("the folder was locked twice")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestSubscriptions wants one push for each topic, and dead letters to fail.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	for _, s := range subscriptions(map[string]string{"stage": "20001", "fail": "20002"}) {
		wantDeadLetters := "fail"
		if s.Name == "fail" {
			wantDeadLetters = ""
		}
		if s.DeadLetterTopic != wantDeadLetters {
			t.Errorf(
				"dead letters of %s go to %q, want %q",
				s.Name, s.DeadLetterTopic, wantDeadLetters,
			)
		}
		if s.Name == "stage" && s.PushURL != "http://127.0.0.1:20001/" {
			t.Errorf("stage is pushed to %s", s.PushURL)
		}
	}
}
