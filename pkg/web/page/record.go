package page

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// recordPage is a record with the form that changes it.
type recordPage struct {
	Item    recordItem
	Said    string // result of the button that was just pressed
	Errors  []fieldText
	Edit    *recordForm // nil: the record cannot be changed
	Layouts []choice
	Until   string // until when the record can be changed, in words; empty: for ever

	Delivered   bool // there is a video, which is made again
	CanTakeBack bool
	CanRestore  bool
	CanRelease  bool
	CanPost     bool
	// CanChooseCourse is set if the reader may have the video posted in a course.
	CanChooseCourse bool
}

// Error returns what is wrong with one field. It is empty if nothing is.
func (p *recordPage) Error(field string) string { return errorOf(p.Errors, field) }

// recordForm is what the form holds. Times are those of the record's day, to the second.
type recordForm struct {
	Tag                               string // of the request that the reader sees
	Start, End, Title, Layout, Course string
	Forget                            bool
}

const toSecond = "15:04:05"

// formOf returns the form as a record fills it in.
func formOf(r *nvr.Record, zone *time.Location) *recordForm {
	form := &recordForm{
		Tag:    records.RequestTag(r),
		Start:  r.StartTime,
		End:    r.EndTime,
		Title:  r.Title,
		Layout: string(r.Layout),
		Forget: true,
	}
	if start, end, err := r.Window(zone); err == nil {
		form.Start, form.End = start.Format(toSecond), end.Format(toSecond)
	}
	if r.Edits.Course != nil {
		form.Course = *r.Edits.Course
	}
	return form
}

// showRecord is GET /recordings/{id}.
func (s *site) showRecord(w http.ResponseWriter, r *http.Request) {
	record, ok := s.Records.Owned(w, r, s.failPage)
	if !ok {
		return
	}
	s.renderRecord(w, r, http.StatusOK, &record, recordPage{Said: s.said(r)})
}

// renderRecord answers with the page of a record. A form that is set stays as it is.
func (s *site) renderRecord(w http.ResponseWriter, r *http.Request, status int, record *nvr.Record, p recordPage) {
	view, err := s.Records.View(r.Context(), record) // reads its report, too
	if err != nil {
		s.serverError(w, r, "read a record's room", err)
		return
	}
	rooms, err := s.Records.CachedRooms(r.Context(), *record)
	if err != nil {
		s.serverError(w, r, "read a record's room", err)
		return
	}
	l, zone := s.localizer(r), rooms.Zone(record.Room)
	p.Item = s.item(l, record, zone, false)
	p.Item.Back = r.URL.Path
	p.Item.Change = ""
	taken := record.Edits.TakenBack != ""
	p.Delivered = record.Link != ""
	if p.Edit == nil && !taken && view.State != records.Withdrawn {
		p.Edit = formOf(record, zone)
	}
	for _, layout := range []nvr.Layout{"", nvr.LayoutSide, nvr.LayoutStage} {
		name := string(layout)
		if layout == "" {
			name = "room"
		}
		p.Layouts = append(p.Layouts, choice{Value: string(layout), Text: l.T("page.record.layout." + name)})
	}
	if start, _, err := record.Window(zone); err == nil {
		if until := s.Records.ChangeableUntil(start); !until.IsZero() {
			p.Until = l.T("page.record.until", "date", until.Format(time.DateOnly))
		}
	}
	caller := auth.CallerOf(r)
	p.CanTakeBack, p.CanRestore = record.FileID != "" && !taken, taken && (caller.Operator || !record.Edits.Barred)
	p.CanChooseCourse = records.MayChooseCourse(caller, record)
	p.CanRelease = record.Held && !taken && view.State != records.Withdrawn
	p.CanPost = view.State == records.Done && !record.Held &&
		(view.CourseState == records.CourseNotFound || view.CourseState == records.CourseRefused)
	s.render(w, r, status, "record", frame{
		Title: l.T("page.record.title"),
		Nav:   "recordings",
		Body:  &p,
	})
}

// postRecord is POST /recordings/{id}: the form of the record's page. Fields that were not changed change nothing.
func (s *site) postRecord(w http.ResponseWriter, r *http.Request) {
	record, ok := s.Records.Owned(w, r, s.failPage)
	if !ok {
		return
	}
	rooms, err := s.Records.CachedRooms(r.Context(), record)
	if err != nil {
		s.serverError(w, r, "read a record's room", err)
		return
	}
	zone := rooms.Zone(record.Room)
	if err := r.ParseForm(); err != nil {
		s.failPage(w, r, httpapi.FormStatus(err), "")
		return
	}
	form := recordForm{
		Tag:    formText(r, "tag"),
		Start:  formText(r, "start"),
		End:    formText(r, "end"),
		Title:  formText(r, "title"),
		Layout: formText(r, "layout"),
		Course: formText(r, "course"),
		Forget: formText(r, "forget") != "",
	}
	if !r.PostForm.Has("course") { // the page had no such field
		form.Course = formOf(&record, zone).Course
	}
	edit, found := form.edit(&record, zone)
	if len(found) == 0 && edit == (records.Edit{}) {
		s.backToRecord(w, r, saidUnchanged)
		return
	}
	if len(found) == 0 {
		matches := func(r *nvr.Record) bool { return records.RequestTag(r) == form.Tag }
		_, err = s.Records.Edit(r.Context(), auth.CallerOf(r), record.ID, edit, matches)
		var refused *records.EditRefused
		switch {
		case err == nil:
			s.backToRecord(w, r, saidChanged)
			return
		case errors.As(err, &refused):
			found = refused.Fields
		case errors.Is(err, records.ErrFootageGone):
			found = []records.FieldError{{Field: "start", Code: "expired"}}
		case errors.Is(err, store.ErrQuota):
			found = []records.FieldError{{Field: "start", Code: "quota"}}
		case errors.Is(err, records.ErrEdited), errors.Is(err, store.ErrConflict):
			s.backToRecord(w, r, saidCannot)
			return
		default:
			s.serverError(w, r, "change a record", err)
			return
		}
	}
	errorsOf := fieldTexts(s.localizer(r), found)
	s.renderRecord(w, r, http.StatusBadRequest, &record, recordPage{Edit: &form, Errors: errorsOf})
}

// edit returns what the form changes of a record, and what is wrong with its fields.
func (f *recordForm) edit(r *nvr.Record, zone *time.Location) (edit records.Edit, found []records.FieldError) {
	was := formOf(r, zone)
	at := func(field, text, before string) *time.Time {
		if text == before {
			return nil
		}
		for _, layout := range []string{toSecond, "15:04"} {
			if read, err := time.ParseInLocation(time.DateOnly+" "+layout, r.Date+" "+text, zone); err == nil {
				return &read
			}
		}
		found = append(found, records.FieldError{Field: field, Code: "time"})
		return nil
	}
	edit.Start, edit.End = at("start", f.Start, was.Start), at("end", f.End, was.End)
	if f.Title != was.Title {
		edit.Title = &f.Title
	}
	if layout := nvr.Layout(f.Layout); f.Layout != was.Layout && (layout == "" || layout.Known()) {
		edit.Layout = &layout
	}
	edit.Forget = f.Forget && edit != (records.Edit{})
	if f.Course != was.Course && !records.IsSearchText(f.Course) {
		found = append(found, records.FieldError{Field: "course", Code: "text"})
	} else if f.Course != was.Course {
		edit.Course = &f.Course
	}
	return edit, found
}

// backToRecord leads to the page of the record, which says what became of a button.
func (s *site) backToRecord(w http.ResponseWriter, r *http.Request, said string) {
	http.Redirect(w, r, r.URL.Path+"?said="+said, http.StatusSeeOther)
}

// takeBack is POST /recordings/{id}/takeback.
func (s *site) takeBack(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidTakenBack, byCaller(r, s.Records.Store.Requests.TakeBack))
}

// restore is POST /recordings/{id}/restore.
func (s *site) restore(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidRestored, byCaller(r, s.Records.Store.Requests.Restore))
}

// byCaller returns a change of a record by the caller of a request, which may depend on whether that is an operator.
func byCaller(
	r *http.Request, change func(ctx context.Context, id int64, operator bool) error,
) func(context.Context, int64) error {
	operator := auth.CallerOf(r).Operator
	return func(ctx context.Context, id int64) error { return change(ctx, id, operator) }
}

// release is POST /recordings/{id}/release.
func (s *site) release(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidReleased, s.Records.Store.Requests.Release)
}

// postAgain is POST /recordings/{id}/post.
func (s *site) postAgain(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidPosted, s.Records.Store.Requests.Post)
}
