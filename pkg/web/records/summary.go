package records

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	summariesKept = 2000            // of some 500 bytes
	summariesRead = 8               // reports that are read at the same time
	summaryTime   = 5 * time.Second // that all reports of a page may take
)

// Missing is how much of a video one role lacks.
type Missing struct {
	Role   string // lecturer, screen, board or sound
	Length time.Duration
}

// Summary is what a report says about a video in short.
type Summary struct {
	Missing  []Missing // by role, only what lacks something
	Warnings json.RawMessage
}

// Seconds returns the length of all that is missing, summed over the roles.
func (s *Summary) Seconds() float64 {
	var sum time.Duration
	for _, m := range s.Missing {
		sum += m.Length
	}
	return sum.Round(time.Millisecond).Seconds()
}

// summaryKey names the report of a record's merge. It is empty if there is none yet.
func summaryKey(r *nvr.Record) string {
	if r.Digest == "" || r.Step == nvr.StepStage || r.Step == nvr.StepMerge {
		return ""
	}
	return fmt.Sprint(r.ID, "/", r.Digest)
}

// Summary returns what the report of a record says, as far as it was read. It is nil if there is none.
func (s *Service) Summary(r *nvr.Record) *Summary {
	summary, _ := s.summaries.get(summaryKey(r))
	return summary
}

// readSummaries reads the reports of records that were not read yet. One that cannot be read is logged and
// left out.
func (s *Service) readSummaries(ctx context.Context, list []nvr.Record) {
	if s.Report == nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, summaryTime)
	defer stop()
	var group errgroup.Group
	group.SetLimit(summariesRead)
	for _, record := range list {
		key := summaryKey(&record)
		if _, known := s.summaries.get(key); known || key == "" {
			continue
		}
		group.Go(func() error {
			text, err := s.Report(ctx, record)
			var summary *Summary
			if err == nil && len(text) > 0 {
				summary, err = readSummary(text)
			}
			if err != nil {
				s.Log.WarnContext(ctx, "could not read a report", "record", record.ID, "err", err)
			}
			if summary != nil {
				s.summaries.put(key, summary)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
}

// readSummary reads what a report says in short.
func readSummary(text []byte) (*Summary, error) {
	var made struct {
		Gaps []struct {
			Role       *string
			Start, End time.Time
		}
		Warnings json.RawMessage
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	lengths := map[string]time.Duration{}
	for _, gap := range made.Gaps {
		role := Sound
		if gap.Role != nil && *gap.Role != "" {
			role = *gap.Role
		}
		lengths[role] += gap.End.Sub(gap.Start)
	}
	summary := &Summary{Warnings: made.Warnings}
	for _, role := range slices.Sorted(maps.Keys(lengths)) {
		if lengths[role] > 0 {
			summary.Missing = append(summary.Missing, Missing{Role: role, Length: lengths[role]})
		}
	}
	return summary, nil
}
