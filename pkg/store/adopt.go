package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// Events that already have a record are skipped. A second row of the NVR for such an event stays with the NVR.
	selectAdoptable = `select ` + recordColumns + ` from records where room_name = ? and date >= ? and coalesce(event_id, '') <> ''
 and not exists (select 1 from merger_events e where e.calendar = ? and e.event_id = records.event_id) order by id`

	updateRemark = `update records set reason = ? where id = ? and attempt = ? and step = ?`
)

// Adoptable lists the records of a room from a date (YYYY-MM-DD) on that the NVR inserted for calendar
// events without a record in merger_events. [Events.EnsureRecord] adopts each of them.
func (s Events) Adoptable(ctx context.Context, calendar, room, from string) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectAdoptable, room, from, calendar)
	if err != nil {
		return nil, fmt.Errorf("list the NVR's records of room %q: %w", room, err)
	}
	return records, nil
}

// SetReason stores a remark on a record that was read. It does not disturb the work on the record. A record
// that has changed since then stays as it is.
func (s Requests) SetReason(ctx context.Context, r nvr.Record, remark cause.Cause) error {
	if _, err := s.exec(ctx, updateRemark, s.formatReason(remark), r.ID, r.Attempt, r.Step); err != nil {
		return fmt.Errorf("write a remark into record %d: %w", r.ID, err)
	}
	return nil
}
