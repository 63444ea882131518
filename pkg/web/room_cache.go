package web

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// roomsFor is how long a list of rooms serves: lists, streams and pages ask for it all the time, and
// rooms hardly change.
const roomsFor = 2 * time.Second

// roomList is the rooms at one moment.
type roomList struct {
	rooms  []nvr.Room
	byName map[string]*nvr.Room
	asked  time.Time
}

// of is the zone of a room; UTC where the room is gone.
func (l *roomList) of(room string) *time.Location {
	if found := l.byName[room]; found != nil && found.Zone != nil {
		return found.Zone
	}
	return time.UTC
}

// zones gives a list of rooms that is at most [roomsFor] old, and knows the rooms of these records, unless
// they are gone: what was added a moment ago counts.
func (s *site) zones(ctx context.Context, records ...nvr.Record) (*roomList, error) {
	list := s.roomList.Load()
	if list == nil || s.Now().Sub(list.asked).Abs() >= roomsFor ||
		slices.ContainsFunc(records, func(r nvr.Record) bool { return list.byName[r.Room] == nil }) {
		return s.roomsNow(ctx)
	}
	return list, nil
}

// roomsNow reads the list of rooms.
func (s *site) roomsNow(ctx context.Context) (*roomList, error) {
	now := s.Now()
	rooms, err := s.Store.Rooms.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the rooms: %w", err)
	}
	list := &roomList{rooms: rooms, byName: make(map[string]*nvr.Room, len(rooms)), asked: now}
	for i := range rooms {
		list.byName[rooms[i].Name] = &rooms[i]
	}
	s.roomList.Store(list)
	return list, nil
}

// view shows a record now.
func (s *site) view(ctx context.Context, r *nvr.Record) (recordView, error) {
	zones, err := s.zones(ctx, *r)
	if err != nil {
		return recordView{}, err
	}
	return view(r, zones.of(r.Room), s.Now()), nil
}
