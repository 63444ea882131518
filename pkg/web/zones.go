package web

import (
	"context"
	"fmt"
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

// zones gives a list of rooms that is at most [roomsFor] old.
func (s *site) zones(ctx context.Context) (*roomList, error) {
	now := s.Now()
	if list := s.roomList.Load(); list != nil && now.Sub(list.asked).Abs() < roomsFor {
		return list, nil
	}
	rooms, err := s.Store.Rooms(ctx)
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
	zones, err := s.zones(ctx)
	if err != nil {
		return recordView{}, err
	}
	return view(r, zones.of(r.Room), s.Now()), nil
}
