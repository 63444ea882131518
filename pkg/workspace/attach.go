package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// maxAttachments is what an event may have.
const maxAttachments = 25

// Attach puts a file at an event, once, keeping what others put there. The organiser's event is the one
// that is changed, also where the room is only invited; if that cannot be written, the room's own copy.
// Where attachments cannot be used, the link goes into the description, between two lines in the room's
// language (a tag of the catalogue; one that it does not hold means English). A copy takes neither, unless
// its guests may modify it. No mail is sent. [ErrNotFound]: the event is gone or cancelled;
// [fault.PermanentError]: no account may write it.
func (c *Client) Attach(ctx context.Context, calendarID, eventID string, file Attachment, language string) error {
	own := c.options.Subjects.Calendar
	here := place{subject: own, calendar: calendarID, event: eventID}
	event, err := c.event(ctx, own, calendarID, eventID)
	if err != nil {
		return err
	}
	shown := eventOf(event, calendarID)
	if carries(event, file) {
		return nil
	}
	if organizer := shown.OrganizerCalendar(calendarID); organizer != calendarID && !shown.Cancelled() {
		err := c.attachAt(ctx, c.organizersEvent(organizer, shown), file, language)
		denied := fault.KindOf(err) == fault.Permanent || errors.Is(err, ErrNotFound)
		if err == nil || !denied {
			return err
		}
		c.options.Log.InfoContext(ctx, "the organiser's event cannot be written, taking the room's copy",
			"calendar", calendarID, "event_id", eventID, "err", err)
	}
	return c.attachAt(ctx, here, file, language)
}

// place is one copy of an event, and who may write there.
type place struct{ subject, calendar, event string }

// organizersEvent is the event that a room's copy is a copy of. Google gives both the same id, unless
// the organiser's calendar is another product's.
func (c *Client) organizersEvent(organizer string, copied Event) place {
	at := place{subject: organizer, calendar: organizer, event: copied.ID}
	if strings.HasSuffix(organizer, ".calendar.google.com") { // a calendar of a group or a resource is no person to act for
		at.subject = c.options.Subjects.Calendar
	}
	return at
}

// attachAt reads, adds and writes on condition that the event did not change meanwhile, until that holds.
func (c *Client) attachAt(ctx context.Context, at place, file Attachment, language string) error {
	for try := 1; ; try++ {
		event, err := c.event(ctx, at.subject, at.calendar, at.event)
		if err != nil {
			return err
		}
		switch {
		case event.Status == "cancelled":
			return fmt.Errorf("event %s is cancelled: %w", at.event, ErrNotFound)
		case len(event.Recurrence) > 0:
			return fmt.Errorf("event %s became a series: %w", at.event, ErrNotFound)
		case carries(event, file):
			return nil
		}
		kept, err := c.addAttachment(ctx, at, event, file)
		if err == nil && !kept {
			err = c.addToDescription(ctx, at, event, file, language)
		}
		if !errors.Is(err, ErrChanged) || try == etagTries {
			return err
		}
		if err := c.wait(ctx, time.Duration(try)*50*time.Millisecond); err != nil {
			return err
		}
	}
}

// addAttachment reports whether the event has the file now. It has not where attachments cannot be used.
func (c *Client) addAttachment(ctx context.Context, at place, event *calendar.Event, file Attachment) (kept bool, err error) {
	if len(event.Attachments) >= maxAttachments {
		return false, nil
	}
	list := append(
		slices.Clone(event.Attachments),
		&calendar.EventAttachment{FileUrl: file.URL, Title: file.Title, MimeType: file.MIME},
	)
	changed, err := c.patch(ctx, at, event.Etag, &calendar.Event{Attachments: list})
	if fault.KindOf(err) == fault.Permanent && !isOrganizersOnly(err) {
		c.options.Log.InfoContext(
			ctx, "an event takes no attachment",
			"event_id", at.event,
			"err", err,
		)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !carries(changed, file) {
		event.Etag = changed.Etag
		return false, nil
	}
	return true, nil
}

// isOrganizersOnly reports whether only the organiser may write an event, its description included
// (developers.google.com/workspace/calendar/api/guides/errors).
func isOrganizersOnly(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && reasonOf(answer) == "forbiddenForNonOrganizer"
}

func (c *Client) addToDescription(ctx context.Context, at place, event *calendar.Event, file Attachment, language string) error {
	_, err := c.patch(
		ctx,
		at,
		event.Etag,
		&calendar.Event{Description: withLink(
			c.options.Texts,
			event.Description,
			file.URL,
			language,
		)},
	)
	return err
}

func (c *Client) patch(ctx context.Context, at place, etag string, change *calendar.Event) (*calendar.Event, error) {
	seat, err := c.as(ctx, at.subject)
	if err != nil {
		return nil, err
	}
	var changed *calendar.Event
	err = c.do(ctx, "calendar.events.patch", fmt.Sprintf("write event %s of calendar %s", at.event, at.calendar), func(ctx context.Context) (err error) {
		call := seat.calendar.Events.Patch(at.calendar, at.event, change).Context(ctx).
			SupportsAttachments(true).SendUpdates("none").Fields(eventFields)
		call.Header().Set("If-Match", etag) // a repeated write whose first answer was lost fails here, and is looked for
		changed, err = call.Do()
		return err
	})
	return changed, err
}

// carries reports whether an event shows the file already, in either way.
func carries(event *calendar.Event, file Attachment) bool {
	return slices.ContainsFunc(event.Attachments, file.isAttached) ||
		file.URL != "" && strings.Contains(event.Description, file.URL)
}

// isAttached reports whether an attachment of an event is the file.
func (f Attachment) isAttached(a *calendar.EventAttachment) bool {
	return a.FileId == f.FileID || a.FileUrl == f.URL || fileIDIn(a.FileUrl) == f.FileID
}

// fileIDIn is the Drive file's id in an address like https://drive.google.com/file/d/ID/view or
// …/open?id=ID; empty if there is none.
func fileIDIn(address string) string {
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if _, rest, ok := strings.Cut(at.Path, "/d/"); ok {
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	return at.Query().Get("id")
}

// markers returns the lines around the links in a description. They must not read as a course code or an
// opt-out.
func markers(texts *i18n.Localizer) (first, last string) {
	return texts.T("notice.block.first"), texts.T("notice.block.last")
}

// withLink is a description with a link between our markers, after the links that stand there already.
func withLink(texts *i18n.Catalog, description, link, language string) string {
	newline := "\n"
	if strings.Contains(description, "<br") || strings.Contains(description, "<p>") {
		newline = "<br>"
	}
	for _, each := range append([]string{language}, texts.Languages()...) {
		first, last := markers(texts.For(each))
		start := strings.Index(description, first)
		if start < 0 {
			continue
		}
		if end := strings.Index(description[start:], last); end >= 0 {
			at := start + end
			return description[:at] + link + newline + description[at:]
		}
	}
	first, last := markers(texts.For(language))
	block := first + newline + link + newline + last
	if description == "" {
		return block
	}
	return description + newline + newline + block
}
