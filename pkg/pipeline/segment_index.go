package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// IndexSegments brings the index of segments, which the pages show, in step with the bucket for the last days,
// today included, of every room. A room that cannot be listed does not keep the others from it.
func (p *Pipeline) IndexSegments(ctx context.Context, days int) error {
	rooms, err := p.Store.Rooms.List(ctx)
	if err != nil {
		return fmt.Errorf("list the rooms: %w", err)
	}
	var errs []error
	for _, room := range rooms {
		today := p.Now().In(room.Zone)
		keep, err := p.keepingOf(ctx, room, today.AddDate(0, 0, -days+1), today)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for back := range days {
			if err := p.indexDay(ctx, &keep, today.AddDate(0, 0, -back).Format(time.DateOnly)); err != nil {
				errs = append(errs, err)
				break
			}
		}
	}
	return errors.Join(errs...)
}

// indexDay lists a room's segments of one day, and settles how long they are kept.
func (p *Pipeline) indexDay(ctx context.Context, keep *keeping, date string) error {
	room := keep.room
	prefix, err := bucket.SegmentsPrefix(room.Name, date)
	if err != nil {
		return nil // a room of such a name has no segments, and its records say so
	}
	var objects []bucket.Object
	var names []nvr.SegmentName
	for object, err := range p.Segments.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("list the segments of %s on %s: %w", room.Name, date, err)
		}
		if name, err := nvr.ParseSegmentName(object.Name[len(prefix):]); err == nil && name.Room == room.Name && name.Date == date {
			objects, names = append(objects, object), append(names, name)
		}
	}
	kept, errKept := keep.mark(ctx, objects, names)
	segments := make([]store.Segment, len(objects))
	for i, object := range objects {
		segments[i] = store.Segment{
			Name:       names[i],
			Bytes:      object.Size,
			Generation: object.Generation,
			KeptUntil:  kept[i],
		}
	}
	_, err = p.Store.Segments.Index(ctx, room.Name, date, segments)
	return errors.Join(errKept, err)
}

// saveAnalysis notes for the pages what the plan has found in the segments.
func (w *worker) saveAnalysis(ctx context.Context, plan *merge.Plan) error {
	judged := map[string]merge.Judged{}
	for _, j := range plan.Verdicts {
		judged[j.Path] = j
	}
	for _, seg := range plan.Segments {
		generation, err := strconv.ParseInt(seg.Generation, 10, 64)
		if err != nil {
			return fmt.Errorf("read the generation of %s: %w", seg.Path, err)
		}
		look := store.Analysis{Seconds: seg.Length.Seconds()}
		if len(seg.PictureRuns) == 0 && len(seg.SoundRuns) == 0 {
			look.Fault = w.p.Texts.For("en").Cause(seg.Cause)
		}
		for _, s := range judged[seg.Path].Stretches {
			look.Stretches = append(look.Stretches, store.Stretch{
				From:         s.From.Seconds(),
				To:           s.Until.Seconds(),
				Presentation: s.Presentation,
			})
		}
		if err := w.p.Store.Segments.SaveAnalysis(ctx, seg.Name, generation, look); err != nil {
			return err
		}
	}
	return nil
}

// How long rows and objects are kept after their last use.
const (
	keepRequests = 30 * 24 * time.Hour      // idempotency keys
	keepOptOuts  = 400 * 24 * time.Hour     // opt-outs: older time cannot be requested
	keepMembers  = 60 * 24 * time.Hour      // members of events
	keepIndex    = 3 * 366 * 24 * time.Hour // the index of segments, for the pages
)

// PurgeExpired removes what has been kept long enough. Once a day.
func (p *Pipeline) PurgeExpired(ctx context.Context) error {
	rooms, err := p.Store.Rooms.List(ctx)
	if err != nil {
		return fmt.Errorf("list the rooms: %w", err)
	}
	errs := []error{p.Store.Requests.ForgetKeys(ctx, p.Now().Add(-keepRequests))}
	errs = append(errs,
		p.Store.OptOuts.Purge(ctx, p.Now().Add(-keepOptOuts)),
		p.Store.EventMembers.Purge(ctx, p.Now().Add(-keepMembers)),
	)
	for _, room := range rooms {
		errs = append(errs, p.Store.Segments.Forget(
			ctx,
			room.Name,
			p.Now().Add(-keepIndex).In(room.Zone).Format(time.DateOnly),
		))
	}
	return errors.Join(errs...)
}
