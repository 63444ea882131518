package merge

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

type sample = mp4.Sample

// openSegment is a segment open for rendering, its table read. Pictures and sound of it share one window
// of bytes, so that each is fetched once.
type openSegment struct {
	seg    *Segment
	bytes  Bytes
	object rangeproxy.Object
	table  *table
	shots  []shot
	keys   []int64 // PTS of usable key frames, ascending
}

// segmentCache opens each segment once for a slice.
type segmentCache struct {
	mu   sync.Mutex
	open map[int]*openSegment
}

// open opens a segment of the plan, or gives the one that is open.
func (r *renderer) open(ctx context.Context, file int) (*openSegment, error) {
	r.segments.mu.Lock()
	defer r.segments.mu.Unlock()
	if o := r.segments.open[file]; o != nil {
		return o, nil
	}
	seg := r.plan.Segments[file]
	if seg.Open == nil {
		return nil, fmt.Errorf("segment %s of the plan is not at hand", seg.Path)
	}
	bytes, err := seg.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", seg.Path, err)
	}
	o := &openSegment{seg: seg, bytes: bytes, object: rangeproxy.Share(rangeproxy.Metered{Object: bytes, Meter: &r.Rendering})}
	o.table, err = r.readTable(ctx, seg.Generation, o.object)
	if err != nil {
		_ = bytes.Close() // openSegment for reading only
		return nil, fmt.Errorf("read the index of segment %s: %w", seg.Path, err)
	}
	if o.table.picture != nil {
		o.shots = shots(o.table, ownDamages(r.plan.Damages, seg))
		for _, s := range o.table.picture.Samples {
			if s.Key && !s.Lost {
				o.keys = append(o.keys, s.PTS)
			}
		}
	}
	r.segments.open[file] = o
	return o, nil
}

// close closes all segments.
func (l *segmentCache) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.open {
		_ = o.bytes.Close() // openSegment for reading only
	}
	l.open = nil
}

// ticks is a PTS of the pictures as time since PTS 0.
func (o *openSegment) ticks(pts int64) time.Duration {
	return mp4.Time{Ticks: pts, Scale: o.table.picture.Timescale}.Duration()
}

// end is where the file's pictures end, since its zero.
func (o *openSegment) end() time.Duration {
	last, _ := o.table.picture.Last()
	return last.Duration() - o.table.zero.Duration()
}
