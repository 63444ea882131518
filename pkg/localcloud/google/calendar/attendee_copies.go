package calendar

import (
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// copyOut updates the copies in the attendees' calendars to the organizer's event. old is the
// event before the change. It runs inside an update.
func (c *Calendar) copyOut(old api.Object, e *event) {
	invited := map[string]string{} // by key: the address
	for _, a := range api.Objects(e.Resource, "attendees") {
		invited[calendarKey(api.Text(a, "email"))] = api.Text(a, "email")
	}
	for _, a := range api.Objects(old, "attendees") {
		address := api.Text(a, "email")
		if _, still := invited[calendarKey(address)]; still {
			continue
		}
		there := c.events.Get(eventKey(address, e.id()))
		if there == nil {
			there = c.copyOfSeries(address, e)
		}
		if there != nil && there.Origin != "" && !there.cancelled() {
			c.put(there.with(api.Merge(there.Resource, api.Object{"status": cancelled})))
		}
	}
	for key, address := range invited {
		if key != calendarKey(e.Calendar) {
			c.copyTo(address, e)
		}
	}
}

// copyOfSeries returns the copy of an instance for an attendee of the series who is not an
// attendee of the instance.
func (c *Calendar) copyOfSeries(address string, e *event) *event {
	if e.series() == "" {
		return nil
	}
	found, err := c.find(address, e.id())
	if err != nil {
		return nil
	}
	return found
}

// copyTo writes the copy of an event to an attendee's calendar.
func (c *Calendar) copyTo(address string, e *event) {
	there := c.events.Get(eventKey(address, e.id()))
	if there != nil && there.Origin == "" && !there.Left {
		return // his own event of the same id
	}
	o := maps.Clone(e.Resource)
	for _, name := range private() {
		delete(o, name)
	}
	if there != nil {
		o = api.Merge(o, api.Only(there.Resource, private()...))
		// Who took it out of his calendar does not get it back by a change of its title.
		if there.cancelled() && answered(e.Resource, address) == "declined" {
			o["status"] = cancelled
		}
	}
	c.put(&event{Calendar: address, Resource: o, Origin: e.Calendar})
}

// answered returns an attendee's answer, like accepted, or "".
func answered(o api.Object, address string) string {
	for _, a := range api.Objects(o, "attendees") {
		if strings.EqualFold(api.Text(a, "email"), address) {
			return api.Text(a, "responseStatus")
		}
	}
	return ""
}

// writeCopy applies an attendee's change of his copy: his own fields and his answer. It runs
// inside an update.
func (c *Calendar) writeCopy(e *event, next api.Object) (*event, error) {
	origin, err := c.find(e.Origin, e.id())
	if err != nil {
		origin = nil // organised elsewhere
	}
	next, err = c.checked(next, e.Calendar)
	if err != nil {
		return nil, err
	}
	answer := answered(next, e.Calendar)
	if api.Text(next, "status") != api.Text(e.Resource, "status") {
		answer = "needsAction"
		if api.Text(next, "status") == cancelled {
			answer = "declined"
		}
	}
	others := withAnswer(next, e.Calendar, answered(e.Resource, e.Calendar))
	if changed(e.Resource, others) {
		if origin == nil || !api.True(e.Resource, "guestsCanModify") {
			return nil, api.Refuse(
				http.StatusForbidden,
				"forbiddenForNonOrganizer",
				"Shared properties can only be changed by the organizer of the event.",
			)
		}
	}
	mine := c.put(e.with(withAnswer(next, e.Calendar, answer)))
	if origin == nil {
		return mine, nil
	}
	there := withAnswer(origin.Resource, e.Calendar, answer)
	if api.True(e.Resource, "guestsCanModify") {
		there = withAnswer(
			api.Merge(there, api.Only(next, append(shared(), "attendees")...)), e.Calendar, answer,
		)
	}
	if _, err := c.writeOwn(origin, origin.with(there)); err != nil {
		return nil, err
	}
	return c.find(e.Calendar, e.id())
}

// changed reports whether two states of a copy differ in fields that belong to the organizer.
func changed(before, after api.Object) bool {
	names := append(shared(), "attendees")
	return !reflect.DeepEqual(api.Only(before, names...), api.Only(after, names...))
}

// withAnswer returns an event with an attendee's answer set.
func withAnswer(o api.Object, address, answer string) api.Object {
	if answer == "" {
		return o
	}
	var list []any
	for _, a := range api.Objects(o, "attendees") {
		if strings.EqualFold(api.Text(a, "email"), address) {
			a = api.Merge(a, api.Object{"responseStatus": answer})
		}
		list = append(list, a)
	}
	return api.Merge(o, api.Object{"attendees": list})
}
