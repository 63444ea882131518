package records

import (
	"context"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// arrivalTime is how long footage may take from the end of a window to the index.
const arrivalTime = time.Hour

// Caution is a reason why a request will probably fail. It is shown before the request is sent, and refuses
// nothing.
type Caution struct {
	Code   string // the catalogue's text is "page.doubt." and the code
	Record int64  // number of the record of the same hours; 0 for other cautions
}

// Cautions returns what is to be expected of a request for a room's day, if it is valid so far: the room has
// no cameras, no footage of the hours is known, the footage is older than what is kept, or the same person
// has the same hours already. An opt-out is a caution, too.
func (s *Service) Cautions(
	ctx context.Context, caller *auth.Caller, q Request, room *nvr.Room, day *Day,
) ([]Caution, error) {
	if len(Check(q, room.Zone, s.Now())) > 0 {
		return nil, nil
	}
	var cautions []Caution
	if same := day.recordOf(q.Email, q.Start, q.End); same > 0 {
		cautions = append(cautions, Caution{Code: "same-hours", Record: same})
	}
	denial, err := s.CheckAllowed(ctx, caller, q, room)
	if err != nil {
		return nil, err
	}
	if denial.Code == "opted-out" {
		return append(cautions, Caution{Code: denial.Code}), nil
	}
	code, err := s.cautionFootage(q, room, day)
	if code != "" {
		cautions = append(cautions, Caution{Code: code})
	}
	return cautions, err
}

// cautionFootage returns the code of a caution about the footage of a request. It is empty if there is none.
func (s *Service) cautionFootage(q Request, room *nvr.Room, day *Day) (string, error) {
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
	for _, segments := range day.Segments {
		for i := range segments {
			from, err := segments[i].Name.Start(room.Zone)
			if err == nil && from.Before(end) && from.Add(room.SegmentLength).After(start) {
				return "", nil
			}
		}
	}
	if s.Retention > 0 && s.Now().Sub(end) > s.Retention {
		return "too-old", nil
	}
	return "no-footage", nil
}
