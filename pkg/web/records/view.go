package records

import (
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// State is where a record is, in a reader's words.
type State string

// The states, in the order of the way.
const (
	Waiting   State = "waiting" // for its end, or for footage
	Queued    State = "queued"
	Merging   State = "merging"
	Uploading State = "uploading"
	Linking   State = "linking"
	Done      State = "done"
	Failed    State = "failed"
	Withdrawn State = "withdrawn"
)

// recordView is a record of /api/v1.
type View struct {
	ID      int64       `json:"id"`
	Room    string      `json:"room"`
	Title   *string     `json:"title"`
	Start   *string     `json:"start"` // RFC 3339 in the room's zone; null if the row's cannot be read
	End     *string     `json:"end"`
	State   State       `json:"state"`
	Percent int         `json:"percent"`
	Link    *string     `json:"link"`
	Course  *string     `json:"course"`
	Share   *string     `json:"share"`
	Reason  *nvr.Reason `json:"reason"`
}

// view shows a record at an instant; zone is its room's.
func NewView(r *nvr.Record, zone *time.Location, now time.Time) View {
	v := View{ID: r.ID, Room: r.Room, Title: httpapi.Nullable(r.Title), State: StateOf(r, zone, now), Percent: percent(r),
		Link: httpapi.Nullable(r.Link), Course: httpapi.Nullable(nvr.ReadReason(r.Course).En), Share: httpapi.Nullable(nvr.ReadReason(r.Share).En)}
	if start, end, err := r.Window(zone); err == nil {
		v.Start, v.End = httpapi.Nullable(start.Format(time.RFC3339)), httpapi.Nullable(end.Format(time.RFC3339))
	}
	if r.Reason != (nvr.Reason{}) {
		v.Reason = &r.Reason
	}
	return v
}

// stateOf reads the step; on step stage the clock says whether a record waits for its footage or for
// its turn.
func StateOf(r *nvr.Record, zone *time.Location, now time.Time) State {
	if store.Claimable(r) && r.Step != nvr.StepStage {
		return Queued // a person reset it: it will be made again
	}
	switch r.Step {
	case nvr.StepMerge:
		return Merging
	case nvr.StepUpload:
		return Uploading
	case nvr.StepLink:
		return Linking
	case nvr.StepDone:
		return Done
	case nvr.StepFailed:
		return Failed
	case nvr.StepWithdrawn:
		return Withdrawn
	case nvr.StepStage:
	}
	if r.Processing {
		return Queued // its footage is being looked at, or will be after a pause
	}
	if r.DueAt.After(now) {
		return Waiting
	}
	if _, end, err := r.Window(zone); err == nil && end.After(now) {
		return Waiting
	}
	return Queued
}

// percent is how much of the video is made.
func percent(r *nvr.Record) int {
	switch r.Step {
	case nvr.StepMerge:
		return min(max(r.Progress, 0), 100)
	case nvr.StepUpload, nvr.StepLink, nvr.StepDone:
		return 100
	case nvr.StepStage, nvr.StepFailed, nvr.StepWithdrawn:
	}
	return 0
}

// ended tells whether a state changes no more by itself.
func (s State) Ended() bool { return s == Done || s == Failed || s == Withdrawn }
