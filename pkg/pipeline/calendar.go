package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Calendar keeps the records in step with the rooms' calendars.
//
// A sweep reads what a calendar says now and compares it with the records of its events; it keeps no
// state of its own, so a sweep that was killed at any line, ran twice, or met a calendar that changed
// while it was read is mended by the next. A record is one request of one event in one calendar
// ([store.EventKey]). Until its processing began a record follows its event; afterwards it is left as it
// is, and an event that was moved gets a further record.
type Calendar struct {
	Store     CalendarStore
	Workspace *workspace.Client
	Now       func() time.Time
	Log       *slog.Logger
	Settings  CalendarSettings

	skippedEvents skippedEvents
}

// skippedEvents remembers which events were said to be no record, so that the log has each once a process, and
// not every few minutes.
type skippedEvents struct {
	mu     sync.Mutex
	events map[string]time.Time // by calendar and id: how new the event was
}

const maxSkippedEvents = 20_000

// first reports whether an event was not said before as it is now.
func (s *skippedEvents) first(calendarID string, event *workspace.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events == nil || len(s.events) >= maxSkippedEvents {
		s.events = map[string]time.Time{}
	}
	key := calendarID + "\n" + event.ID
	at, there := s.events[key]
	s.events[key] = event.Updated
	return !there || !at.Equal(event.Updated)
}

// CalendarSettings are the decisions of the operator.
type CalendarSettings struct {
	Retention time.Duration // of the segments: older events are not looked at; 0: 14 days
	Ahead     time.Duration // how far the sweep looks into the future; 0: 14 days
	Requester string        // receives the video of an event that names no person; empty: such an event is no record
	Address   string        // where notifications arrive; empty: calendars are only polled
	Life      time.Duration // of a notification channel; 0: 7 days
	Domains   []string      // of the Workspace: an opt-out of their people counts for everyone
	Members   bool          // whether to store who belongs to which event
}

const (
	defaultSpan = 14 * 24 * time.Hour
	sweepers    = 6 // calendars that are read at once
)

// Sweep reads the calendars of all rooms. A calendar that cannot be read does not keep the others from it.
func (c *Calendar) Sweep(ctx context.Context) error {
	rooms, err := c.Store.Rooms.List(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, len(rooms))
	var group errgroup.Group
	group.SetLimit(sweepers)
	swept := map[string]string{}
	for i := range rooms {
		room := &rooms[i]
		if room.Calendar == "" {
			continue
		}
		if other, twice := swept[room.Calendar]; twice {
			c.Log.WarnContext(
				ctx, "two rooms have one calendar; only the first is looked at",
				"room", room.Name,
				"other", other,
			)
			continue
		}
		swept[room.Calendar] = room.Name
		group.Go(func() error {
			if err := c.sweep(ctx, room); err != nil {
				errs[i] = fmt.Errorf("look at the calendar of room %q: %w", room.Name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // they say their errors in errs
	return errors.Join(errs...)
}

// SweepRoom reads the calendar of one room. A room that is gone, or has no calendar, is no error.
func (c *Calendar) SweepRoom(ctx context.Context, name string) error {
	room, err := c.Store.Rooms.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && room.Calendar == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.sweep(ctx, &room); err != nil {
		return fmt.Errorf("look at the calendar of room %q: %w", name, err)
	}
	return nil
}

// sweep brings the records of one calendar into step. The records are read before the events: what
// another sweep wrote since then from a newer calendar is no longer as it was read, and is left alone.
func (c *Calendar) sweep(ctx context.Context, room *nvr.Room) error {
	ctx = observe.WithRoom(ctx, room.Name)
	now := c.Now()
	from, to := now.Add(-cmp.Or(c.Settings.Retention, defaultSpan)), now.Add(cmp.Or(c.Settings.Ahead, defaultSpan))
	known, err := c.known(ctx, room, from.In(room.Zone).Format(time.DateOnly))
	if err != nil {
		return err
	}
	listed := map[string]workspace.Event{} // of an event that two pages show, the later
	for event, err := range c.Workspace.Events(ctx, room.Calendar, from, to) {
		if err != nil {
			return err
		}
		listed[event.ID] = event
	}
	if err := c.syncOptOuts(ctx, room, listed, from, to); err != nil {
		return err
	}
	if err := c.syncMembers(ctx, room, listed, from, to); err != nil {
		return err
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(listed)) {
		event := listed[id]
		errs = append(errs, c.follow(ctx, room, &event, known[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		last := known[id]
		if _, there := listed[id]; !there && c.inside(&last.Record, room, from, to) {
			errs = append(errs, c.missing(ctx, room, last))
		}
	}
	errs = append(errs, c.settleOptOuts(ctx, room, from))
	return errors.Join(errs...)
}

// known gives the newest request of each event, after adopting what the NVR inserted.
func (c *Calendar) known(ctx context.Context, room *nvr.Room, from string) (map[string]*store.Event, error) {
	strays, err := c.Store.Events.Adoptable(ctx, room.Calendar, room.Name, from)
	if err != nil {
		return nil, err
	}
	for _, stray := range strays {
		if _, _, err := c.Store.Events.EnsureRecord(ctx, store.EventKey{
			Calendar: room.Calendar,
			Event:    stray.EventID,
		}, stray); err != nil {
			return nil, err
		}
		c.Log.InfoContext(ctx, "adopted a record that the NVR made of an event", "record", stray.ID)
	}
	events, err := c.Store.Events.List(ctx, room.Calendar, from)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*store.Event, len(events))
	for i := range events { // by event and revision: the last wins
		known[events[i].Key.Event] = &events[i]
	}
	return known, nil
}

// inside reports whether a record may still follow its event, and lies where the event should have been
// listed.
func (c *Calendar) inside(r *nvr.Record, room *nvr.Room, from, to time.Time) bool {
	start, end, err := r.Window(room.Zone)
	return follows(r) && err == nil && end.After(from) && start.Before(to)
}

// follows reports whether a record may still follow its event: its processing has not begun. A video that was
// delivered does not, even while it is made again.
func follows(r *nvr.Record) bool {
	return store.Claimable(r) && r.Revision <= 1
}

// missing looks for the event of a record that was not listed: it is gone, or elsewhere in time, or a page
// shifted while it was read.
func (c *Calendar) missing(ctx context.Context, room *nvr.Room, last *store.Event) error {
	event, err := c.eventNow(ctx, room, last.Key.Event)
	if err != nil {
		return err
	}
	return c.follow(ctx, room, &event, last)
}

// follow makes of an event what it asks for; last is its newest request, nil if none is known.
func (c *Calendar) follow(ctx context.Context, room *nvr.Room, event *workspace.Event, last *store.Event) error {
	wish, refusal := calendar.Read(eventOf(event), *room, c.Settings.Requester)
	err := c.decide(ctx, room, event, last, wish, refusal)
	if errors.Is(err, fault.ErrStale) || errors.Is(err, store.ErrConflict) {
		c.Log.DebugContext(
			ctx, "a record changed while its event was looked at; the next sweep looks again",
			"event_id", event.ID,
		)
		return nil
	}
	return err
}

func (c *Calendar) decide(ctx context.Context, room *nvr.Room, event *workspace.Event, last *store.Event, wish calendar.Wish, refusal calendar.Refusal) error {
	to := nvr.Record{
		Title:     wish.Title,
		Room:      room.Name,
		Date:      wish.Date,
		StartTime: wish.StartTime,
		EndTime:   wish.EndTime,
		UserEmail: wish.UserEmail,
		EventID:   event.ID,
		Layout:    wish.Layout,
		Held:      wish.Held,
	}
	if last == nil && refusal == calendar.Wanted {
		return c.file(ctx, room, to)
	}
	if last == nil {
		level := slog.LevelDebug
		if refusal != calendar.Cancelled && c.skippedEvents.first(room.Calendar, event) {
			level = slog.LevelInfo
		}
		c.Log.Log(ctx, level, "an event is no record", "event_id", event.ID, "why", string(refusal))
		return nil
	}
	r := last.Record
	log := c.Log.With("record", r.ID)
	named := to
	if to.Title == r.Asked().Title {
		named.Title = r.Title // what a person called it counts until the event is renamed
	}
	if to.Layout == r.Asked().Layout {
		named.Layout = r.Layout
	}
	if r.Edits.Released {
		named.Held = r.Held
	}
	withdrawnByUs := r.Step == nvr.StepWithdrawn &&
		(cancelledBySweep(r.Reason) || r.Reason.Is(cause.CodeOptedOut) && !sameWindow(&r, &to))
	switch {
	case refusal != calendar.Wanted && follows(&r):
		log.InfoContext(ctx, "withdrawn: its event asks for no record", "why", string(refusal))
		return c.Store.Requests.WithdrawRead(ctx, r, cause.EventNotRecorded(string(refusal)))
	case refusal != calendar.Wanted || r.Step == nvr.StepWithdrawn && !withdrawnByUs:
		return nil // processing began, or a person decided
	case withdrawnByUs || follows(&r) && !sameWindow(&r, &to):
		log.InfoContext(
			ctx, "changed: its event was moved or restored",
			"date", to.Date,
			"start", to.StartTime,
			"end", to.EndTime,
		)
		return c.Store.Requests.Revise(ctx, r, to)
	case follows(&r) && (r.Title != named.Title || r.UserEmail != to.UserEmail || r.Layout != named.Layout ||
		r.Held != named.Held):
		return c.Store.Requests.SetDetails(ctx, r, named)
	case follows(&r) || sameWindow(&r, &to):
		return nil
	}
	// The old request is marked first: a kill between the two is mended by the next sweep.
	if err := c.Store.Requests.SetReason(ctx, r, cause.EventMoved(to.Date, to.StartTime, to.EndTime)); err != nil {
		return err
	}
	key := last.Key
	key.Revision++
	further, created, err := c.Store.Events.EnsureRecord(ctx, key, to)
	if created {
		log.InfoContext(
			ctx, "its event was moved after processing began: a further record is made",
			"further", further.ID,
		)
	}
	return err
}

// file makes the record of an event that has none in the window that was read; it may have one elsewhere
// in time.
func (c *Calendar) file(ctx context.Context, room *nvr.Room, to nvr.Record) error {
	last, err := c.Store.Events.Last(ctx, room.Calendar, to.EventID)
	if err == nil {
		return c.decide(ctx, room, &workspace.Event{ID: to.EventID}, &last,
			calendar.Wish{
				Title:     to.Title,
				Date:      to.Date,
				StartTime: to.StartTime,
				EndTime:   to.EndTime,
				UserEmail: to.UserEmail,
				Layout:    to.Layout,
				Held:      to.Held,
			}, calendar.Wanted)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r, created, err := c.Store.Events.EnsureRecord(
		ctx,
		store.EventKey{Calendar: room.Calendar, Event: to.EventID},
		to,
	)
	if created {
		c.Log.InfoContext(
			ctx, "a record of an event",
			"record", r.ID,
			"date", r.Date,
			"start", r.StartTime,
			"end", r.EndTime,
		)
	}
	return err
}

// sameWindow reports whether a record was asked for in this room and time. What people edited since counts
// until the event itself changes.
func sameWindow(r, to *nvr.Record) bool {
	asked := r.Asked()
	return r.Room == to.Room &&
		asked.Date == to.Date && asked.StartTime == to.StartTime && asked.EndTime == to.EndTime
}

// eventOf puts an event into the words of the rules.
func eventOf(e *workspace.Event) calendar.Event {
	event := calendar.Event{
		ID:          e.ID,
		Status:      e.Status,
		Type:        e.Type,
		Summary:     e.Summary,
		Description: e.Description,
		Creator:     e.Creator,
		Organizer:   e.Organizer,

		OwnOrganizer: e.OrganizerSelf,
	}
	if e.Response != "" {
		event.Attendees = []calendar.Attendee{{Self: true, Response: e.Response}}
	}
	switch {
	case e.AllDay:
		event.Start, event.End = calendar.Moment{Date: e.Start.Format(time.DateOnly)}, calendar.Moment{Date: e.End.Format(time.DateOnly)}
	case !e.Start.IsZero() && !e.End.IsZero():
		event.Start, event.End = calendar.Moment{DateTime: e.Start.Format(time.RFC3339Nano)}, calendar.Moment{DateTime: e.End.Format(time.RFC3339Nano)}
	}
	return event
}

// cancelledBySweep reports whether the calendar, and no person, cancelled a record for the cause. The sweep
// may undo that. What a person cancelled stays cancelled.
func cancelledBySweep(reason cause.Cause) bool {
	return reason.Is(cause.CodeEventNotRecorded) || reason.Is(cause.CodeEventWithdrawn)
}
