// Package calendar is a stand-in of Google Calendar (API v3) whose state is a folder.
//
// It knows Calendar's rules as far as NVR Merger leans on them: series with Google's instance
// ids, exceptions, copies in the calendars of those invited, entity tags, attachments, deletion
// and return, moves, pages, and channels that tell of changes. Calendars appear when they are
// first used. It knows no file and no course. An event is three things: a row of its own; an
// instance of a series, which is computed; an exception, which is a row named like the instance
// it stands for. Start with [New]; series.go has the arithmetic of series.
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

// Options say where the state lies and how the calendars behave.
type Options struct {
	Dir      string
	BaseURL  string           // what the outside sees before /calendar/v3/: of links
	Scale    float64          // divides the pauses before a notice is sent again
	Now      func() time.Time // the clock
	Log      *slog.Logger
	TimeZone string // of calendars that were given none
}

// Calendar is the stand-in.
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

// calendarRow is a calendar that somebody made or used.
type calendarRow struct {
	ID string `json:"id"`
	// summary, description, location, timeZone, as far as somebody set them
	Resource api.Object `json:"resource"`
}

// New opens the state under Options.Dir, or begins it.
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

// Service answers /calendar/v3/….
func (c *Calendar) Service() *api.Service {
	return c.service
}

// Close gives up notices that are not through yet and ends the use of the state.
func (c *Calendar) Close() error {
	c.notices.close()
	return c.db.Close()
}

// change runs an update and then tells the watchers of what it touched.
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

// named is the calendar that a path names: primary is the caller's own.
func named(call *api.Call) string {
	id := call.Path["calendarId"]
	if id == "primary" && call.User != "" {
		return call.User
	}
	return id
}

func calendarKey(id string) string {
	return strings.ToLower(id)
}

// open lets a calendar appear at its first use. It runs inside an update.
func (c *Calendar) open(id string) {
	if c.calendars.Get(calendarKey(id)) == nil {
		c.calendars.Put(calendarKey(id), &calendarRow{ID: id})
	}
}

// zoneOf is a calendar's time zone; chosen is whether somebody set it.
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

func (c *Calendar) getCalendar(call *api.Call) (*api.Answer, error) {
	kind := "calendar#calendar"
	if strings.HasPrefix(call.Method.ID, "calendarList.") {
		kind = "calendar#calendarListEntry"
	}
	var body api.Object
	c.db.View(func() { body = c.showCalendar(named(call), kind) })
	return api.OK(body)
}

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
		body := api.Object{"kind": "calendar#calendarList", "etag": `"list"`, "items": items}
		if next != "" {
			body["nextPageToken"] = next
		}
		answer = &api.Answer{Body: body}
	})
	return answer, err
}

// known lists the calendars that were used.
func (c *Calendar) known() []string {
	var ids []string
	for _, row := range c.calendars.All() {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return ids
}

func (c *Calendar) insertCalendar(call *api.Call) (*api.Answer, error) {
	return c.putCalendar(newID()+"@group.calendar.google.com", call.Body)
}

func (c *Calendar) patchCalendar(call *api.Call) (*api.Answer, error) {
	return c.putCalendar(named(call), call.Body)
}

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

func notFound() error {
	return api.Refuse(http.StatusNotFound, "notFound", "Not Found")
}
