package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/store"
)

// ErrNoPicture means that a segment has no usable picture at an instant.
var ErrNoPicture = errors.New("the segment has no picture there")

const (
	footageWidth  = 320 // pixels of a picture of footage
	footageHeight = 480 // at most
)

// FootagePicture returns a key frame of a segment as a JPEG: the one that is shown so long after the start of
// the segment, or the last one before it. It reads the index of the segment and that key frame only. Errors
// are [ErrNoPicture] and those of the bucket and of FFmpeg.
func (p *Pipeline) FootagePicture(
	ctx context.Context, segment store.Segment, after time.Duration,
) (jpg []byte, err error) {
	n := segment.Name
	name, err := bucket.SegmentName(n.Room, n.Date, n.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	file, err := p.Segments.Open(ctx, name, segment.Generation)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	index, err := mp4.Read(file, file.Size())
	if isUnreadable(err) {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", name, err)
	}
	track, sample := keyFrameAt(index, after)
	if track == nil {
		return nil, fmt.Errorf("%w: %s, %v after its start", ErrNoPicture, name, after)
	}
	view, err := mp4.NewView(file, track, []int{sample})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	served := p.Tools.Proxy.ServeSparse(view)
	defer func() { err = errors.Join(err, served.Close()) }()
	height := min(max(footageWidth*track.Height/track.Width/2*2, 2), footageHeight)
	return p.Tools.FFmpeg.JPEG(ctx, served, 0, footageWidth, height)
}

// isUnreadable reports whether an error of [mp4.Read] is about the file, not about reading it.
func isUnreadable(err error) bool {
	return slices.ContainsFunc([]error{
		mp4.ErrEmpty, mp4.ErrNotMP4, mp4.ErrNoMoov, mp4.ErrFragmented, mp4.ErrNoSamples,
		mp4.ErrExternal, mp4.ErrMalformed,
	}, func(known error) bool { return errors.Is(err, known) })
}

// keyFrameAt returns the video track of a file and the number of its key frame that is shown a time after the
// start, or the last one before it. The track is nil if the file ends earlier or has no such key frame.
func keyFrameAt(file *mp4.File, after time.Duration) (track *mp4.Track, sample int) {
	for i := range file.Tracks {
		if file.Tracks[i].Viewable() {
			track = &file.Tracks[i]
			break
		}
	}
	if track == nil || track.Width <= 0 {
		return nil, 0
	}
	at := track.Start + int64(after)/int64(time.Millisecond)*track.Timescale/1000
	found, end := -1, int64(0)
	for i, s := range track.Samples {
		end = max(end, s.PTS+int64(s.Duration))
		if !s.Key || s.Lost || s.PTS > at {
			continue
		}
		if found < 0 || s.PTS > track.Samples[found].PTS {
			found = i
		}
	}
	if found < 0 || at >= end {
		return nil, 0
	}
	return track, found
}
