package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	// keepMargin is how much of a segment may lie beside a record that needs it: a recorder's clock is never
	// quite right, and the hours of a lecture may be corrected.
	keepMargin = 10 * time.Minute
	// keepCalls is how many segments are changed at once.
	keepCalls = 8
)

// keeping decides how long the segments of a room are kept. Segments that a record needs are kept for
// Settings.Retention, the others for Settings.Spare. Where Spare is zero, no segment is given a time, and the
// bucket deletes by age.
type keeping struct {
	p     *Pipeline
	room  nvr.Room
	needs []nvr.Interval // the hours of records, with their margins
}

// keepingOf reads which hours of a room's days (YYYY-MM-DD) from one to another are needed: those of every
// record that was not withdrawn. An event that is to be recorded has a record.
func (p *Pipeline) keepingOf(ctx context.Context, room nvr.Room, from, to time.Time) (keeping, error) {
	k := keeping{p: p, room: room}
	if p.Settings.Spare == 0 {
		return k, nil
	}
	records, err := p.Store.Records.Between(ctx, room.Name,
		from.AddDate(0, 0, -1).Format(time.DateOnly), to.AddDate(0, 0, 1).Format(time.DateOnly))
	if err != nil {
		return k, fmt.Errorf("find out which footage is needed: %w", err)
	}
	for i := range records {
		start, end, err := records[i].Window(room.Zone)
		if err != nil || records[i].Step == nvr.StepWithdrawn {
			continue // a time that does not exist needs no footage
		}
		k.needs = append(k.needs, nvr.Interval{Start: start.Add(-keepMargin), End: end.Add(keepMargin)})
	}
	return k, nil
}

// until returns when a segment may be deleted, or the zero time if its age decides.
func (k *keeping) until(name nvr.SegmentName) time.Time {
	start, err := nvr.Wall(name.Date, name.Time, k.room.Zone)
	if k.p.Settings.Spare == 0 || err != nil {
		return time.Time{}
	}
	kept := min(k.p.Settings.Spare, k.p.Settings.Retention)
	if len(nvr.Within(k.needs, start, start.Add(k.room.SegmentLength))) > 0 {
		kept = k.p.Settings.Retention
	}
	return start.Add(kept)
}

// mark makes the bucket keep segments as long as they are needed, and returns until when each is kept. What
// it has promised already is never taken back. A segment that was replaced meanwhile is left to the next run.
func (k *keeping) mark(ctx context.Context, objects []bucket.Object, names []nvr.SegmentName) ([]time.Time, error) {
	kept := make([]time.Time, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(keepCalls)
	for i, object := range objects {
		kept[i] = object.KeepUntil
		until := k.until(names[i])
		if !until.After(object.KeepUntil) {
			continue
		}
		group.Go(func() error {
			err := k.p.Segments.KeepUntil(ctx, object, until)
			if errors.Is(err, bucket.ErrChanged) || errors.Is(err, bucket.ErrNotFound) {
				return nil
			}
			if err == nil {
				kept[i] = until
			}
			return err
		})
	}
	return kept, group.Wait()
}
