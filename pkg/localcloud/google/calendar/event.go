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

// event is a row: a single event, a series, or an exception of one, in one calendar.
type event struct {
	Calendar string     `json:"calendar"`
	Resource api.Object `json:"resource"`
	// the organiser's calendar, if this is the copy of somebody invited
	Origin string `json:"origin,omitempty"`
	// moved elsewhere: what stays behind is a cancelled shell
	Left     bool  `json:"left,omitempty"`
	Sequence int64 `json:"sequence"` // of its last change, over all events
}

const (
	cancelled    = "cancelled"
	instantStamp = "20060102T150405Z"
	dayStamp     = "20060102"
)

func eventKey(calendar, id string) string {
	return calendarKey(calendar) + "\n" + id
}

func (e *event) id() string {
	return api.Text(e.Resource, "id")
}
func (e *event) cancelled() bool {
	return api.Text(e.Resource, "status") == cancelled
}
func (e *event) isSeries() bool {
	return len(api.List(e.Resource, "recurrence")) > 0
}
func (e *event) series() string {
	return api.Text(e.Resource, "recurringEventId")
}
func (e *event) etag() string {
	return fmt.Sprintf(`"%d"`, e.Sequence*2+3000000)
}
func (e *event) updated() string {
	return api.Text(e.Resource, "updated")
}
func (e *event) with(o api.Object) *event {
	next := *e
	next.Resource = o
	return &next
}

// newID makes an id as Calendar does: letters of base32hex.
func newID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
}

func validID(id string) bool {
	if len(id) < 5 || len(id) > 1024 {
		return false
	}
	return strings.IndexFunc(
		id, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'v') },
	) < 0
}

// rfc3339 writes an instant as Calendar does.
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

// find returns an event of a calendar, an instance of a series included. It runs inside a view or
// an update.
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

// found is find, and the entity tag that the caller names must be the event's.
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

// shown is how the caller wants to see events.
type shown struct {
	zone         *time.Location // nil: as they were written
	maxAttendees int            // 0: all
}

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

// show is an event as its calendar shows it. It runs inside a view or an update.
func (c *Calendar) show(e *event, how shown) api.Object {
	o := maps.Clone(e.Resource)
	o["kind"], o["etag"] = "calendar#event", e.etag()
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

func self(person api.Object, calendar string) api.Object {
	if strings.EqualFold(api.Text(person, "email"), calendar) {
		return api.Merge(person, api.Object{"self": true})
	}
	return person
}

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

// nextSequence counts what people are told about: times and cancellation.
func nextSequence(before, after api.Object) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(before["sequence"]), 10, 64)
	for _, name := range []string{"start", "end", "recurrence", "status"} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			return n + 1
		}
	}
	return n
}

// shared are the fields that belong to the organiser: a copy shows them and cannot change them.
func shared() []string {
	return []string{
		"anyoneCanAddSelf", "attachments", "conferenceData", "description", "end", "endTimeUnspecified", "eventType", "gadget",
		"guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests", "location", "recurrence", "source", "start", "summary",
	}
}

// private are the fields that everybody invited has of his own.
func private() []string {
	return []string{"colorId", "extendedProperties", "reminders", "transparency", "visibility"}
}

// writable are the fields that an organiser sets.
func writable() []string {
	return slices.Concat(shared(), private(), []string{"attendees", "status"})
}
