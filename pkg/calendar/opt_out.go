package calendar

import (
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// OptOutTime returns the time at which an event forbids everyone to record its room; ok is false if it forbids
// nothing. The event must ask for no recording ([HasOptOutWords]), be neither cancelled nor declined, and the
// room must have accepted it, or its organiser be the room's calendar or of one of the domains. Otherwise an
// outsider's invitation could cancel a lecture.
func OptOutTime(e Event, room nvr.Room, domains []string) (at nvr.Interval, ok bool) {
	if !HasOptOutWords(e.Description) {
		return at, false
	}
	return MeetingTime(e, room, domains)
}

// MeetingTime returns the time of an event that is held in a room: see [OptOutTime].
func MeetingTime(e Event, room nvr.Room, domains []string) (at nvr.Interval, ok bool) {
	if e.Status == "cancelled" || !e.isMeeting() || declined(e, room) {
		return at, false
	}
	if !accepted(e, room) && !organizedInside(e, room, domains) {
		return at, false
	}
	at = e.interval(room.Zone)
	return at, at.Start.Before(at.End)
}

// isMeeting reports whether an event is one that people attend.
func (e *Event) isMeeting() bool {
	noMeeting := []string{"workingLocation", "outOfOffice", "focusTime", "birthday", "fromGmail"}
	return !slices.Contains(noMeeting, e.Type)
}

// accepted reports whether the room accepted an invitation.
func accepted(e Event, room nvr.Room) bool {
	return slices.ContainsFunc(e.Attendees, func(a Attendee) bool {
		own := a.Self || room.Calendar != "" && strings.EqualFold(a.Email, room.Calendar)
		return own && a.Response == "accepted"
	})
}

// organizedInside reports whether an event stands in the room's own calendar, or its organiser is of one of the
// domains.
func organizedInside(e Event, room nvr.Room, domains []string) bool {
	if e.OwnOrganizer || e.Organizer == "" || strings.EqualFold(e.Organizer, room.Calendar) {
		return true
	}
	return nvr.InDomains(e.Organizer, domains)
}

// interval returns when an event lasts, in whole minutes, of which none of its seconds is lost. A day without
// times is the room's day. The interval is empty if the times cannot be read.
func (e *Event) interval(zone *time.Location) nvr.Interval {
	if zone == nil {
		zone = time.UTC
	}
	start, end, ok := e.Window()
	if !ok {
		var errStart, errEnd error
		start, errStart = time.ParseInLocation(time.DateOnly, e.Start.Date, zone)
		end, errEnd = time.ParseInLocation(time.DateOnly, e.End.Date, zone)
		if errStart != nil || errEnd != nil {
			return nvr.Interval{}
		}
	}
	return nvr.Interval{
		Start: start.Truncate(time.Minute),
		End:   end.Add(time.Minute - time.Nanosecond).Truncate(time.Minute),
	}
}
