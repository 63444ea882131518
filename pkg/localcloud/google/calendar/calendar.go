// Package calendar is a stand-in of Google Calendar (API v3). Its state is a folder.
//
// It knows the rules of Calendar that NVR Merger relies on: series with Google's instance ids,
// exceptions, copies in attendees' calendars, entity tags, attachments, deletion and restoring,
// moves, pages, and notification channels. A calendar is created when it is first used. The
// package knows no file and no course.
//
// An event is one of three: a row of its own; an instance of a series, which is computed; an
// exception, which is a row with the id of the instance that it replaces. Start with [New].
// series.go computes series.
//
// The reference of the API: https://developers.google.com/workspace/calendar/api/v3/reference
package calendar

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

// Options configure a [Calendar].
type Options struct {
	Dir      string
	BaseURL  string           // what the outside sees before /calendar/v3/: of links
	Scale    float64          // divides the pauses before a notice is sent again
	Now      func() time.Time // the clock
	Log      *slog.Logger
	TimeZone string // of calendars that were given none
}

// Calendar is the stand-in. Close it.
type Calendar struct {
	o       Options
	zone    *time.Location
	service *api.Service

	db        *state.DB
	calendars *state.Table[calendarRow]
	events    *state.Table[event]
	channels  *state.Table[channel]
	notices   *notices

	// Of the update that runs, under the lock of db.
	sequence int64           // of changes, ever growing
	touched  map[string]bool // calendars whose watchers are told when the update is through
}

// calendarRow is the row of a calendar that was created or used.
type calendarRow struct {
	ID string `json:"id"`
	// summary, description, location and timeZone, as far as they were set
	Resource api.Object `json:"resource"`
}

// New opens the state under Options.Dir, or creates it.
func New(o Options) (*Calendar, error) {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of calendars: %w", err)
	}
	c := &Calendar{o: o, zone: zone, touched: map[string]bool{}}
	c.db = state.New(o.Dir)
	c.calendars = state.NewTable[calendarRow](c.db, "calendars")
	c.events = state.NewTable[event](c.db, "events")
	c.channels = state.NewTable[channel](c.db, "channels")
	if err := c.db.Open(); err != nil {
		return nil, fmt.Errorf("open the calendars: %w", err)
	}
	for _, e := range c.events.All() {
		c.sequence = max(c.sequence, e.Sequence)
	}
	c.service, err = api.NewService("calendar", map[string]api.Handler{
		"calendarList.get":  c.getCalendar,
		"calendarList.list": c.listCalendars,
		"calendars.get":     c.getCalendar,
		"calendars.insert":  c.insertCalendar,
		"calendars.patch":   c.patchCalendar,
		"calendars.update":  c.patchCalendar,
		"channels.stop":     c.stopChannel,
		"events.delete":     c.remove,
		"events.get":        c.get,
		"events.import":     c.importEvent,
		"events.insert":     c.insert,
		"events.instances":  c.instances,
		"events.list":       c.list,
		"events.move":       c.move,
		"events.patch":      c.patch,
		"events.update":     c.patch,
		"events.watch":      c.watch,
	}, nil, o.Log)
	if err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	c.notices = newNotices(o)
	return c, nil
}

// Service returns the handler of /calendar/v3/….
func (c *Calendar) Service() *api.Service {
	return c.service
}

// Close drops unsent notifications and closes the state.
func (c *Calendar) Close() error {
	c.notices.close()
	return c.db.Close()
}

// change runs an update and then notifies the channels of the calendars that it changed.
func (c *Calendar) change(update func() error) error {
	var told []notice
	err := c.db.Update(func() error {
		clear(c.touched)
		if err := update(); err != nil {
			return err
		}
		for id := range c.touched {
			told = append(told, c.noticesOf(id)...)
		}
		return nil
	})
	if err == nil {
		c.notices.send(told...)
	}
	return err
}

// named returns the calendar id in a call's path. The alias primary stands for the caller's own
// calendar.
func named(call *api.Call) string {
	id := call.Path["calendarId"]
	if id == "primary" && call.User != "" {
		return call.User
	}
	return id
}

// calendarKey returns the key of a calendar's row. Ids are compared without regard to case.
func calendarKey(id string) string {
	return strings.ToLower(id)
}

// open creates a calendar at its first use. It runs inside an update.
func (c *Calendar) open(id string) {
	if c.calendars.Get(calendarKey(id)) == nil {
		c.calendars.Put(calendarKey(id), &calendarRow{ID: id})
	}
}

// zoneOf returns a calendar's time zone. It reports whether the zone was set.
func (c *Calendar) zoneOf(id string) (zone *time.Location, chosen bool) {
	if row := c.calendars.Get(calendarKey(id)); row != nil {
		if name := api.Text(row.Resource, "timeZone"); name != "" {
			if zone, err := time.LoadLocation(name); err == nil {
				return zone, true
			}
		}
	}
	return c.zone, false
}

// showCalendar returns a calendar as the API shows it.
func (c *Calendar) showCalendar(id, kind string) api.Object {
	zone, _ := c.zoneOf(id)
	o := api.Object{
		"kind":     kind,
		"etag":     `"calendar"`,
		"id":       id,
		"summary":  id,
		"timeZone": zone.String(),
	}
	if row := c.calendars.Get(calendarKey(id)); row != nil {
		o = api.Merge(o, row.Resource)
	}
	if kind == "calendar#calendarListEntry" {
		o["accessRole"] = "owner"
	}
	return o
}

// getCalendar answers calendars.get and calendarList.get.
func (c *Calendar) getCalendar(call *api.Call) (*api.Answer, error) {
	kind := "calendar#calendar"
	if strings.HasPrefix(call.Method.ID, "calendarList.") {
		kind = "calendar#calendarListEntry"
	}
	var body api.Object
	c.db.View(func() { body = c.showCalendar(named(call), kind) })
	return api.OK(body)
}

// listCalendars answers calendarList.list.
func (c *Calendar) listCalendars(call *api.Call) (*api.Answer, error) {
	var answer *api.Answer
	var err error
	c.db.View(func() {
		ids := c.known()
		from, to, next, pageErr := api.Page(call, len(ids), min(call.Int("maxResults", 100), 250))
		if err = pageErr; err != nil {
			return
		}
		items := []any{}
		for _, id := range ids[from:to] {
			items = append(items, c.showCalendar(id, "calendar#calendarListEntry"))
		}
		body := api.Object{
			"kind":  "calendar#calendarList",
			"etag":  `"list"`,
			"items": items,
		}
		if next != "" {
			body["nextPageToken"] = next
		}
		answer = &api.Answer{Body: body}
	})
	return answer, err
}

// known returns the ids of all calendars, sorted.
func (c *Calendar) known() []string {
	var ids []string
	for _, row := range c.calendars.All() {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return ids
}

// insertCalendar answers calendars.insert.
func (c *Calendar) insertCalendar(call *api.Call) (*api.Answer, error) {
	return c.putCalendar(newID()+"@group.calendar.google.com", call.Body)
}

// patchCalendar answers calendars.patch and calendars.update.
func (c *Calendar) patchCalendar(call *api.Call) (*api.Answer, error) {
	return c.putCalendar(named(call), call.Body)
}

// putCalendar stores the fields of a calendar and answers with it.
func (c *Calendar) putCalendar(id string, body api.Object) (*api.Answer, error) {
	patch := api.Only(body, "summary", "description", "location", "timeZone")
	if _, err := time.LoadLocation(api.Text(patch, "timeZone")); err != nil {
		return nil, api.Invalid("timeZone", "Invalid time zone %q", api.Text(patch, "timeZone"))
	}
	var made api.Object
	err := c.db.Update(func() error {
		row := calendarRow{ID: id}
		if before := c.calendars.Get(calendarKey(id)); before != nil {
			row = *before
		}
		row.Resource = api.Merge(row.Resource, patch)
		c.calendars.Put(calendarKey(id), &row)
		made = c.showCalendar(row.ID, "calendar#calendar")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.OK(made)
}

// notFound is the refusal of a call for an event or calendar that does not exist.
func notFound() error {
	return api.Refuse(http.StatusNotFound, "notFound", "Not Found")
}
