package records

import (
	"cmp"
	"context"
	"slices"
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
	ctx context.Context, caller *auth.Caller, room *nvr.Room, day *Day,
) ([]Event, error) {
	zone := room.Zone
	midnight, err := time.ParseInLocation(time.DateOnly, day.Date, zone)
	if err != nil {
		return nil, err
	}
	next := midnight.AddDate(0, 0, 1)
	own, err := s.Store.EventMembers.Of(ctx, room, caller.Email, midnight, next)
	if err != nil {
		return nil, err
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
		if start.Format(time.DateOnly) == day.Date && end.Format(time.DateOnly) == day.Date {
			add(start.Format("15:04"), end.Format("15:04"), "")
		}
	}
	for i := range day.Records {
		r := &day.Records[i]
		_, member := found[r.StartTime+r.EndTime]
		if r.EventID != "" && r.Step != nvr.StepWithdrawn && (member || caller.Owns(r)) {
			add(r.StartTime, r.EndTime, r.Title)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	optOuts, err := s.Store.OptOuts.Within(ctx, room, midnight, midnight.Add(longestDay))
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, e := range found {
		if e.End <= e.Start || isOptedOut(e, day.Date, zone, optOuts) {
			continue
		}
		e.Record = day.recordOf(caller.Email, e.Start, e.End)
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Start+a.End, b.Start+b.End) })
	return events, nil
}

// longestDay is more than any day of a room lasts, with the hours that its clock repeats.
const longestDay = 30 * time.Hour

// isOptedOut reports whether the whole time of an event lies in opt-outs, or in an hour that the clock skips.
func isOptedOut(e Event, date string, zone *time.Location, optOuts []nvr.Interval) bool {
	record := nvr.Record{Date: date, StartTime: e.Start, EndTime: e.End}
	start, end, err := record.Window(zone)
	return err != nil || nvr.Cover(optOuts, start, end)
}
