package calendar

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// Entry is an event as a page shows it.
type Entry struct {
	ID, Title, Description string
	StartAt, EndAt         time.Time
	AllDay, Cancelled      bool
	Series                 bool // an instance of one
	Organizer, Creator     string
	Attendees              []string
	Attachments            []Attachment
}

// Attachment is a link of an event.
type Attachment struct{ Title, Link string }

// Calendars returns the ids of the calendars.
func (c *Calendar) Calendars() []string {
	var ids []string
	c.db.View(func() { ids = c.known() })
	return ids
}

// Agenda returns the events of a calendar between two instants, by their start, with cancelled
// ones.
func (c *Calendar) Agenda(calendar string, from, to time.Time) []Entry {
	var entries []Entry
	c.db.View(func() {
		found, err := c.matching(calendar, wish{
			from:    from,
			to:      to,
			since:   -1,
			single:  true,
			deleted: true,
		})
		if err != nil {
			c.o.Log.Warn("a calendar cannot be shown", "calendar", calendar, "error", err)
			return
		}
		c.sort(found, "startTime")
		for _, e := range found {
			entries = append(entries, c.entry(e))
		}
	})
	return entries
}

// Named returns the event that an htmlLink leads to. It reports whether the event exists.
func (c *Calendar) Named(eid string) (calendar string, found Entry, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(eid)
	id, calendar, _ := strings.Cut(string(text), " ")
	if err != nil {
		return "", Entry{}, false
	}
	c.db.View(func() {
		if e, err := c.find(calendar, id); err == nil {
			found, ok = c.entry(e), true
		}
	})
	return calendar, found, ok
}

// linkTo returns the address of an event's page.
func (c *Calendar) linkTo(e *event) string {
	return c.o.BaseURL + "/calendar/event?eid=" + base64.RawURLEncoding.EncodeToString([]byte(e.id()+" "+e.Calendar))
}

// entry returns an event as a page shows it.
func (c *Calendar) entry(e *event) Entry {
	zone, _ := c.zoneOf(e.Calendar)
	o := e.Resource
	entry := Entry{
		ID:          e.id(),
		Title:       api.Text(o, "summary"),
		Description: api.Text(o, "description"),
		Cancelled:   e.cancelled(),
		Series:      e.series() != "",
		Organizer:   api.Text(api.Child(o, "organizer"), "email"),
		Creator:     api.Text(api.Child(o, "creator"), "email"),
	}
	// Times of what is stored were checked when it was written.
	entry.StartAt, entry.AllDay, _ = readTime(o, "start", zone)
	entry.EndAt, _, _ = readTime(o, "end", zone)
	for _, a := range api.Objects(o, "attendees") {
		entry.Attendees = append(entry.Attendees, api.Text(a, "email"))
	}
	for _, a := range api.Objects(o, "attachments") {
		title := api.Text(a, "title")
		if title == "" {
			title = api.Text(a, "fileUrl")
		}
		entry.Attachments = append(
			entry.Attachments, Attachment{Title: title, Link: api.Text(a, "fileUrl")},
		)
	}
	return entry
}
