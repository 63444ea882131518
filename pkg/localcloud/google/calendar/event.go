package calendar

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// event is the row of a single event, a series, or an exception, in one calendar.
type event struct {
	Calendar string     `json:"calendar"`
	Resource api.Object `json:"resource"`
	// the organizer's calendar, if this is an attendee's copy
	Origin string `json:"origin,omitempty"`
	// moved to another calendar: this is the cancelled row left behind
	Left     bool  `json:"left,omitempty"`
	Sequence int64 `json:"sequence"` // of its last change, over all events
}

const (
	cancelled = "cancelled" // the status; the other ones are confirmed and tentative
	// Layouts of a time in UTC and of a date, in rules (RFC 5545) and in the ids of instances.
	instantStamp = "20060102T150405Z"
	dayStamp     = "20060102"
)

// eventKey returns the key of an event's row.
func eventKey(calendar, id string) string {
	return calendarKey(calendar) + "\n" + id
}

// id returns the event's id.
func (e *event) id() string {
	return api.Text(e.Resource, "id")
}

// cancelled reports whether the event was cancelled or deleted.
func (e *event) cancelled() bool {
	return api.Text(e.Resource, "status") == cancelled
}

// isSeries reports whether the event has rules of recurrence.
func (e *event) isSeries() bool {
	return len(api.List(e.Resource, "recurrence")) > 0
}

// series returns the id of the series that an instance belongs to, or "".
func (e *event) series() string {
	return api.Text(e.Resource, "recurringEventId")
}

// etag returns the entity tag, which every change changes.
func (e *event) etag() string {
	return fmt.Sprintf(`"%d"`, e.Sequence*2+3000000)
}

// updated returns the instant of the last change, as Calendar writes it.
func (e *event) updated() string {
	return api.Text(e.Resource, "updated")
}

// with returns a copy of an event with another resource.
func (e *event) with(o api.Object) *event {
	next := *e
	next.Resource = o
	return &next
}

// newID returns an event id like Calendar's: letters of base32hex.
func newID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
}

// validID reports whether a caller may choose an id: 5 to 1024 letters of base32hex.
func validID(id string) bool {
	if len(id) < 5 || len(id) > 1024 {
		return false
	}
	return strings.IndexFunc(
		id, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'v')
		},
	) < 0
}

// rfc3339 formats an instant as Calendar does: UTC, with milliseconds.
func rfc3339(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// put stores an event as changed now. It runs inside an update.
func (c *Calendar) put(e *event) *event {
	c.sequence++
	next := *e
	next.Sequence = c.sequence
	next.Resource = maps.Clone(e.Resource)
	next.Resource["updated"] = rfc3339(c.o.Now())
	c.events.Put(eventKey(next.Calendar, next.id()), &next)
	c.open(next.Calendar)
	c.touched[calendarKey(next.Calendar)] = true
	return &next
}

// find returns an event of a calendar, which may be an instance of a series. It runs inside a
// view or an update.
func (c *Calendar) find(calendar, id string) (*event, error) {
	if e := c.events.Get(eventKey(calendar, id)); e != nil {
		if series := c.events.Get(eventKey(calendar, e.series())); series != nil &&
			series.cancelled() {
			e = e.with(api.Merge(e.Resource, api.Object{"status": cancelled}))
		}
		return e, nil
	}
	at := strings.LastIndexByte(id, '_')
	if at < 0 {
		return nil, notFound()
	}
	series := c.events.Get(eventKey(calendar, id[:at]))
	if series == nil || !series.isSeries() {
		return nil, notFound()
	}
	zone, _ := c.zoneOf(calendar)
	s, err := readSeries(series, zone)
	if err != nil {
		return nil, err
	}
	start, ok := s.instantOf(id[at+1:])
	if !ok || !s.has(start) {
		return nil, notFound()
	}
	return s.instance(start), nil
}

// found is find for the event that a call names. An entity tag in If-Match must be the event's.
func (c *Calendar) found(call *api.Call) (*event, error) {
	e, err := c.find(named(call), call.Path["eventId"])
	if err != nil {
		return nil, err
	}
	if want := call.Request.Header.Get("If-Match"); want != "" && want != "*" && want != e.etag() {
		return nil, api.Refuse(
			http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed",
		)
	}
	return e, nil
}

// shown is how a caller wants to see events.
type shown struct {
	zone         *time.Location // nil: as they were written
	maxAttendees int            // 0: all
}

// wishes reads the parameters timeZone and maxAttendees.
func (c *Calendar) wishes(call *api.Call) (shown, error) {
	s := shown{maxAttendees: call.Int("maxAttendees", 0)}
	if zone, chosen := c.zoneOf(named(call)); chosen {
		s.zone = zone
	}
	if name := call.Query.Get("timeZone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return s, api.Invalid("timeZone", "Invalid time zone definition %q", name)
		}
		s.zone = zone
	}
	return s, nil
}

// show returns an event as its calendar shows it. It runs inside a view or an update.
func (c *Calendar) show(e *event, how shown) api.Object {
	o := maps.Clone(e.Resource)
	o["kind"] = "calendar#event"
	o["etag"] = e.etag()
	if e.cancelled() && (e.series() != "" || e.Origin != "") {
		// Of these Google keeps no more than it needs to name them.
		return api.Only(o, "kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
	}
	o["htmlLink"] = c.linkTo(e)
	o["creator"] = self(api.Child(o, "creator"), e.Calendar)
	o["organizer"] = self(api.Child(o, "organizer"), e.Calendar)
	if attendees := api.Objects(o, "attendees"); len(attendees) > 0 {
		o["attendees"] = showAttendees(o, attendees, e.Calendar, how)
		if how.maxAttendees > 0 && len(attendees) > how.maxAttendees {
			o["attendeesOmitted"] = true
		}
	}
	for _, name := range []string{"start", "end", "originalStartTime"} {
		moment := api.Child(o, name)
		at, err := time.Parse(time.RFC3339, api.Text(moment, "dateTime"))
		if err == nil && how.zone != nil {
			o[name] = api.Merge(
				moment, api.Object{"dateTime": at.In(how.zone).Format(time.RFC3339)},
			)
		}
	}
	if _, set := o["reminders"]; !set {
		o["reminders"] = api.Object{"useDefault": true}
	}
	return o
}

// self returns a person with the field self set if the calendar is the person's.
func self(person api.Object, calendar string) api.Object {
	if strings.EqualFold(api.Text(person, "email"), calendar) {
		return api.Merge(person, api.Object{"self": true})
	}
	return person
}

// showAttendees returns as many attendees as the caller wants, and the calendar's own one in any
// case.
func showAttendees(o api.Object, attendees []api.Object, calendar string, how shown) []any {
	list := []any{}
	organizer := api.Text(api.Child(o, "organizer"), "email")
	for _, a := range attendees {
		mine := strings.EqualFold(api.Text(a, "email"), calendar)
		if how.maxAttendees > 0 && len(list) >= how.maxAttendees && !mine {
			continue
		}
		a = self(a, calendar)
		if strings.EqualFold(api.Text(a, "email"), organizer) {
			a = api.Merge(a, api.Object{"organizer": true})
		}
		list = append(list, a)
	}
	return list
}

// nextSequence returns an event's sequence after a change. Changes of times and of the
// cancellation count.
func nextSequence(before, after api.Object) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(before["sequence"]), 10, 64)
	for _, name := range []string{"start", "end", "recurrence", "status"} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			return n + 1
		}
	}
	return n
}

// shared returns the fields that belong to the organizer. A copy shows them and cannot change
// them.
func shared() []string {
	return []string{
		"anyoneCanAddSelf", "attachments", "conferenceData", "description", "end", "endTimeUnspecified", "eventType", "gadget",
		"guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests", "location", "recurrence", "source", "start", "summary",
	}
}

// private returns the fields that each attendee has of his own.
func private() []string {
	return []string{"colorId", "extendedProperties", "reminders", "transparency", "visibility"}
}

// writable returns the fields that an organizer sets.
func writable() []string {
	return slices.Concat(shared(), private(), []string{"attendees", "status"})
}
