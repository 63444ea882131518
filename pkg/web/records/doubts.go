package records

import (
	"context"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// arrivalTime is how long footage may take from the end of a window to the index.
const arrivalTime = time.Hour

// Doubt is a reason why a request will probably fail. It is shown before the request is sent, and refuses
// nothing.
type Doubt struct {
	Code   string // the catalogue's text is "page.doubt." and the code
	Record int64  // number of the record of the same hours; 0 for other doubts
}

// Doubts returns what is to be expected of a request, if it is valid so far: the room has no cameras, no
// footage of the hours is known, the footage is older than what is kept, or the same person has the same
// hours already. An opt-out is one too.
func (s *Service) Doubts(
	ctx context.Context, caller *auth.Caller, q Request, room *nvr.Room,
) ([]Doubt, error) {
	if len(Check(q, room.Zone, s.Now())) > 0 {
		return nil, nil
	}
	var doubts []Doubt
	same, err := s.sameHours(ctx, q)
	if err != nil {
		return nil, err
	}
	if same > 0 {
		doubts = append(doubts, Doubt{Code: "same-hours", Record: same})
	}
	denial, err := s.CheckAllowed(ctx, caller, q, room)
	if err != nil {
		return nil, err
	}
	if denial.Code == "opted-out" {
		return append(doubts, Doubt{Code: denial.Code}), nil
	}
	code, err := s.doubtFootage(ctx, q, room)
	if code != "" {
		doubts = append(doubts, Doubt{Code: code})
	}
	return doubts, err
}

// sameHours returns the number of the newest record of the same person and hours that is open or done. It is
// 0 if there is none.
func (s *Service) sameHours(ctx context.Context, q Request) (int64, error) {
	day, err := s.Store.Records.On(ctx, q.Room, q.Date)
	if err != nil {
		return 0, fmt.Errorf("read the day's records: %w", err)
	}
	found := int64(0)
	for i := range day {
		r := &day[i]
		if isOf(r, q.Email) && r.StartTime == q.Start && r.EndTime == q.End && isOpenOrDone(r) {
			found = max(found, r.ID)
		}
	}
	return found, nil
}

// doubtFootage returns the code of what is doubtful about the footage of a request. It is empty if nothing
// is.
func (s *Service) doubtFootage(ctx context.Context, q Request, room *nvr.Room) (string, error) {
	if len(SourcesOf(room)) == 0 {
		return "no-cameras", nil
	}
	record := q.Record()
	start, end, err := record.Window(room.Zone)
	if err != nil {
		return "", err
	}
	if s.Now().Sub(end) < arrivalTime {
		return "", nil
	}
	segments, err := s.Store.Segments.On(ctx, room.Name, q.Date)
	if err != nil {
		return "", fmt.Errorf("read the index of segments: %w", err)
	}
	for _, segment := range segments {
		from, err := segment.Name.Start(room.Zone)
		if err == nil && from.Before(end) && from.Add(room.SegmentLength).After(start) {
			return "", nil
		}
	}
	if s.Retention > 0 && s.Now().Sub(end) > s.Retention {
		return "too-old", nil
	}
	return "no-footage", nil
}

// isOpenOrDone reports whether a record neither failed nor was withdrawn.
func isOpenOrDone(r *nvr.Record) bool {
	return r.Step.Working() || r.Step == nvr.StepDone
}
