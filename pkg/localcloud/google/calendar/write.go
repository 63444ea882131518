package calendar

import (
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// maxAttachments is the most attachments of an event, as at Google.
const maxAttachments = 25

// insert answers events.insert.
func (c *Calendar) insert(call *api.Call) (*api.Answer, error) {
	return c.writeAndShow(call, func() (*event, error) {
		calendar, id := named(call), api.Text(call.Body, "id")
		switch {
		case id == "":
			id = newID()
		case !validID(id):
			return nil, api.Invalid("id", "Invalid resource id value.")
		case c.events.Get(eventKey(calendar, id)) != nil:
			return nil, api.Refuse(
				http.StatusConflict, "duplicate", "The requested identifier already exists.",
			)
		}
		creator := call.User
		if creator == "" {
			// The call names no user: its body may name the creator.
			creator = api.Text(api.Child(call.Raw, "creator"), "email")
		}
		if creator == "" {
			creator = calendar
		}
		o := api.Merge(api.Object{
			"id":        id,
			"iCalUID":   id + "@google.com",
			"status":    "confirmed",
			"sequence":  0,
			"eventType": "default",
			"created":   rfc3339(c.o.Now()),
			"creator":   api.Object{"email": creator},
			"organizer": api.Object{"email": calendar},
		}, wanted(call))
		return c.writeOwn(nil, &event{Calendar: calendar, Resource: o})
	})
}

// importEvent answers events.import: an event whose organizer may be outside.
func (c *Calendar) importEvent(call *api.Call) (*api.Answer, error) {
	return c.writeAndShow(call, func() (*event, error) {
		calendar := named(call)
		id := newID()
		for _, e := range c.events.All() {
			if strings.EqualFold(e.Calendar, calendar) &&
				api.Text(e.Resource, "iCalUID") == api.Text(call.Body, "iCalUID") {
				id = e.id()
			}
		}
		organizer := api.Only(api.Child(call.Raw, "organizer"), "email", "displayName")
		if len(organizer) == 0 {
			organizer = api.Object{"email": calendar}
		}
		o := api.Merge(api.Object{
			"id":        id,
			"iCalUID":   api.Text(call.Body, "iCalUID"),
			"status":    "confirmed",
			"sequence":  0,
			"eventType": "default",
			"created":   rfc3339(c.o.Now()),
			"creator":   organizer,
			"organizer": organizer,
		}, wanted(call))
		o, err := c.checked(o, calendar)
		if err != nil {
			return nil, err
		}
		return c.put(&event{
			Calendar: calendar,
			Resource: o,
			Origin:   "elsewhere",
		}), nil
	})
}

// writeAndShow runs a write inside an update and answers with the resulting event.
func (c *Calendar) writeAndShow(call *api.Call, write func() (*event, error)) (*api.Answer, error) {
	var answer *api.Answer
	err := c.change(func() error {
		how, err := c.wishes(call)
		if err != nil {
			return err
		}
		e, err := write()
		if err == nil {
			answer = &api.Answer{Body: c.show(e, how), Header: http.Header{"Etag": {e.etag()}}}
		}
		return err
	})
	return answer, err
}

// wanted returns the fields that a body sets. Without supportsAttachments a call changes no
// attachments.
func wanted(call *api.Call) api.Object {
	body := api.Only(call.Body, writable()...)
	if !call.Flag("supportsAttachments") {
		delete(body, "attachments")
	}
	if call.Int("conferenceDataVersion", 0) == 0 {
		delete(body, "conferenceData")
	}
	return body
}

// patch answers events.patch and events.update. An update removes the fields that it does not
// name.
func (c *Calendar) patch(call *api.Call) (*api.Answer, error) {
	return c.writeAndShow(call, func() (*event, error) {
		e, err := c.found(call)
		if err != nil {
			return nil, err
		}
		if e.Left {
			return nil, notFound()
		}
		patch := wanted(call)
		if call.Method.HTTPMethod == http.MethodPut {
			patch = replacing(call, patch)
		}
		if e.series() != "" && len(api.List(patch, "recurrence")) > 0 {
			return nil, api.Invalid(
				"recurrence", "An instance of a recurring event has no recurrence.",
			)
		}
		next := merged(e.Resource, patch)
		if e.Origin != "" {
			return c.writeCopy(e, next)
		}
		return c.writeOwn(e, e.with(next))
	})
}

// merged returns an event with a patch applied.
func merged(o, patch api.Object) api.Object {
	next := api.Merge(o, patch)
	if next["status"] == nil {
		next["status"] = "confirmed"
	}
	return next
}

// replacing converts the body of an update to a patch: missing fields become null.
func replacing(call *api.Call, body api.Object) api.Object {
	patch := api.Object{}
	for _, name := range writable() {
		untouched := name == "attachments" && !call.Flag("supportsAttachments") ||
			name == "conferenceData" ||
			name == "eventType"
		if !untouched {
			patch[name] = nil
		}
	}
	for name, value := range body {
		patch[name] = value
	}
	return patch
}

// checked refuses an event that Calendar refuses, and completes it.
func (c *Calendar) checked(o api.Object, calendar string) (api.Object, error) {
	zone, _ := c.zoneOf(calendar)
	o, err := checkTimes(o, zone)
	if err != nil {
		return nil, err
	}
	if status := api.Text(o, "status"); !slices.Contains(
		[]string{"confirmed", "tentative", cancelled}, status,
	) {
		return nil, api.Invalid("status", "Invalid value for status: %q", status)
	}
	if err := checkAttendees(o); err != nil {
		return nil, err
	}
	return o, completeAttachments(o)
}

// checkAttendees refuses attendees without a valid address, drops duplicates and sets missing
// answers to needsAction.
func checkAttendees(o api.Object) error {
	list := api.Objects(o, "attendees")
	if len(list) == 0 {
		delete(o, "attendees")
		return nil
	}
	seen := map[string]bool{}
	var kept []any
	for _, a := range list {
		address := api.Text(a, "email")
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			return api.Invalid("attendees.email", "Invalid attendee email: %q", address)
		}
		if seen[strings.ToLower(address)] {
			continue
		}
		seen[strings.ToLower(address)] = true
		if api.Text(a, "responseStatus") == "" {
			a = api.Merge(a, api.Object{"responseStatus": "needsAction"})
		}
		kept = append(kept, a)
	}
	o["attendees"] = kept
	return nil
}

// completeAttachments checks attachments and sets the file id of a link, as Google does.
func completeAttachments(o api.Object) error {
	list := api.Objects(o, "attachments")
	if len(list) == 0 {
		delete(o, "attachments")
		return nil
	}
	if len(list) > maxAttachments {
		return api.Invalid(
			"attachments", "There can be at most %d attachments per event.", maxAttachments,
		)
	}
	var kept []any
	for _, a := range list {
		link, err := url.Parse(api.Text(a, "fileUrl"))
		if err != nil || !link.IsAbs() || link.Host == "" {
			e := api.Invalid(
				"attachments.fileUrl",
				"Missing or invalid fileUrl of an attachment: %q",
				api.Text(a, "fileUrl"),
			)
			e.Reason = "required"
			return e
		}
		if id := api.FileID(api.Text(a, "fileUrl")); id != "" {
			a = api.Merge(a, api.Object{"fileId": id})
		}
		kept = append(kept, a)
	}
	o["attachments"] = kept
	return nil
}

// writeOwn stores an event in its organizer's calendar and updates the copies. before is nil for
// a new one. It runs inside an update.
func (c *Calendar) writeOwn(before, e *event) (*event, error) {
	o, err := c.checked(e.Resource, e.Calendar)
	if err != nil {
		return nil, err
	}
	var old api.Object
	if before != nil {
		old = before.Resource
		o["sequence"] = nextSequence(old, o)
	}
	written := c.put(e.with(o))
	if err := c.dropExceptions(old, written); err != nil {
		return nil, err
	}
	c.copyOut(old, written)
	return written, nil
}

// dropExceptions removes exceptions of instances that a changed series no longer has.
func (c *Calendar) dropExceptions(old api.Object, e *event) error {
	if old == nil ||
		fmt.Sprint(
			old["recurrence"], old["start"],
		) == fmt.Sprint(e.Resource["recurrence"], e.Resource["start"]) {
		return nil
	}
	zone, _ := c.zoneOf(e.Calendar)
	s, err := readSeries(e, zone)
	if err != nil {
		return err
	}
	for _, exception := range c.exceptions(e.id()) {
		at, _, err := readTime(exception.Resource, "originalStartTime", zone)
		if err != nil || !e.isSeries() || !s.has(at) {
			c.events.Delete(eventKey(exception.Calendar, exception.id()))
			c.touched[calendarKey(exception.Calendar)] = true
		}
	}
	return nil
}

// exceptions returns the changed instances of a series, in all calendars.
func (c *Calendar) exceptions(series string) []*event {
	var found []*event
	for _, e := range c.events.All() {
		if e.series() == series {
			found = append(found, e)
		}
	}
	return found
}

// remove answers events.delete.
func (c *Calendar) remove(call *api.Call) (*api.Answer, error) {
	err := c.change(func() error {
		e, err := c.found(call)
		if err != nil {
			return err
		}
		if e.cancelled() {
			return api.Refuse(http.StatusGone, "deleted", "Resource has been deleted")
		}
		gone := api.Merge(e.Resource, api.Object{"status": cancelled})
		if e.Origin != "" {
			_, err = c.writeCopy(e, gone)
		} else {
			_, err = c.writeOwn(e, e.with(gone))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.Done()
}

// move answers events.move: the event keeps its id and gets another organizer.
func (c *Calendar) move(call *api.Call) (*api.Answer, error) {
	return c.writeAndShow(call, func() (*event, error) {
		to := call.Query.Get("destination")
		e, err := c.found(call)
		switch {
		case err != nil:
			return nil, err
		case e.series() != "":
			return nil, api.Refuse(
				http.StatusBadRequest,
				"cannotChangeOrganizerOfInstance",
				"Cannot change the organizer of an instance.",
			)
		case e.Origin != "":
			return nil, api.Refuse(
				http.StatusForbidden,
				"forbiddenForNonOrganizer",
				"Only the organizer of an event can move it.",
			)
		case e.cancelled():
			return nil, notFound()
		case strings.EqualFold(to, e.Calendar):
			return e, nil
		}
		moved := c.moveRow(e, to)
		for _, exception := range c.exceptions(e.id()) {
			if strings.EqualFold(exception.Calendar, e.Calendar) {
				c.moveRow(exception, to)
			}
		}
		return moved, nil
	})
}

// moveRow moves one row to another calendar and leaves a cancelled row behind.
func (c *Calendar) moveRow(e *event, to string) *event {
	shell := e.with(api.Merge(e.Resource, api.Object{"status": cancelled}))
	shell.Left = true
	c.put(shell)
	there := e.with(api.Merge(
		e.Resource, api.Object{"organizer": api.Object{"email": to, "displayName": nil}},
	))
	there.Calendar = to
	there = c.put(there)
	c.copyOut(e.Resource, there)
	return there
}
