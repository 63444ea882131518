package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const updateEdit = `update records set event_name = ?, date = ?, start_time = ?, end_time = ?, edits = ?,
 revision = ?, layout = ?, asked_at = ?, dated = '', step = ?, failed_step = '', attempt = attempt + 1, turn = 0,
 holder = '', lease_until = ?, due_at = 0, tries = 0, starts = 0, done = ?, processing = 0, reason = null,
 cause = null` + snapshot + ` and revision = ?`

// Edit changes the title, the date, the times, the layout and the edits of a record to those that change returns,
// and sets the record free. If the video stays as it is and only its course changed, the record goes to step link
// instead. Its worker becomes stale. The revision of a record whose video was delivered grows by
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
		step, until := nvr.StepStage, int64(0)
		if r.Step == nvr.StepDone && sameVideo(r, &to) {
			step, until = nvr.StepLink, s.nowMs()-1
		}
		args := []any{
			null(to.Title),
			to.Date,
			to.StartTime,
			to.EndTime,
			string(edits),
			revision,
			string(to.Layout),
			s.nowMs(),
			step,
			until,
			bit(step == nvr.StepLink),
		}
		return updateEdit, append(append(args, snapshotArgs(r)...), r.Revision), nil
	})
	if err != nil {
		return nvr.Record{}, err
	}
	return s.record(ctx, id)
}

// sameVideo reports whether two versions of a record have one video, under another course.
func sameVideo(r, to *nvr.Record) bool {
	return r.Title == to.Title && r.Layout == to.Layout && !to.Edits.Forget &&
		r.Date == to.Date && r.StartTime == to.StartTime && r.EndTime == to.EndTime &&
		r.Edits.StartAfter == to.Edits.StartAfter && r.Edits.EndBefore == to.Edits.EndBefore &&
		to.Edits.Course != nil && (r.Edits.Course == nil || *r.Edits.Course != *to.Edits.Course)
}
