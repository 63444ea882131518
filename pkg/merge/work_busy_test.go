package merge_test

import (
	"os/exec"
	"testing"

	"github.com/nvr-miem/merger/pkg/merge"
)

// TestClosedWorkIsFree: a process that is being forked has a copy of every open file until its exec. The lock
// of a closed folder must not outlive the close in it.
func TestClosedWorkIsFree(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	go func() {
		defer close(started)
		for range 100 {
			if err := exec.CommandContext(t.Context(), "true").Run(); err != nil {
				t.Error(err)
			}
		}
	}()
	dir := t.TempDir()
	for forking := true; forking; {
		select {
		case <-started:
			forking = false
		default:
		}
		work, err := merge.OpenWork(dir)
		if err != nil {
			<-started
			t.Fatal(err)
		}
		if err := work.Close(); err != nil {
			t.Error(err)
		}
	}
}
