package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// Edit is what a person changes of a record's request. A nil field stays as it is.
type Edit struct {
	Start, End *time.Time // whole seconds, on one day of the room
	Title      *string
	Layout     *nvr.Layout // empty: as the room's
	Course     *string     // in place of the event's; empty: none

	// Forget deletes the former versions of the video.
	Forget bool
}

var (
	// ErrEdited reports that the record's request is another one than the caller saw.
	ErrEdited = errors.New("the request was changed meanwhile")
	// ErrFootageGone reports that the segments of a record are deleted.
	ErrFootageGone = errors.New("the footage is gone")
)

// EditRefused is the error of an edit that is not accepted.
type EditRefused struct {
	Fields    []FieldError
	Forbidden bool // to this caller; else to everyone
}

// Error implements error.
func (e *EditRefused) Error() string {
	return "the edit of field " + e.Fields[0].Field + " is refused: " + e.Fields[0].Code
}

// RequestTag names a record's revision and request. Progress does not change it.
func RequestTag(r *nvr.Record) string {
	text := fmt.Sprintf(
		"%d\x00%s\x00%s\x00%s\x00%s\x00%d\x00%d\x00%s",
		r.Revision, r.Title, r.Date, r.StartTime, r.EndTime, r.Edits.StartAfter, r.Edits.EndBefore, r.Layout,
	)
	if r.Edits.Course != nil {
		text += "\x00" + *r.Edits.Course
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// ChangeableUntil returns when the segments of a record that starts at an instant are deleted. It is zero if
// they are kept for ever.
func (s *Service) ChangeableUntil(start time.Time) time.Time {
	if s.Retention == 0 {
		return time.Time{}
	}
	return start.Add(s.Retention)
}

// Edit changes a record's request and has its video made again. matches reports whether the record is the one
// that the caller saw; if not, Edit returns [ErrEdited]. It returns [ErrFootageGone], an [*EditRefused],
// [store.ErrQuota] and, for a withdrawn record, [store.ErrConflict].
func (s *Service) Edit(
	ctx context.Context, caller *auth.Caller, id int64, e Edit, matches func(*nvr.Record) bool,
) (nvr.Record, error) {
	return s.Store.Requests.Edit(ctx, id, func(r nvr.Record) (nvr.Record, error) {
		if !matches(&r) {
			return r, ErrEdited
		}
		room, ok, err := s.Room(ctx, r.Room)
		if err != nil {
			return r, err
		}
		if !ok {
			return r, ErrFootageGone
		}
		if err := s.checkReopening(ctx, caller, &r); err != nil {
			return r, err
		}
		if e.Course != nil && *e.Course != "" && !MayChooseCourse(caller, &r) {
			return r, &EditRefused{Fields: []FieldError{{Field: "course", Code: "course-of-event"}}, Forbidden: true}
		}
		to, err := s.edited(r, e, &room)
		if err != nil {
			return r, err
		}
		denial, err := s.CheckAllowed(ctx, caller, requestOf(&to), &room)
		if err == nil && denial.Code != "" {
			err = &EditRefused{Fields: []FieldError{denial.FieldError}, Forbidden: denial.Forbidden}
		}
		return to, err
	})
}

// MayChooseCourse reports whether a caller may have the video of a record posted in a course of their choice.
// The post is made in the name of the course's owner. So the record must come from an event, whose author could
// have named the course there, unless the caller is an operator or may request in any person's name.
func MayChooseCourse(caller *auth.Caller, r *nvr.Record) bool {
	return isTrusted(caller) || r.EventID != ""
}

// edited returns a record as an edit makes it.
func (s *Service) edited(r nvr.Record, e Edit, room *nvr.Room) (nvr.Record, error) {
	to := r
	if e.Course != nil {
		to.Edits.Course = e.Course
	}
	onlyCourse := e.Start == nil && e.End == nil && e.Title == nil && e.Layout == nil && !e.Forget
	if onlyCourse && r.Step == nvr.StepDone {
		return to, nil // the video stays as it is
	}
	start, end, err := r.Window(room.Zone)
	if err != nil && (e.Start == nil || e.End == nil) {
		return r, &EditRefused{Fields: []FieldError{{Field: "start", Code: "time"}}}
	}
	if e.Start != nil {
		start = e.Start.In(room.Zone)
	}
	if e.End != nil {
		end = e.End.In(room.Zone)
	}
	if until := s.ChangeableUntil(start); !until.IsZero() && s.Now().After(until) {
		return r, ErrFootageGone
	}
	if e.Title != nil {
		to.Title = *e.Title
	}
	if e.Layout != nil {
		to.Layout = *e.Layout
	}
	to.Edits.StartAfter, to.Edits.EndBefore, to.Edits.Forget = start.Second(), (60-end.Second())%60, e.Forget
	full := end.Add(time.Duration(to.Edits.EndBefore) * time.Second)
	to.Date, to.StartTime, to.EndTime = start.Format(time.DateOnly), start.Format("15:04"), full.Format("15:04")
	var found []FieldError
	if full.Format(time.DateOnly) != to.Date {
		found = append(found, FieldError{Field: "end", Code: "end-not-after"})
	} else {
		found = Check(requestOf(&to), room.Zone, s.Now())
	}
	// A row holds no offset: of an hour that the clock repeats it means the first pass.
	from, until, err := to.Window(room.Zone)
	same := err == nil && from.Equal(start) && until.Equal(end)
	if len(found) == 0 && !same {
		found = append(found, FieldError{Field: "start", Code: "time"})
	}
	if len(found) > 0 {
		return r, &EditRefused{Fields: found}
	}
	return to, nil
}

// requestOf returns the request of a row.
func requestOf(r *nvr.Record) Request {
	return Request{
		Room:  r.Room,
		Date:  r.Date,
		Start: r.StartTime,
		End:   r.EndTime,
		Title: r.Title,
		Email: r.UserEmail,
	}
}
