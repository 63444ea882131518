package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Effects of a record on the outside, by name: each is looked for before it is made.
const (
	effectAttached = "attached" // subject: the file; value: the event
	effectDone     = "done"     // subject: the channel; value: see noticeState
	effectRevised  = "revised"  // with the revision; subject and value as of done
	effectCleared  = "cleared"  // subject: what was removed from the work bucket; no value
	effectFailed   = "failed"   // with the attempt; subject and value as of done
)

// Link puts the video where people look for it: the event, the course, a notice.
//
// Before: the record is on step link, and the video is on Drive. After: the record is done. A kill
// leaves some of the effects made. Each effect is keyed by the file, and the next worker finds it. A video that
// is taken back is removed from there instead; see takeback.go.
func (p *Pipeline) Link(ctx context.Context, claim nvr.Claim) error {
	return p.work(ctx, job{claim: claim, body: (*worker).link})
}

func (w *worker) link(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, w.p.Settings.PushTimeout)
	defer stop()
	if w.rec.Edits.TakenBack != "" {
		return w.takeBack(ctx)
	}
	file, err := w.p.Workspace.Stat(ctx, w.rec.FileID)
	if errors.Is(err, workspace.ErrNotFound) || err == nil && file.Trashed {
		return &fault.PermanentError{
			Cause: cause.VideoGone(),
			Err:   errors.Join(errVideoGone, err),
		}
	}
	if err != nil {
		return fmt.Errorf("look at the video: %w", err)
	}
	if !w.rec.Held {
		if err := w.publish(ctx, file); err != nil {
			return err
		}
	}
	if err := w.waitUntilPlayable(file); err != nil {
		return err
	}
	if err := w.notifyDone(ctx); err != nil {
		return err
	}
	if err := w.holdBack(ctx); err != nil {
		return err
	}
	return w.finish(ctx)
}

// publish puts the video into the event and the course, unless an event asks by now for no recording of something
// that the video shows. The upload looked before it shared the video; but it may have been held since, or be posted
// again.
func (w *worker) publish(ctx context.Context, file workspace.File) error {
	_, err := w.withheldByMerge(ctx)
	switch {
	case errors.Is(err, errOptedOut), errors.Is(err, errShown):
		w.log.WarnContext(ctx, "not published: an event asks for no recording")
		return w.setCourseNote(ctx, cause.OptedOut(w.rec.Room))
	case err != nil:
		return err
	}
	return w.attachAndAnnounce(ctx, file)
}

// attachAndAnnounce attaches the video to the record's event and announces it in the course that a person chose, or
// else in the event's.
func (w *worker) attachAndAnnounce(ctx context.Context, file workspace.File) error {
	code, named, err := w.attachToEvent(ctx, file)
	if err != nil {
		return err
	}
	chosen := w.rec.Edits.Course
	if chosen != nil {
		code, named = *chosen, true
	}
	if code != "" {
		if err := w.announce(ctx, code, named, file); err != nil {
			return err
		}
	}
	if chosen != nil {
		return w.leaveCourses(ctx, code, file)
	}
	return nil
}

// attachToEvent attaches the video to the record's event. It returns the course that the event names.
func (w *worker) attachToEvent(ctx context.Context, file workspace.File) (code string, named bool, err error) {
	if w.rec.EventID == "" || w.room.Calendar == "" {
		return "", false, nil
	}
	event, err := w.p.Workspace.Event(ctx, w.room.Calendar, w.rec.EventID)
	if errors.Is(err, workspace.ErrNotFound) || err == nil && event.Cancelled() {
		w.log.InfoContext(ctx, "the event is gone: nothing to attach to")
		return "", false, w.setCourseNote(ctx, cause.EventGone())
	}
	if err != nil {
		return "", false, fmt.Errorf("read the event: %w", err)
	}
	if err := w.attach(ctx, file); err != nil {
		return "", false, err
	}
	code, named = calendar.CourseCode(event.Description)
	return code, named, nil
}

// leaveCourses deletes the posts in all courses but the one that a person chose.
func (w *worker) leaveCourses(ctx context.Context, code string, file workspace.File) error {
	if code == "" {
		none := ""
		if err := w.save(ctx, store.Change{Course: &none}); err != nil {
			return err
		}
		return w.unannounce(ctx, file, "")
	}
	course, err := w.p.Workspace.FindCourse(ctx, code, w.p.Settings.Courses)
	unknown := errors.Is(err, workspace.ErrNotFound) || errors.Is(err, workspace.ErrAmbiguous)
	if err != nil && !unknown && fault.KindOf(err) != fault.Permanent {
		return fmt.Errorf("look for the course: %w", err)
	}
	return w.unannounce(ctx, file, course.ID)
}

// setCourseNote stores what became of the course or the event, as text for people.
func (w *worker) setCourseNote(ctx context.Context, note cause.Cause) error {
	course := w.p.Texts.FormatReason(note)
	return w.save(ctx, store.Change{Course: &course})
}

func (w *worker) attach(ctx context.Context, file workspace.File) error {
	if done, err := w.effect(ctx, effectAttached, file.ID); err != nil || done != "" {
		return err
	}
	err := w.p.Workspace.Attach(ctx, w.room.Calendar, w.rec.EventID, workspace.Attachment{
		FileID: file.ID,
		URL:    file.Link,
		Title:  w.fileName(),
		MIME:   "video/mp4",
	}, w.room.Language)
	if fault.KindOf(err) == fault.Permanent {
		w.log.WarnContext(ctx, "the video could not be attached to the event", "err", err)
		return w.setCourseNote(ctx, fault.CauseOf(err))
	}
	if errors.Is(err, workspace.ErrNotFound) {
		return nil // deleted between the two calls; the next delivery notes that the event is gone
	}
	if err != nil {
		return fmt.Errorf("attach the video to the event: %w", err)
	}
	w.log.InfoContext(ctx, "attached", "event_id", w.rec.EventID)
	return w.recordEffect(ctx, effectAttached, file.ID, w.rec.EventID)
}

// effect returns the stored value of an effect of the record. It is empty if there is none.
func (w *worker) effect(ctx context.Context, kind, subject string) (string, error) {
	return w.p.effectOf(ctx, w.rec.ID, kind, subject)
}

// effectOf returns the stored value of an effect of a record. It is empty if there is none.
func (p *Pipeline) effectOf(ctx context.Context, record int64, kind, subject string) (string, error) {
	value, err := p.Store.Effects.Get(ctx, record, kind, subject)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return value, err
}

// recordEffect stores the value of an effect, in place of an earlier one. It returns [fault.ErrStale] if the
// worker no longer holds the record.
func (w *worker) recordEffect(ctx context.Context, kind, subject, value string) error {
	if err := w.p.Store.Leases.Renew(ctx, w.hold, w.p.lease(w.rec.Attempt)); err != nil {
		return err
	}
	was, err := w.p.Store.Effects.Set(ctx, w.rec.ID, kind, subject, value)
	if err != nil || was == value {
		return err
	}
	return w.p.Store.Effects.Replace(ctx, w.rec.ID, kind, subject, was, value)
}

// announce posts the video in the course. It notes in the record that a course cannot be found.
func (w *worker) announce(ctx context.Context, code string, named bool, file workspace.File) error {
	if posted, err := w.effect(ctx, store.EffectPosted, file.ID); err != nil || posted == code {
		return err // a delivery that only waits for the video to play makes no call to Classroom
	}
	course, err := w.p.Workspace.FindCourse(ctx, code, w.p.Settings.Courses)
	switch {
	case !named && (errors.Is(err, workspace.ErrNotFound) || errors.Is(err, workspace.ErrAmbiguous)):
		return nil // a first line that looked like a code and is none
	case errors.Is(err, workspace.ErrNotFound):
		return w.setCourseNote(ctx, cause.CourseNotFound(code))
	case errors.Is(err, workspace.ErrAmbiguous):
		return w.setCourseNote(ctx, cause.CourseAmbiguous(code))
	case err != nil:
		return w.classroomError(ctx, err)
	}
	// The course is noted before a draft is made in it, so that a video that is taken back leaves none.
	stored, err := w.p.Store.Effects.Set(ctx, w.rec.ID, store.EffectAnnounced, course.ID+"/"+file.ID, "")
	if err != nil {
		return err
	}
	id, err := w.p.Workspace.Announce(ctx, course, w.announcement(), file, stored, func(id string) error {
		return w.recordEffect(ctx, store.EffectAnnounced, course.ID+"/"+file.ID, id)
	})
	if err != nil {
		return w.classroomError(ctx, err)
	}
	w.log.InfoContext(ctx, "announced", "course", course.ID, "announcement", id)
	name := course.Name
	if err := w.save(ctx, store.Change{Course: &name}); err != nil {
		return err
	}
	return w.recordEffect(ctx, store.EffectPosted, file.ID, code)
}

// classroomError notes in the record that Classroom refuses the post for good, or that Drive refuses to share
// the video with the poster. It returns every other error.
func (w *worker) classroomError(ctx context.Context, err error) error {
	why, final := refusal(err)
	if !final {
		return fmt.Errorf("post the video in the course: %w", err)
	}
	w.log.WarnContext(ctx, "the video could not be posted in the course", "err", err)
	return w.setCourseNote(ctx, why)
}

// announcement returns the text of the post, in the language of the room.
func (w *worker) announcement() string {
	r := w.rec
	texts := w.p.Texts.For(w.room.Language)
	when := []any{"date", r.Date, "start", r.StartTime, "end", r.EndTime, "room", r.Room}
	if r.Title == "" {
		return texts.T("notice.announcement.untitled", when...)
	}
	return texts.T("notice.announcement.titled", append(when, "title", r.Title)...)
}

// waitUntilPlayable gives the record back until Drive has processed the video, or the longest wait is over.
func (w *worker) waitUntilPlayable(file workspace.File) error {
	now := w.p.Now()
	if file.Playable || !now.Before(file.Created.Add(w.p.Settings.PlayableWait)) {
		return nil
	}
	return &fault.Deferral{Until: now.Add(w.p.Settings.PlayablePoll), Cause: cause.NotPlayableYet()}
}

// finish ends the record and clears the work bucket of what it needs no more.
func (w *worker) finish(ctx context.Context) error {
	if err := w.clear(ctx); err != nil {
		return err
	}
	if err := w.end(ctx, nvr.StepDone, store.Change{}); err != nil {
		return err
	}
	_, end, err := w.rec.Window(w.room.Zone)
	if err != nil {
		return nil // it was merged: its times made sense to another version
	}
	if w.rec.AskedAt.After(end) {
		end = w.rec.AskedAt
	}
	w.log.InfoContext(ctx, "delivered", observe.Delivered(w.p.Now().Sub(end)))
	return nil
}

// clear removes what the record needs no more from the work bucket. Its plans and reports stay, and its parts
// as long as there is footage for a revision, which shares them.
func (w *worker) clear(ctx context.Context) error {
	err := w.clearAll(ctx,
		bucket.HeadsPrefix(w.rec.ID),
		bucket.DamagePrefix(w.rec.ID),
		bucket.MergesPrefix(w.rec.ID),
	)
	if err != nil {
		return err
	}
	return w.clearExpired(ctx)
}

// clearExpired removes the parts of the room's former records whose footage is gone, once for each record. In the
// cloud the bucket's lifecycle does so, too.
func (w *worker) clearExpired(ctx context.Context) error {
	if w.p.Settings.Retention == 0 {
		return nil
	}
	expired := w.p.Now().Add(-w.p.Settings.Retention).In(w.room.Zone)
	former, _, err := w.p.Store.Records.List(ctx, store.Filter{
		Room:  w.rec.Room,
		From:  expired.AddDate(0, 0, -expiredDays).Format(time.DateOnly),
		To:    expired.AddDate(0, 0, -1).Format(time.DateOnly),
		Steps: []nvr.Step{nvr.StepDone},
	}, 0, mostExpired)
	if err != nil {
		return err
	}
	for _, rec := range former {
		if err := w.clearParts(ctx, rec.ID); err != nil {
			return err
		}
	}
	return nil
}

// clearParts removes the parts of a record, unless that was done before.
func (w *worker) clearParts(ctx context.Context, record int64) error {
	const subject = "parts"
	if _, err := w.p.Store.Effects.Get(ctx, record, effectCleared, subject); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := w.clearAll(ctx, bucket.MediaPrefix(record), bucket.PartsPrefix(record)); err != nil {
		return err
	}
	_, err := w.p.Store.Effects.Set(ctx, record, effectCleared, subject, "")
	return err
}

// Records of so many days are looked through for parts, and at most so many of them.
const (
	expiredDays = 14
	mostExpired = 50
)

// clearAll removes everything below prefixes of the work bucket.
func (w *worker) clearAll(ctx context.Context, prefixes ...string) error {
	for _, prefix := range prefixes {
		if err := w.p.Work.DeleteAll(ctx, prefix); err != nil {
			return fmt.Errorf("clear the work bucket: %w", err)
		}
	}
	return nil
}
