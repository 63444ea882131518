package workspace_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/workspace"
)

func TestUploadersShareTheRecords(t *testing.T) {
	t.Parallel()
	alone := workspace.Subjects{Drive: "drive@example.org"}
	if got := alone.Uploader(7); got != "drive@example.org" {
		t.Errorf("without uploaders: %q", got)
	}
	three := workspace.Subjects{Drive: "drive@example.org", Uploaders: []string{"a@example.org", "b@example.org", "c@example.org"}}
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
