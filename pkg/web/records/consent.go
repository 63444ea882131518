package records

import (
	"context"
	"errors"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// CheckConsent returns an error of the field start if a calendar event asks not to record the whole time of a
// request that passed [Check]. A request that only overlaps such an event is accepted: its video leaves those
// minutes out.
func (s *Service) CheckConsent(ctx context.Context, q Request, room *nvr.Room) ([]FieldError, error) {
	record := q.Record()
	start, end, err := record.Window(room.Zone)
	if errors.Is(err, nvr.ErrNoSuchTime) {
		return nil, nil // Check has said so
	}
	if err != nil {
		return nil, err
	}
	parts, err := s.Store.OptOuts.Within(ctx, room, start, end)
	if err != nil || !nvr.Cover(parts, start, end) {
		return nil, err
	}
	return []FieldError{{Field: "start", Code: "opted-out"}}, nil
}
