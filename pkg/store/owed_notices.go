package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectOwed = `select ` + recordColumns + ` from records where step = 'failed' and due_at = 1 order by id limit ?`

	updateTold = `update records set due_at = 0 where id = ? and attempt = ? and step = 'failed' and due_at = 1`

	replaceSlice = `replace into merger_slices (record_id, slice, frames) select id, ?, ? from records` + held

	deleteSlices = `delete from merger_slices where record_id = ?`

	// The division is of integers; 100 is said when the merge is joined.
	updateSlices = `update records set progress = (select case when sum(frames) >= ? then 99 else floor(sum(frames) * 100 / ?) end
 from merger_slices where record_id = ?)` + held
)

// Notices keeps which failures the requester must still be notified of.
type Notices struct{ *database }

// OwedNotices lists failed records whose requester was not told yet, at most limit. A record owes a
// notice from the instant it fails, so that a process that dies between the two forgets nothing.
func (s Notices) Owed(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectOwed, limit)
	if err != nil {
		return nil, fmt.Errorf("look for owed notices: %w", err)
	}
	return records, nil
}

// NoticeSent strikes the debt of a failed record that was read.
func (s Notices) MarkSent(ctx context.Context, r nvr.Record) error {
	if _, err := s.exec(ctx, updateTold, r.ID, r.Attempt); err != nil {
		return fmt.Errorf("note that the requester of record %d was told: %w", r.ID, err)
	}
	return nil
}

// AddSlice writes that frames of a slice are rendered, and from all slices how far the merge of total
// frames is.
func (s Leases) AddSlice(ctx context.Context, h nvr.Lease, slice int, frames, total int64) error {
	if err := s.changeHeld(ctx, "write the progress of", &h, replaceSlice, slice, frames); err != nil {
		return err
	}
	return s.changeHeld(ctx, "write the progress of", &h, updateSlices, total, total, h.Record)
}

// ForgetSlices lets the progress of a record begin anew.
func (s Leases) ForgetSlices(ctx context.Context, record int64) error {
	if _, err := s.exec(ctx, deleteSlices, record); err != nil {
		return fmt.Errorf("begin the progress of record %d anew: %w", record, err)
	}
	return nil
}
