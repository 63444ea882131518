package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectMemberEvents = `select event_id, room, start_at, end_at, members from merger_event_members
 where calendar = ? and end_at > ?`

	selectMembersAt = `select start_at, end_at, members from merger_event_members
 where (room = ? or calendar = ?) and start_at < ? and end_at > ?`

	deleteMembers = `delete from merger_event_members where calendar = ? and event_id = ?`

	replaceMembers = `replace into merger_event_members (calendar, event_id, room, start_at, end_at, members)
 values (?, ?, ?, ?, ?, ?)`

	updateMembersOf = `update merger_event_members set members = replace(members, ?, '') where instr(members, ?) > 0`

	deleteMembersBefore = `delete from merger_event_members where end_at < ?`
)

// EventMembers keeps who belongs to the events of the rooms, so that the pages know who may request what. It holds
// digests of addresses only.
type EventMembers struct{ *database }

// MemberEvent is an event with its members: organiser, creator and guests.
type MemberEvent struct {
	Calendar   string
	Event      string
	Room       string
	Start, End time.Time // UTC, to the millisecond
	Members    string    // see FormatMembers
}

// maxMembers bounds the column: what MySQL's text holds.
const maxMembers = 900

// FormatMembers returns the digests of addresses as [MemberEvent] holds them, without order.
func FormatMembers(addresses []string) string {
	var digests []string
	for _, address := range addresses {
		if address != "" {
			digests = append(digests, memberDigest(address))
		}
	}
	slices.Sort(digests)
	digests = slices.Compact(digests)
	return strings.Join(digests[:min(len(digests), maxMembers)], " ")
}

func memberDigest(address string) string {
	return digest([]byte(strings.ToLower(strings.TrimSpace(address))))
}

// OfCalendar lists the events of a calendar that end after an instant.
func (s EventMembers) OfCalendar(ctx context.Context, calendar string, after time.Time) ([]MemberEvent, error) {
	var events []MemberEvent
	err := s.each(ctx, func() { events = nil }, func(row scanner) error {
		event := MemberEvent{Calendar: calendar}
		var start, end int64
		err := row.Scan(&event.Event, &event.Room, &start, &end, &event.Members)
		event.Start, event.End = instant(start), instant(end)
		events = append(events, event)
		return err
	}, selectMemberEvents, calendar, millis(after))
	if err != nil {
		return nil, fmt.Errorf("list the members of the events of calendar %q: %w", calendar, err)
	}
	return events, nil
}

// Of returns the times of the events of a room, from start to end, to which an address belongs.
func (s EventMembers) Of(
	ctx context.Context, room *nvr.Room, address string, start, end time.Time,
) ([]nvr.Interval, error) {
	member := memberDigest(address)
	var found []nvr.Interval
	err := s.each(ctx, func() { found = nil }, func(row scanner) error {
		var from, until int64
		var members string
		err := row.Scan(&from, &until, &members)
		if slices.Contains(strings.Fields(members), member) {
			found = append(found, nvr.Interval{Start: instant(from), End: instant(until)})
		}
		return err
	}, selectMembersAt, room.Name, room.Calendar, millis(end), millis(start))
	if err != nil {
		return nil, fmt.Errorf("read the members of events of room %q: %w", room.Name, err)
	}
	return found, nil
}

// Save stores an event in place of what it was.
func (s EventMembers) Save(ctx context.Context, event MemberEvent) error {
	_, err := s.exec(ctx, replaceMembers, event.Calendar, event.Event, event.Room,
		millis(event.Start), millis(event.End), event.Members)
	if err != nil {
		return fmt.Errorf("store the members of event %q: %w", event.Event, err)
	}
	return nil
}

// Delete removes an event.
func (s EventMembers) Delete(ctx context.Context, event MemberEvent) error {
	if _, err := s.exec(ctx, deleteMembers, event.Calendar, event.Event); err != nil {
		return fmt.Errorf("remove the members of event %q: %w", event.Event, err)
	}
	return nil
}

// Purge removes the events that end before an instant.
func (s EventMembers) Purge(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, deleteMembersBefore, millis(before)); err != nil {
		return fmt.Errorf("delete the members of old events: %w", err)
	}
	return nil
}
