package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// emptyState is a folder with a database as serve makes it, and nothing in it.
func emptyState(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := storetest.Open(t, "sqlite:"+filepath.Join(dir, "nvr.db"), store.Options{SingleProcess: true}).Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWrongArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	dir := emptyState(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"records", "--limit", "-1"}, "--limit -1"},
		{[]string{"records", "all"}, `"all"`},
		{[]string{"rooms", "set", "505", "--language", "xx"}, `--language "xx"`},
		{[]string{"rooms", "set", "505", "--segment-length", "-3m"}, "--segment-length -3m"},
		{[]string{"rooms", "set", "505", "--segment-length", "90s"}, "--segment-length 1m30s"},
		{[]string{"rooms", "set", "505", "--time-zone", "Mars"}, `--time-zone "Mars"`},
		{[]string{"rooms", "set", "505", "--board", "left"}, `"left"`},
		{[]string{"rooms", "set"}, "set NAME"},
		{[]string{"keys", "add", "--email", "nobody"}, `--email "nobody"`},
		{
			[]string{"keys", "add", "--email", "a@example.org", "--expires", "soon"},
			`--expires "soon"`,
		},
		{[]string{"keys", "revoke", "x"}, `"x"`},
		{[]string{"keys"}, "add, import, list, or revoke ID"},
		{[]string{"retry"}, "the ID of one record"},
		{[]string{"serve", "--trusted-proxies", "localhost"}, `--trusted-proxies "localhost"`},
		{[]string{"erase", "--email", "nobody"}, "--email ADDRESS"},
		{[]string{"doctor", "all"}, `"all"`},
	} {
		stdout, stderr := runs(t, exitUsage, append(tt.args, "--data", dir)...)
		if !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "see local "+tt.args[0]) || stdout != "" {
			t.Errorf("%q says %q, want it to name %s", tt.args, stderr, tt.want)
		}
	}
	if stdout, _ := runs(t, exitDone, "rooms", "--data", dir); strings.Contains(stdout, "505") {
		t.Errorf("a room was saved all the same:\n%s", stdout)
	}
}

// TestTheDoctorOfABrokenFolder looks at what is left: serve's note cannot be read, the database can.
func TestTheDoctorOfABrokenFolder(t *testing.T) {
	t.Parallel()
	dir := emptyState(t)
	if err := os.WriteFile(filepath.Join(dir, "environment.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ := runs(t, exitFailed, "doctor", "--data", dir, "--json")
	var said struct {
		OK       bool
		Findings []struct {
			State, What string
			Detail, Way struct{ En, Ru string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || said.OK {
		t.Fatalf("%v:\n%s", err, stdout)
	}
	states := map[string]string{}
	for _, f := range said.Findings {
		states[f.What] = f.State
		if f.What == "configuration" && (!strings.Contains(f.Detail.En, "environment.json") || !strings.Contains(f.Way.Ru, "serve")) {
			t.Errorf("%+v", f)
		}
	}
	if states["configuration"] != "fail" || states["database"] != "ok" || states["serve"] != "warn" {
		t.Errorf("found %v", states)
	}
}

// TestADatabaseThatIsNotReady: each command names the way out, and leaves the folder as it was.
func TestADatabaseThatIsNotReady(t *testing.T) {
	t.Parallel()
	none, unmade := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(unmade, "nvr.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		none:   "serve and the job migrate create it",
		unmade: "start serve once, or run the job migrate",
	} {
		before := names(t, dir)
		for _, args := range [][]string{
			{"records"},
			{"rooms"},
			{"keys", "list"},
			{"retry", "1"},
			{"erase", "--email", "a@example.org"},
		} {
			if _, stderr := runs(t, exitFailed, append(args, "--data", dir)...); !strings.Contains(stderr, want) {
				t.Errorf("%q says %q, want %s", args, stderr, want)
			}
		}
		if stdout, _ := runs(t, exitFailed, "doctor", "--data", dir); !strings.Contains(stdout, "serve") {
			t.Errorf("the doctor says\n%s", stdout)
		}
		if after := names(t, dir); len(after) != len(before) {
			t.Errorf("left %q there", after)
		}
	}
}

// TestServeNamesWhatItLacks starts serve where it cannot work. It says so in one sentence.
func TestServeNamesWhatItLacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, limit, folder, want string }{
		{"files", "ulimit -n 100", dir, "only 100 files"},
		{"a file as folder", "true", file, file + " cannot be used"},
		{"a folder in a file", "true", filepath.Join(file, "data"), filepath.Join(file, "data") + " cannot be used"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			serve := commandLine(t.Context(), "serve", "--data", test.folder, "--listen", "127.0.0.1:0")
			script := test.limit + ` && exec "$0" "$@"`
			serve.Args = append([]string{"sh", "-c", script, serve.Path}, serve.Args[1:]...)
			serve.Path = "/bin/sh"
			out, err := serve.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
				t.Errorf("it ends with %v, want exit code %d", err, exitFailed)
			}
			if text := string(out); !strings.Contains(text, test.want) || strings.Count(text, "\n") != 1 {
				t.Errorf("it says %q, want one line with %q", text, test.want)
			}
		})
	}
}
