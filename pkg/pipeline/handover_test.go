package pipeline_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// TestMovingOnIsNotLosingTheLease: a worker that has moved a record on holds it no longer, and the next renewal
// finds that out; what is still to be done for the next step is done all the same.
func TestMovingOnIsNotLosingTheLease(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Lease = 3 * time.Millisecond // renewed each millisecond, and each answer takes longer
	w.must(w.faults.Add(faults.Rule{API: "run", Method: faults.Any, Rate: 1, Kind: faults.Slow}))
	w.insert(nil)
	for range 2 { // claim, stage
		a := w.next()
		w.must(w.live(&process{}, a.do))
		w.after(a)
	}
	status, answer := exchange(t, "", http.MethodGet, w.jobs()+"/v2/"+mergeJob+"/executions", nil)
	if executions, _ := answer["executions"].([]any); len(executions) != 1 {
		t.Errorf(
			"the record is on step %s, and there are executions %v (%d)",
			w.row().Step, executions, status,
		)
	}
}
