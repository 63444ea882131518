package google_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// journals is the folder testdata/journals: a state as the versions until November 2026 wrote it,
// and what they answered for it.
type journals struct {
	Answers map[string]map[string]any `json:"answers"` // by path
	Session string                    `json:"session"` // of an upload that has its first chunk
	Upload  string                    `json:"upload"`  // the file that the session makes
	Deleted string                    `json:"deleted"` // a file that was deleted
}

// uploadBlob is the content of the session's file, which the test writes.
const uploadBlob = "ea263492249d34d1c2f73cae3e16b6cadcd7"

// TestJournalsAreTakenOver starts on the state of an old version and compares its answers.
func TestJournalsAreTakenOver(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.stop()
	if err := os.CopyFS(w.dir, os.DirFS("testdata/journals")); err != nil {
		// begin has made the same folders, and no file of these names.
		t.Fatal(err)
	}
	content := noise(600_000)
	blob := filepath.Join(w.dir, "drive", "contents", uploadBlob)
	if err := os.WriteFile(blob, content[:256<<10], 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/journals/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var old journals
	if err := json.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start reads what the first took over
		w.start()
		for path, want := range old.Answers {
			got := w.want(200, "GET", path, "").body
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", path, diff)
			}
		}
		w.want(404, "GET", "/drive/v3/files/"+old.Deleted, "")
		w.stop()
	}
	w.start()
	a := w.send(old.Session, content, 256<<10, len(content))
	if a.status != 200 {
		t.Errorf("the upload does not continue: %d %s", a.status, a.text)
	}
	size := w.want(200, "GET", "/drive/v3/files/"+old.Upload+"?fields=size", "").body["size"]
	if want := fmt.Sprint(len(content)); size != want {
		t.Errorf("the file has %v bytes, want %s", size, want)
	}
	left, err := filepath.Glob(filepath.Join(w.dir, "*", "journal*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
