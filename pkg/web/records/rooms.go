package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// roomsFor is how long a list of rooms is reused. Lists, streams and pages need it all the time,
// and rooms change rarely.
const roomsFor = 2 * time.Second

// RoomList is the rooms at one moment, sorted by name.
type RoomList struct {
	Rooms []nvr.Room

	byName map[string]*nvr.Room
	readAt time.Time
}

// Find returns the room with exactly this name, or nil.
func (l *RoomList) Find(name string) *nvr.Room {
	return l.byName[name]
}

// Zone returns the time zone of a room. It is UTC if the room does not exist any more.
func (l *RoomList) Zone(name string) *time.Location {
	room := l.byName[name]
	if room == nil || room.Zone == nil {
		return time.UTC
	}
	return room.Zone
}

// CachedRooms returns a list of rooms that is at most [roomsFor] old. It reads the list again if
// the list lacks the room of one of the records, so that a room that was just added counts.
func (s *Service) CachedRooms(ctx context.Context, records ...nvr.Record) (*RoomList, error) {
	list := s.rooms.Load()
	if list == nil || s.Now().Sub(list.readAt).Abs() >= roomsFor {
		return s.ReadRooms(ctx)
	}
	unknown := func(r nvr.Record) bool { return list.Find(r.Room) == nil }
	if slices.ContainsFunc(records, unknown) {
		return s.ReadRooms(ctx)
	}
	return list, nil
}

// ReadRooms reads the list of rooms from the database.
func (s *Service) ReadRooms(ctx context.Context) (*RoomList, error) {
	now := s.Now()
	rooms, err := s.Store.Rooms.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the rooms: %w", err)
	}
	list := &RoomList{
		Rooms:  rooms,
		byName: make(map[string]*nvr.Room, len(rooms)),
		readAt: now,
	}
	for i := range rooms {
		list.byName[rooms[i].Name] = &rooms[i]
	}
	s.rooms.Store(list)
	return list, nil
}

// ForgetRooms drops the cached list, because a room has changed.
func (s *Service) ForgetRooms() {
	s.rooms.Store(nil)
}

// Room reads the room with exactly this name; ok is false if there is none.
func (s *Service) Room(ctx context.Context, name string) (room nvr.Room, ok bool, err error) {
	room, err = s.Store.Rooms.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return room, false, nil
	}
	return room, err == nil, err
}
