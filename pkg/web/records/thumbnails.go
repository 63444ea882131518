package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

const (
	thumbnailStep   = 10 * time.Second                // instants within one step share a picture
	thumbnailTime   = 20 * time.Second                // that a picture may take, the wait for its turn included
	thumbnailsKept  = 500                             // of some 15 KB
	thumbnailsMade  = 2                               // at the same time: FFmpeg takes a core and 100 MB
	thumbnailsWait  = 20                              // at most; further requests are refused
	thumbnailsTurns = thumbnailsMade + thumbnailsWait // requests that are admitted at the same time
)

// ErrBusy means that too many pictures of footage are requested at the same time.
var ErrBusy = errors.New("too many pictures are being made")

// MakeThumbnail takes a small JPEG out of a segment: the picture that is shown so long after its start. It
// returns nil without an error if there is none.
type MakeThumbnail func(ctx context.Context, segment store.Segment, after time.Duration) ([]byte, error)

// Thumbnails are small pictures of footage. It is safe for concurrent use.
type Thumbnails struct {
	take  MakeThumbnail
	turns chan struct{} // being made, or waiting for it
	slots chan struct{} // being made
	made  *recent[thumbnail, []byte]
}

// thumbnail names a picture. A segment's file that was replaced has another generation, and other pictures.
type thumbnail struct {
	name       nvr.SegmentName
	generation int64
	after      time.Duration
}

// NewThumbnails returns an empty cache of pictures.
func NewThumbnails(take MakeThumbnail) *Thumbnails {
	return &Thumbnails{
		take:  take,
		turns: make(chan struct{}, thumbnailsTurns),
		slots: make(chan struct{}, thumbnailsMade),
		made:  newRecent[thumbnail, []byte](thumbnailsKept),
	}
}

// Of returns the picture of a segment so long after its start. It is nil if there is none. The error is
// [ErrBusy] if too many wait.
func (t *Thumbnails) Of(ctx context.Context, segment store.Segment, after time.Duration) ([]byte, error) {
	key := thumbnail{
		name:       segment.Name,
		generation: segment.Generation,
		after:      after.Truncate(thumbnailStep),
	}
	if jpg, ok := t.made.get(key); ok {
		return jpg, nil
	}
	select {
	case t.turns <- struct{}{}:
		defer func() { <-t.turns }()
	default:
		return nil, ErrBusy
	}
	ctx, stop := context.WithTimeout(ctx, thumbnailTime)
	defer stop()
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if jpg, ok := t.made.get(key); ok { // made while this request waited
		return jpg, nil
	}
	jpg, err := t.take(ctx, segment, key.after)
	if err == nil {
		t.made.put(key, jpg)
	}
	return jpg, err
}

// SegmentAt returns the indexed segment of a room's source that holds an instant, and how long after its
// start the instant is; ok is false if there is none. A segment holds the time up to the next one, and at
// most the longest length that its analysis or the room's settings give.
func (s *Service) SegmentAt(
	ctx context.Context, room *nvr.Room, source string, at time.Time,
) (segment store.Segment, after time.Duration, ok bool, err error) {
	zone := room.Zone
	all, err := s.Store.Segments.On(ctx, room.Name, at.In(zone).Format(time.DateOnly))
	if err != nil {
		return segment, 0, false, fmt.Errorf("read the index of segments: %w", err)
	}
	for _, each := range all {
		start, err := each.Name.Start(zone)
		if each.Name.Source != source || err != nil || start.After(at) {
			continue
		}
		segment, after, ok = each, at.Sub(start), true
	}
	length := room.SegmentLength
	if ok && segment.Analysis != nil {
		length = max(length, time.Duration(segment.Analysis.Seconds*float64(time.Second)))
	}
	return segment, after, ok && after < length, nil
}
