package workspace

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
)

// Event is an event, or one instance of a series, as one calendar shows it.
type Event struct {
	ID          string
	ETag        string
	Status      string // "confirmed", "tentative", "cancelled"; of a cancelled one only ID is sure
	Type        string // "default", or one of the kinds that are no meeting, like "outOfOffice"
	Summary     string
	Description string // often HTML
	Visibility  string
	Start       time.Time // of an all-day event: midnight UTC of its first day
	End         time.Time // of an all-day event: midnight UTC of the day after its last
	AllDay      bool
	Updated     time.Time

	Creator       string // address
	CreatorSelf   bool   // it is the calendar's own
	Organizer     string // address: of a person, or of a calendar
	OrganizerSelf bool   // this calendar's copy is the organiser's
	Response      string // what the calendar's owner answered: "accepted", "declined", …; empty if not invited

	Guests []string // addresses of the attendees

	RecurringID   string // of the series that this is an instance of
	OriginalStart time.Time
	ICalUID       string
	Attachments   []Attachment
}

// Attachment is a file at an event.
type Attachment struct {
	FileID string
	URL    string // the file's link
	Title  string
	MIME   string
}

// Cancelled reports whether the event will not be.
func (e *Event) Cancelled() bool {
	return e.Status == "cancelled"
}

// OrganizerCalendar is the calendar that holds the organiser's event: own unless the room is only invited.
func (e *Event) OrganizerCalendar(own string) string {
	if e.OrganizerSelf || e.Organizer == "" || strings.EqualFold(e.Organizer, own) {
		return own
	}
	return e.Organizer
}

const eventFields = "id,etag,status,eventType,summary,description,visibility,start,end,updated,creator,organizer,attendees,recurringEventId,originalStartTime,iCalUID,attachments,recurrence"

func eventOf(e *calendar.Event, own string) Event {
	event := Event{
		ID:          e.Id,
		ETag:        e.Etag,
		Status:      e.Status,
		Type:        e.EventType,
		Summary:     e.Summary,
		Description: e.Description,
		Visibility:  e.Visibility,
		Updated:     instant(e.Updated),
		RecurringID: e.RecurringEventId,
		ICalUID:     e.ICalUID,
	}
	event.Start, event.AllDay = moment(e.Start)
	event.End, _ = moment(e.End)
	event.OriginalStart, _ = moment(e.OriginalStartTime)
	if e.Creator != nil {
		event.Creator, event.CreatorSelf = e.Creator.Email, e.Creator.Self
	}
	if e.Organizer != nil {
		event.Organizer, event.OrganizerSelf = e.Organizer.Email, e.Organizer.Self
	}
	for _, a := range e.Attendees {
		event.Guests = append(event.Guests, a.Email)
		if a.Self || strings.EqualFold(a.Email, own) {
			event.Response = a.ResponseStatus
		}
	}
	for _, a := range e.Attachments {
		event.Attachments = append(event.Attachments, Attachment{
			FileID: a.FileId,
			URL:    a.FileUrl,
			Title:  a.Title,
			MIME:   a.MimeType,
		})
	}
	return event
}

// moment reads a time of an event; day tells that it is a date only.
func moment(at *calendar.EventDateTime) (t time.Time, day bool) {
	if at == nil {
		return time.Time{}, false
	}
	if at.DateTime == "" && at.Date != "" {
		t, _ = time.Parse(time.DateOnly, at.Date)
		return t, true
	}
	return instant(at.DateTime), false
}

// Events lists what of a calendar lies in [from, to), series as their instances, cancelled ones too. It
// ends with the first error. A calendar that is not there, or that we may not see, is an error, never
// "no events".
func (c *Client) Events(ctx context.Context, calendarID string, from, to time.Time) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for token := ""; ; {
			page, err := c.events(ctx, calendarID, token, func(call *calendar.EventsListCall) {
				call.TimeMin(from.UTC().Format(time.RFC3339)).TimeMax(to.UTC().Format(time.RFC3339)).SingleEvents(true)
			})
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Items {
				if !yield(eventOf(e, calendarID), nil) {
					return
				}
			}
			if token = page.NextPageToken; token == "" {
				return
			}
		}
	}
}

func (c *Client) events(ctx context.Context, calendarID, token string, filter func(*calendar.EventsListCall)) (*calendar.Events, error) {
	if err := checkID("calendar", calendarID); err != nil {
		return nil, err
	}
	seat, err := c.as(ctx, c.options.Subjects.Calendar)
	if err != nil {
		return nil, err
	}
	var page *calendar.Events
	err = c.do(ctx, "calendar.events.list", "list the events of calendar "+calendarID, func(ctx context.Context) (err error) {
		call := seat.calendar.Events.List(calendarID).Context(ctx).ShowDeleted(true).MaxResults(2500).PageToken(token).
			Fields("nextPageToken", googleapi.Field("items("+eventFields+")"))
		filter(call)
		page, err = call.Do()
		return err
	})
	return page, err
}

// Event gives one event, cancelled or not. [ErrNotFound] if it is gone altogether.
func (c *Client) Event(ctx context.Context, calendarID, id string) (Event, error) {
	e, err := c.event(ctx, c.options.Subjects.Calendar, calendarID, id)
	if err != nil {
		return Event{}, err
	}
	return eventOf(e, calendarID), nil
}

func (c *Client) event(ctx context.Context, subject, calendarID, id string) (*calendar.Event, error) {
	if err := checkID("calendar", calendarID); err != nil {
		return nil, err
	}
	if err := checkID("event", id); err != nil {
		return nil, err
	}
	seat, err := c.as(ctx, subject)
	if err != nil {
		return nil, err
	}
	var e *calendar.Event
	err = c.do(ctx, "calendar.events.get", fmt.Sprintf("read event %s of calendar %s", id, calendarID), func(ctx context.Context) (err error) {
		e, err = seat.calendar.Events.Get(calendarID, id).Context(ctx).Fields(eventFields).Do()
		return err
	})
	return e, err
}
