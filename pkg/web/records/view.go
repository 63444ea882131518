package records

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// State is the progress of a record in a reader's terms.
type State string

// The states, in the order in which a record passes them.
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

// Ended reports whether a record in this state changes only if a person acts.
func (s State) Ended() bool {
	return s == Done || s == Failed || s == Withdrawn
}

// View is a record as /api/v1 answers it. Empty texts are null.
type View struct {
	ID          int64           `json:"id"`
	Room        string          `json:"room"`
	Title       *string         `json:"title"`
	Start       *string         `json:"start"` // RFC 3339 in the room's zone; null if the row's times are invalid
	End         *string         `json:"end"`
	State       State           `json:"state"`
	Percent     int             `json:"percent"` // of the merge: 0 to 100
	Link        *string         `json:"link"`
	Course      *string         `json:"course"` // in English
	CourseState CourseState     `json:"course_state"`
	Share       *string         `json:"share"`     // in English
	MissingS    *float64        `json:"missing_s"` // seconds, summed over the sources; null: there is no report
	Warnings    json.RawMessage `json:"warnings"`  // of the report; null: there is none
	Reason      json.RawMessage `json:"reason"`    // {en, ru, code, args}

	Revision        int64   `json:"revision"`         // of the video, from 1
	Held            bool    `json:"held"`             // only its requester gets the video, until it is released
	ChangeableUntil *string `json:"changeable_until"` // RFC 3339; null if segments are kept for ever
}

// NewView returns the view of a record at an instant. The zone is its room's.
func (s *Service) NewView(r *nvr.Record, zone *time.Location, now time.Time) View {
	english := s.Catalog.For("en")
	v := View{
		ID:          r.ID,
		Room:        r.Room,
		Title:       httpapi.Nullable(r.Title),
		State:       StateOf(r, zone, now),
		Percent:     percent(r),
		Link:        httpapi.Nullable(r.Link),
		Course:      httpapi.Nullable(english.Cause(i18n.ReadReason(r.Course))),
		CourseState: courseStateOf(r),
		Share:       httpapi.Nullable(english.Cause(i18n.ReadReason(r.Share))),
		Revision:    r.Revision,
		Held:        r.Held,
	}
	if summary := s.Summary(r); summary != nil {
		missing := summary.Seconds()
		v.MissingS, v.Warnings = &missing, summary.Warnings
	}
	if start, end, err := r.Window(zone); err == nil {
		v.Start = httpapi.Nullable(start.Format(time.RFC3339))
		v.End = httpapi.Nullable(end.Format(time.RFC3339))
		if until := s.ChangeableUntil(start); !until.IsZero() {
			v.ChangeableUntil = httpapi.Nullable(until.Format(time.RFC3339))
		}
	}
	if r.Edits.TakenBack != "" {
		v.Link = nil // it leads to the trash
	}
	if reason := s.Catalog.FormatReason(Reason(r)); reason != "" {
		v.Reason = json.RawMessage(reason)
	}
	return v
}

// CourseState is what became of the post in a course.
type CourseState string

// The states of a post.
const (
	CourseNone     CourseState = "none" // none was asked for, or not yet
	CoursePosted   CourseState = "posted"
	CourseNotFound CourseState = "not_found" // no course, or no single one, has the code
	CourseRefused  CourseState = "refused"   // by Classroom
)

// courseStateOf returns what became of a record's post in a course.
func courseStateOf(r *nvr.Record) CourseState {
	if r.Course == "" {
		return CourseNone
	}
	note := i18n.ReadReason(r.Course)
	switch {
	case note == cause.Verbatim(r.Course):
		return CoursePosted // the course's name
	case note.Is(cause.CodeCourseNotFound), note.Is(cause.CodeCourseAmbiguous):
		return CourseNotFound
	case note.Is(cause.CodeEventGone), note.Is(cause.CodeEventMoved), note.Is(cause.CodeOptedOut):
		return CourseNone // a note on the event
	}
	return CourseRefused
}

// Reason returns why a record waits or failed. It is zero if neither.
func Reason(r *nvr.Record) cause.Cause { return r.Reason }

// View returns the view of a record now.
func (s *Service) View(ctx context.Context, r *nvr.Record) (View, error) {
	rooms, err := s.CachedRooms(ctx, *r)
	if err != nil {
		return View{}, err
	}
	s.readSummaries(ctx, []nvr.Record{*r})
	return s.NewView(r, rooms.Zone(r.Room), s.Now()), nil
}

// Encode returns the view of a record now as JSON. The watcher compares it to find changes.
func (s *Service) Encode(ctx context.Context, r *nvr.Record) ([]byte, error) {
	v, err := s.View(ctx, r)
	if err != nil {
		return nil, err
	}
	return httpapi.Encode(v), nil
}

// StateOf returns the state of a record at an instant. The zone is its room's.
func StateOf(r *nvr.Record, zone *time.Location, now time.Time) State {
	if store.Claimable(r) && r.Step != nvr.StepStage {
		return Queued // an operator reset the row, and claim will take it again
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
	return stageState(r, zone, now)
}

// stageState returns the state of a record on step stage. It waits until its end and for footage,
// else it is queued.
func stageState(r *nvr.Record, zone *time.Location, now time.Time) State {
	if r.Processing {
		return Queued // stage checks its footage, or pauses before it does
	}
	if r.DueAt.After(now) {
		return Waiting
	}
	if _, end, err := r.Window(zone); err == nil && end.After(now) {
		return Waiting
	}
	return Queued
}

// percent returns how much of the video is merged, from 0 to 100.
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
