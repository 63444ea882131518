package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// copies is how many segments are copied from Drive at once.
const copies = 3

// longestDay is the length of a day on which the clocks are set back. No record is longer.
const longestDay = 25 * time.Hour

// slice is how long the slices of a record are: as the operator wants, or as long as it takes to need no more
// tasks than a record may have. Slices begin at multiples of it from midnight. Cloud Run cannot bound them:
// an execution's parallelism is the job's, and must not exceed the execution's tasks.
func (s Settings) slice(record time.Duration) time.Duration {
	switch s.MostTasks {
	case 0:
		return s.Slice
	case 1:
		return max(s.Slice, longestDay)
	}
	return max(s.Slice, record/time.Duration(s.MostTasks-1)) // one more begins before the record does
}

// request is what the engine is asked for.
func (w *worker) request(start, end time.Time) merge.Request {
	s := w.p.Settings
	layout := cmp.Or(w.rec.Layout, w.room.Layout, s.Layout)
	width, height := merge.SizeOf(layout, s.Width, s.Height)
	req := merge.Request{
		Room:     w.rec.Room,
		Title:    w.rec.Title,
		Start:    start,
		End:      end,
		Sources:  map[nvr.Role]string{},
		Sound:    nvr.Octet(w.room.SoundSource),
		Segment:  w.room.SegmentLength,
		Slice:    s.slice(end.Sub(start)),
		Policy:   s.Policy,
		Layout:   layout,
		Width:    width,
		Height:   height,
		Rate:     s.FPS,
		Loudness: s.Loudness,
	}
	taken := map[string]bool{"": true}
	for _, source := range []struct {
		role    nvr.Role
		address string
	}{
		{nvr.Lecturer, w.room.MainSource},
		{nvr.Screen, w.room.ScreenSource},
		{nvr.Board, w.room.Board()},
	} {
		if octet := nvr.Octet(source.address); !taken[octet] {
			taken[octet] = true
			req.Sources[source.role] = octet
		}
	}
	return req
}

// found is what there is of a record's segments.
type found struct {
	clips   []merge.Clip
	missing []nvr.SegmentName // expected, and neither in the bucket nor on Drive
}

// find lists the record's segments in the bucket and copies from Drive what the bucket lacks. A
// bucket or a Drive that cannot be asked is an error, never "no footage".
func (w *worker) find(ctx context.Context, req merge.Request) (found, error) {
	f, err := w.list(ctx, req)
	if err != nil || len(f.missing) == 0 || !w.p.Settings.DriveSearch {
		return f, err
	}
	var mu sync.Mutex
	var missing []nvr.SegmentName
	group, copying := errgroup.WithContext(ctx)
	group.SetLimit(copies)
	for _, name := range f.missing {
		group.Go(func() error {
			ok, err := w.copyFromDrive(copying, name)
			if err != nil {
				return fmt.Errorf("bring %s from Drive: %w", name, err)
			}
			if !ok {
				mu.Lock()
				defer mu.Unlock()
				missing = append(missing, name)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return f, err
	}
	if len(missing) == len(f.missing) {
		return f, nil
	}
	return w.list(ctx, req)
}

// list lists what the bucket holds of the record.
func (w *worker) list(ctx context.Context, req merge.Request) (found, error) {
	var f found
	here := map[nvr.SegmentName]bool{}
	var objects []bucket.Object
	var names []nvr.SegmentName
	for _, date := range dates(req) {
		prefix, err := bucket.SegmentsPrefix(req.Room, date)
		if err != nil {
			return f, err
		}
		for object, err := range w.p.Segments.List(ctx, prefix) {
			if err != nil {
				return f, fmt.Errorf("list the segments of %s on %s: %w", req.Room, date, err)
			}
			name, err := nvr.ParseSegmentName(object.Name[len(prefix):])
			if err != nil {
				continue // whatever else lies there
			}
			if req.Excludes(name).IsZero() {
				here[name] = true
				f.clips = append(f.clips, w.clip(name, object))
				objects, names = append(objects, object), append(names, name)
			}
		}
	}
	keep := keeping{p: w.p, room: w.room, needs: []nvr.Interval{{Start: req.Start, End: req.End}}}
	if _, err := keep.mark(ctx, objects, names); err != nil {
		return f, fmt.Errorf("keep the record's segments: %w", err)
	}
	for _, name := range w.expected(req) {
		if !here[name] {
			f.missing = append(f.missing, name)
		}
	}
	return f, nil
}

// dates are the room's days on which a segment of the record may begin.
func dates(req merge.Request) []string {
	first := req.Start.Add(-req.Segment - time.Minute)
	list := []string{
		first.Format(time.DateOnly),
		req.Start.Format(time.DateOnly),
		req.End.Format(time.DateOnly),
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// clip is an object as the engine takes it: of this generation, or not at all.
func (w *worker) clip(name nvr.SegmentName, object bucket.Object) merge.Clip {
	clip := merge.Clip{
		Name:       name,
		Path:       object.Name,
		Generation: fmt.Sprint(object.Generation),
		Open: func(ctx context.Context) (merge.Bytes, error) {
			return w.p.Segments.Open(ctx, object.Name, object.Generation)
		},
	}
	id := segmentID(object)
	if id == w.skipped {
		clip.Fault = cause.FileStopsWorkers()
	}
	if w.suspect() {
		clip.Open = w.openMarked("", id, clip.Open)
	}
	return clip
}

// expected are the segments that a recorder without a fault would have left.
func (w *worker) expected(req merge.Request) []nvr.SegmentName {
	sources := []string{}
	for _, octet := range req.Sources {
		sources = append(sources, octet)
	}
	if req.Sound != "" {
		sources = append(sources, req.Sound)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	var names []nvr.SegmentName
	for slot := segmentSlot(req.Start, w.room); slot.Before(req.End); slot = slot.Add(req.Segment) {
		for _, source := range sources {
			names = append(names, nvr.SegmentName{
				Date:   slot.Format(time.DateOnly),
				Time:   slot.Format("15:04"),
				Room:   req.Room,
				Source: source,
			})
		}
	}
	return names
}

// copyFromDrive brings a segment from Drive into the bucket; false if Drive has none.
func (w *worker) copyFromDrive(ctx context.Context, name nvr.SegmentName) (bool, error) {
	files, err := w.p.Workspace.FindFiles(ctx, name.String())
	if err != nil || len(files) == 0 {
		return false, err
	}
	best := files[0]
	if len(files) > 1 {
		w.log.InfoContext(
			ctx, "several files of one segment on Drive: the newest complete one is taken",
			"file", name.String(),
			"id", best.ID,
			"count", len(files),
		)
	}
	object, err := bucket.SegmentName(name.Room, name.Date, name.String())
	if err != nil {
		return false, err
	}
	first := int64(-1) // where this copy begins
	_, err = w.p.Segments.CopyIn(ctx, object, "video/mp4", bucket.Source{
		Size: best.Size,
		MD5:  best.MD5,
		Read: func(ctx context.Context, off, n int64) (io.ReadCloser, error) {
			if first < 0 {
				first = off
			}
			if off > first { // the chunks before off are stored
				w.noteProgress(ctx)
			}
			return w.p.Workspace.Read(ctx, best.ID, off, n)
		},
	})
	if errors.Is(err, workspace.ErrNotFound) {
		return false, nil // it was removed while we looked
	}
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return false, err
	}
	w.progressed(ctx)
	w.log.InfoContext(ctx, "copied from Drive", "file", name.String(), "bytes", best.Size)
	return true, nil
}

// damages are the stretches that rendering earlier plans of the record found undecodable.
func (w *worker) damages(ctx context.Context) ([]merge.Damage, error) {
	var all []merge.Damage
	for object, err := range w.p.Work.List(ctx, bucket.DamagePrefix(w.rec.ID)) {
		if err != nil {
			return nil, fmt.Errorf("list the damage found so far: %w", err)
		}
		var more []merge.Damage
		if err := w.p.readJSON(ctx, object.Name, &more); err != nil {
			return nil, err
		}
		for _, d := range more {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// covered tells how much of the record some source shows, in frames.
func covered(plan *merge.Plan) int64 {
	shown := int64(0)
	for _, scene := range plan.Scenes {
		if scene.Layout != timeline.Nothing {
			shown += scene.End - scene.First
		}
	}
	return shown
}
