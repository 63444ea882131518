package records

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// Service is what the pages and the APIs share.
type Service struct {
	Store   Store
	Now     func() time.Time
	Log     *slog.Logger
	Watcher *Watcher

	roomList atomic.Pointer[RoomList]
}

// New returns a Service; scale divides the pause between two looks of its watcher.
func New(s Store, now func() time.Time, log *slog.Logger, scale float64) *Service {
	service := &Service{Store: s, Now: now, Log: log}
	service.Watcher = &Watcher{read: s.Records.ByID, show: service.Encode, every: scaled(watchEvery, scale), now: now, log: log, watched: map[int64]*watched{}}
	return service
}

// scaled divides a pause, but leaves the machine time to breathe.
func scaled(d time.Duration, by float64) time.Duration {
	return max(time.Duration(float64(d)/by), 50*time.Millisecond)
}

// ForgetRooms drops the list of rooms: one has changed.
func (s *Service) ForgetRooms() { s.roomList.Store(nil) }
