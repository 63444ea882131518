package records

import (
	"context"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// Policy is who may request which recordings.
type Policy string

// The policies.
const (
	PolicyEvent  Policy = "event"  // members of an event may request its time
	PolicyDomain Policy = "domain" // people of the Workspace may request everything
	PolicyAny    Policy = "any"
)

// eventMargin is how long before and after an event its members may request: lectures begin early and run over.
const eventMargin = 15 * time.Minute

// Denial is why a request that passed [Check] is not accepted. The zero value means that it is.
type Denial struct {
	FieldError

	Forbidden bool // to this caller; else to everyone
}

// CheckAllowed returns why a request that passed [Check] is not accepted: the caller may not make it, or a calendar
// event asks not to record the whole of its time. A request that only overlaps such an event is accepted: its video
// leaves those minutes out.
func (s *Service) CheckAllowed(ctx context.Context, caller *auth.Caller, q Request, room *nvr.Room) (Denial, error) {
	record := q.Record()
	start, end, err := record.Window(room.Zone)
	if err != nil {
		return Denial{}, err
	}
	may, err := s.mayRequest(ctx, caller, q.Email, room, nvr.Interval{Start: start, End: end})
	if err != nil {
		return Denial{}, err
	}
	if !may {
		wrong := FieldError{Field: "room", Code: "policy-" + string(s.Policy)}
		return Denial{FieldError: wrong, Forbidden: true}, nil
	}
	parts, err := s.Store.OptOuts.Within(ctx, room, start, end)
	if err != nil || !nvr.Cover(parts, start, end) {
		return Denial{}, err
	}
	return Denial{FieldError: FieldError{Field: "start", Code: "opted-out"}}, nil
}

// MayLook reports whether a person may see a picture of a room's footage at an instant: the policy allows to
// request it, and no event asks for no recording around it.
func (s *Service) MayLook(
	ctx context.Context, caller *auth.Caller, room *nvr.Room, at time.Time,
) (bool, error) {
	may, err := s.mayRequest(ctx, caller, caller.Email, room, nvr.Interval{Start: at, End: at.Add(time.Second)})
	if err != nil || !may {
		return false, err
	}
	optedOut, err := s.Store.OptOuts.Within(ctx, room, at.Add(-lookBehind), at.Add(time.Second))
	return len(optedOut) == 0, err
}

// lookBehind is how far before an instant its picture may lie: a step of [Thumbnails], and to the key frame
// before that.
const lookBehind = 30 * time.Second

// mayRequest reports whether the policy allows a person to request a room's time. Operators are exempt, and keys
// with a scope or for any address: the operator who made the key has decided.
func (s *Service) mayRequest(
	ctx context.Context, caller *auth.Caller, email string, room *nvr.Room, at nvr.Interval,
) (bool, error) {
	if isTrusted(caller) || len(caller.Rooms) > 0 {
		return true, nil
	}
	switch s.Policy {
	case PolicyDomain:
		return nvr.InDomains(email, s.Domains), nil
	case PolicyEvent:
		events, err := s.Store.EventMembers.Of(
			ctx, room, email, at.Start.Add(-eventMargin), at.End.Add(eventMargin))
		for i := range events {
			events[i].Start = events[i].Start.Add(-eventMargin)
			events[i].End = events[i].End.Add(eventMargin)
		}
		return nvr.Cover(events, at.Start, at.End), err
	case PolicyAny:
	}
	return true, nil
}
