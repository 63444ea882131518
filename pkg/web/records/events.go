package records

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// Event is a calendar event of a room that a person may request.
type Event struct {
	Start, End string // HH:MM on the room's clock
	Title      string // empty: it has none, or it is not known
	Record     int64  // number of the person's record of these hours; 0: none
}

// Events returns the events of a room's day that a person may see, by time: those that the person belongs to,
// and all for an operator. Titles are those of the records that the calendar filed. Events that ask for no
// recording are left out.
func (s *Service) Events(
	ctx context.Context, caller *auth.Caller, room *nvr.Room, date string,
) ([]Event, error) {
	zone := room.Zone
	midnight, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return nil, err
	}
	next := midnight.AddDate(0, 0, 1)
	own, err := s.Store.EventMembers.Of(ctx, room, caller.Email, midnight, next)
	if err != nil {
		return nil, err
	}
	day, err := s.Store.Records.On(ctx, room.Name, date)
	if err != nil {
		return nil, fmt.Errorf("read the day's records: %w", err)
	}
	found := map[string]Event{}
	add := func(start, end, title string) {
		key := start + end
		if e := found[key]; e.Title == "" {
			found[key] = Event{Start: start, End: end, Title: title}
		}
	}
	for _, at := range own {
		start, end := at.Start.In(zone), at.End.In(zone)
		if start.Format(time.DateOnly) == date && end.Format(time.DateOnly) == date {
			add(start.Format("15:04"), end.Format("15:04"), "")
		}
	}
	for i := range day {
		r := &day[i]
		_, member := found[r.StartTime+r.EndTime]
		if r.EventID != "" && r.Step != nvr.StepWithdrawn && (member || caller.Owns(r)) {
			add(r.StartTime, r.EndTime, r.Title)
		}
	}
	var events []Event
	for _, e := range found {
		optedOut, err := s.optedOut(ctx, room, date, e)
		if err != nil {
			return nil, err
		}
		if optedOut || e.End <= e.Start {
			continue
		}
		for i := range day {
			r := &day[i]
			if isOf(r, caller.Email) && r.StartTime == e.Start && r.EndTime == e.End && isOpenOrDone(r) {
				e.Record = r.ID
			}
		}
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Start+a.End, b.Start+b.End) })
	return events, nil
}

// optedOut reports whether the whole time of an event asks for no recording.
func (s *Service) optedOut(ctx context.Context, room *nvr.Room, date string, e Event) (bool, error) {
	record := nvr.Record{Date: date, StartTime: e.Start, EndTime: e.End}
	start, end, err := record.Window(room.Zone)
	if err != nil {
		return true, nil // in an hour that the clock skips
	}
	parts, err := s.Store.OptOuts.Within(ctx, room, start, end)
	return nvr.Cover(parts, start, end), err
}

// isOf reports whether a record is a person's own.
func isOf(r *nvr.Record, email string) bool {
	return strings.EqualFold(r.UserEmail, email)
}
