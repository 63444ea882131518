package workspace_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"

	"github.com/nvr-miem/merger/pkg/workspace"
)

func TestUploadersShareTheRecords(t *testing.T) {
	t.Parallel()
	alone := workspace.Subjects{Drive: "drive@example.org"}
	if got := alone.Uploader(7); got != "drive@example.org" {
		t.Errorf("without uploaders: %q", got)
	}
	three := workspace.Subjects{
		Drive:     "drive@example.org",
		Uploaders: []string{"a@example.org", "b@example.org", "c@example.org"},
	}
	count := map[string]int{}
	for record := range int64(300) {
		count[three.Uploader(record)]++
	}
	for _, uploader := range three.Uploaders {
		if count[uploader] != 100 {
			t.Errorf("%s uploads %d of 300", uploader, count[uploader])
		}
	}
	three.Uploader(-1) // a column of the NVR may hold anything
}

// TestAFullUserIsAskedOnce: while Drive refuses the uploads of one user, the others go on, and he is asked
// less and less often.
func TestAFullUserIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked, full := map[string]int{}, true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("X-Workspace-User")
		asked[user]++
		if user == "a@example.org" && full {
			refuse(w, http.StatusForbidden, "userRateLimitExceeded")
			return
		}
		w.Header().Set("Location", "/session")
	}))
	t.Cleanup(server.Close)
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	c := client(t, workspace.Options{
		Endpoint: server.URL,
		Now:      func() time.Time { return now },
		Pause:    (&pauses{}).pause,
		Subjects: workspace.Subjects{
			Drive:     "d@example.org",
			Uploaders: []string{"a@example.org", "b@example.org"},
		},
	})
	start := func(record int64) time.Duration {
		_, err := c.StartUpload(t.Context(), workspace.Upload{
			FileID: "f1",
			Parent: "p1",
			Size:   1,
			Record: record,
		})
		var later *fault.Deferral
		if err != nil && !errors.As(err, &later) {
			t.Fatal(err)
		}
		if later == nil {
			return 0
		}
		return later.Until.Sub(now)
	}
	for i, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, time.Hour} {
		before := asked["a@example.org"]
		if got := start(2); got != want || asked["a@example.org"] == before {
			t.Errorf("refusal %d: back in %v, want %v", i+1, got, want)
		}
		before = asked["a@example.org"]
		if got := start(4); got != want || asked["a@example.org"] != before {
			t.Errorf(
				"after refusal %d another video: back in %v, want %v, and nobody asked",
				i+1, got, want,
			)
		}
		if start(3) != 0 {
			t.Error("the other user has to wait, too")
		}
		now = now.Add(want)
	}
	full = false
	if start(2) != 0 || start(4) != 0 {
		t.Error("the limit is over, and they wait")
	}
	full = true
	if got := start(2); got != 15*time.Minute {
		t.Errorf("full again: back in %v", got)
	}
}
