package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/drive/v3"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// This file undoes what Share, Attach and Announce did. Each call may be repeated, and what is gone already is no
// error.

// Unshare removes the permissions of a file itself except the owner's. A file in the trash can still be read by
// those who have a permission. A permission that Drive does not let us remove stays.
func (c *Client) Unshare(ctx context.Context, fileID string) error {
	if err := checkID("file", fileID); err != nil {
		return err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return err
	}
	var own []string
	err = c.do(ctx, "drive.permissions.list", "list who may read file "+fileID, func(ctx context.Context) (err error) {
		own, err = ownPermissions(ctx, seat.drive, fileID)
		return err
	})
	for _, id := range own {
		if err != nil {
			break
		}
		err = c.do(ctx, "drive.permissions.delete", "unshare file "+fileID, func(ctx context.Context) error {
			return seat.drive.Permissions.Delete(fileID, id).Context(ctx).SupportsAllDrives(true).Do()
		})
		if fault.KindOf(err) == fault.Permanent {
			c.options.Log.WarnContext(ctx, "a permission could not be removed", "file", fileID, "err", err)
			err = nil
		}
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// ownPermissions lists the permissions of a file that can be removed: not the owner's, and none of a folder or
// drive above it.
func ownPermissions(ctx context.Context, service *drive.Service, fileID string) (ids []string, err error) {
	err = service.Permissions.List(fileID).SupportsAllDrives(true).PageSize(100).
		Fields("nextPageToken", "permissions(id,role,permissionDetails(inherited))").
		Pages(ctx, func(page *drive.PermissionList) error {
			for _, p := range page.Permissions {
				inherited := len(p.PermissionDetails) > 0 && !slices.ContainsFunc(p.PermissionDetails,
					func(d *drive.PermissionPermissionDetails) bool { return !d.Inherited })
				if p.Role != "owner" && !inherited {
					ids = append(ids, p.Id)
				}
			}
			return nil
		})
	return ids, err
}

// Detach takes a file off an event, from its attachments and from our lines in its description, wherever
// [Client.Attach] may have put it. It returns [fault.PermanentError] if no account may write the event.
func (c *Client) Detach(ctx context.Context, calendarID, eventID string, file Attachment) error {
	own := c.options.Subjects.Calendar
	event, err := c.event(ctx, own, calendarID, eventID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	shown, changed := eventOf(event, calendarID), false
	if organizer := shown.OrganizerCalendar(calendarID); organizer != calendarID {
		err := c.detachAt(ctx, c.organizersEvent(organizer, shown), file)
		denied := fault.KindOf(err) == fault.Permanent || errors.Is(err, ErrNotFound)
		if err != nil && !denied {
			return err
		}
		changed = err == nil
	}
	err = c.detachAt(ctx, place{subject: own, calendar: calendarID, event: eventID}, file)
	if errors.Is(err, ErrNotFound) || changed && fault.KindOf(err) == fault.Permanent {
		return nil // the room's copy follows the organiser's event
	}
	return err
}

// detachAt reads, removes and writes on condition that the event did not change meanwhile, until that holds.
func (c *Client) detachAt(ctx context.Context, at place, file Attachment) error {
	for try := 1; ; try++ {
		event, err := c.event(ctx, at.subject, at.calendar, at.event)
		if err != nil {
			return err
		}
		change := c.withoutFile(event, file)
		if len(change.ForceSendFields) == 0 || event.Status == "cancelled" {
			return nil
		}
		_, err = c.patch(ctx, at, event.Etag, change)
		if !errors.Is(err, ErrChanged) || try == etagTries {
			return err
		}
		if err := c.wait(ctx, time.Duration(try)*50*time.Millisecond); err != nil {
			return err
		}
	}
}

// withoutFile returns the change of an event that takes a file off it. A change that sends no field changes nothing.
func (c *Client) withoutFile(event *calendar.Event, file Attachment) *calendar.Event {
	change := &calendar.Event{}
	kept := slices.DeleteFunc(slices.Clone(event.Attachments), file.isAttached)
	if len(kept) < len(event.Attachments) {
		change.Attachments = kept
		change.ForceSendFields = append(change.ForceSendFields, "Attachments")
	}
	description := withoutLink(c.options.Texts, event.Description, file.URL)
	if description != event.Description {
		change.Description = description
		change.ForceSendFields = append(change.ForceSendFields, "Description")
	}
	return change
}

// withoutLink is a description without a link between our markers. The markers go with the last link.
func withoutLink(texts *i18n.Catalog, description, link string) string {
	if link == "" {
		return description
	}
	for _, language := range texts.Languages() {
		first, last := markers(texts.For(language))
		before, rest, found := strings.Cut(description, first)
		if !found {
			continue
		}
		links, after, found := strings.Cut(rest, last)
		if !found {
			continue
		}
		kept := strings.NewReplacer(link+"\n", "", link+"<br>", "", link, "").Replace(links)
		if strings.TrimSpace(strings.ReplaceAll(kept, "<br>", "")) != "" {
			return before + first + kept + last + after
		}
		for trimmed := ""; trimmed != before; {
			trimmed = before
			before = strings.TrimSuffix(strings.TrimRight(before, "\n"), "<br>")
		}
		return before + after
	}
	return description
}

// Unannounce deletes the announcements of a file in a course, drafts included, as [Client.Announce] makes them.
func (c *Client) Unannounce(ctx context.Context, courseID string, file File) error {
	course, err := c.course(ctx, courseID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	poster, err := c.poster(ctx, course)
	if err != nil {
		return err
	}
	seat, err := c.as(ctx, poster)
	if err != nil {
		return err
	}
	p := &post{client: c, service: seat.classroom, course: course.ID, poster: poster, file: file}
	var ids []string
	what := fmt.Sprintf("look for announcements in course %s", course.ID)
	err = c.do(ctx, "classroom.announcements.list", what, func(ctx context.Context) error {
		ids = nil
		hits, err := p.look(ctx)
		for _, hit := range hits {
			ids = append(ids, hit.Id)
		}
		return err
	})
	for _, id := range ids {
		if err == nil {
			err = p.remove(ctx, id)
		}
	}
	return err
}
