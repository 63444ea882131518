package store

import (
	"context"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	replaceSlice = `replace into merger_slices (record_id, slice, frames) select id, ?, ? from records` + held

	deleteSlices = `delete from merger_slices where record_id = ?`

	// The division is of integers. The progress stays below 100 until the merge is joined.
	updateSlices = `update records set progress = (select case when sum(frames) >= ? then 99 else floor(sum(frames) * 100 / ?) end
 from merger_slices where record_id = ?)` + held
)

// AddSlice stores how many frames of a slice are rendered. It also updates the progress of the record,
// whose merge has total frames.
func (s Leases) AddSlice(ctx context.Context, h nvr.Lease, slice int, frames, total int64) error {
	if err := s.changeHeld(ctx, "write the progress of", &h, replaceSlice, slice, frames); err != nil {
		return err
	}
	return s.changeHeld(ctx, "write the progress of", &h, updateSlices, total, total, h.Record)
}
