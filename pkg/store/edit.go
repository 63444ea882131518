package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const updateEdit = `update records set event_name = ?, date = ?, start_time = ?, end_time = ?, edits = ?,
 revision = ?, asked_at = ?, dated = '', step = 'stage', failed_step = '', attempt = attempt + 1, turn = 0,
 holder = '', lease_until = 0, due_at = 0, tries = 0, starts = 0, done = 0, processing = 0, reason = null,
 cause = null` + snapshot + ` and revision = ?`

// Edit changes the title, the date, the times and the edits of a record to those that change returns, and
// sets the record free. Its worker becomes stale. The revision of a record whose video was delivered grows by
// one. change is called again if the record has changed meanwhile; its error ends the edit. Edit returns the
// record, and [ErrConflict] if it is withdrawn or taken back.
func (s Requests) Edit(
	ctx context.Context, id int64, change func(nvr.Record) (nvr.Record, error),
) (nvr.Record, error) {
	err := s.decide(ctx, "edit", id, func(r *nvr.Record) (string, []any, error) {
		if r.Step == nvr.StepWithdrawn || r.Edits.TakenBack != "" {
			return "", nil, fmt.Errorf("it is withdrawn: %w", ErrConflict)
		}
		to, err := change(*r)
		if err != nil {
			return "", nil, err
		}
		asked := r.Asked()
		to.Edits.Asked = &asked
		edits, err := json.Marshal(to.Edits)
		if err != nil {
			return "", nil, err
		}
		revision := r.Revision
		if r.Step == nvr.StepDone || r.Revision > 1 {
			revision++
		}
		args := []any{
			null(to.Title),
			to.Date,
			to.StartTime,
			to.EndTime,
			string(edits),
			revision,
			s.nowMs(),
		}
		return updateEdit, append(append(args, snapshotArgs(r)...), r.Revision), nil
	})
	if err != nil {
		return nvr.Record{}, err
	}
	return s.record(ctx, id)
}
