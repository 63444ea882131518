package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// An event that has a record already is not looked at: a second row of the NVR for it stays the NVR's.
	selectAdoptable = `select ` + recordColumns + ` from records where room_name = ? and date >= ? and coalesce(event_id, '') <> ''
 and not exists (select 1 from merger_events e where e.calendar = ? and e.event_id = records.event_id) order by id`

	updateRemark = `update records set reason = ? where id = ? and attempt = ? and step = ?`
)

// Adoptable lists the records of a room from a date on that name an event which no record of the calendar
// stands for yet: the NVR inserted them. [Store.EnsureEventRecord] adopts each.
func (s Events) Adoptable(ctx context.Context, calendar, room, from string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectAdoptable, room, from, calendar)
	if err != nil {
		return nil, fmt.Errorf("look for the NVR's records of room %q: %w", room, err)
	}
	return records, nil
}

// SetReason writes a sentence into a record that was read and leaves its work alone. A record that moved on
// since then stays without it.
func (s Requests) SetReason(ctx context.Context, r nvr.Record, remark cause.Cause) error {
	if _, err := s.exec(ctx, updateRemark, s.formatReason(remark), r.ID, r.Attempt, r.Step); err != nil {
		return fmt.Errorf("write a remark into record %d: %w", r.ID, err)
	}
	return nil
}
