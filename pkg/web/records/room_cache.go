package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// roomsFor is how long a list of rooms serves: lists, streams and pages ask for it all the time, and
// rooms hardly change.
const roomsFor = 2 * time.Second

// roomList is the rooms at one moment.
type RoomList struct {
	Rooms  []nvr.Room
	ByName map[string]*nvr.Room
	asked  time.Time
}

// of is the zone of a room; UTC where the room is gone.
func (l *RoomList) Zone(room string) *time.Location {
	if found := l.ByName[room]; found != nil && found.Zone != nil {
		return found.Zone
	}
	return time.UTC
}

// zones gives a list of rooms that is at most [roomsFor] old, and knows the rooms of these records, unless
// they are gone: what was added a moment ago counts.
func (s *Service) Zones(ctx context.Context, records ...nvr.Record) (*RoomList, error) {
	list := s.roomList.Load()
	if list == nil || s.Now().Sub(list.asked).Abs() >= roomsFor ||
		slices.ContainsFunc(records, func(r nvr.Record) bool { return list.ByName[r.Room] == nil }) {
		return s.ReadRooms(ctx)
	}
	return list, nil
}

// roomsNow reads the list of rooms.
func (s *Service) ReadRooms(ctx context.Context) (*RoomList, error) {
	now := s.Now()
	rooms, err := s.Store.Rooms.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the rooms: %w", err)
	}
	list := &RoomList{Rooms: rooms, ByName: make(map[string]*nvr.Room, len(rooms)), asked: now}
	for i := range rooms {
		list.ByName[rooms[i].Name] = &rooms[i]
	}
	s.roomList.Store(list)
	return list, nil
}

// room finds a room by its exact name.
func (s *Service) Room(ctx context.Context, name string) (room nvr.Room, ok bool, err error) {
	room, err = s.Store.Rooms.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return room, false, nil
	}
	return room, err == nil, err
}

// view shows a record now.
func (s *Service) View(ctx context.Context, r *nvr.Record) (View, error) {
	zones, err := s.Zones(ctx, *r)
	if err != nil {
		return View{}, err
	}
	return NewView(r, zones.Zone(r.Room), s.Now()), nil
}

// show is what a watcher of a record sees; for it, a change of this is a change.
func (s *Service) Encode(ctx context.Context, r *nvr.Record) ([]byte, error) {
	v, err := s.View(ctx, r)
	if err != nil {
		return nil, err
	}
	return httpapi.Encode(v), nil
}
