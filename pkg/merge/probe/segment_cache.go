package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// OpenSegment is a segment open for rendering, its table read. Pictures and sound of it share one
// window of bytes, so that each byte is fetched once.
type OpenSegment struct {
	Segment *Segment
	Object  *rangeproxy.Shared
	Table   *Table
	Sound   *SoundTrack // nil without a sound track
	Shots   []Shot      // empty without a picture track
	bytes   Bytes
	keys    []int64 // PTS of usable key frames, ascending
}

// Open opens a segment and reads its table. The caller closes it.
func (p *Prober) Open(ctx context.Context, seg *Segment) (*OpenSegment, error) {
	if seg.Open == nil {
		return nil, fmt.Errorf("open segment %s: the plan is not bound to its segments", seg.Path)
	}
	bytes, err := seg.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", seg.Path, err)
	}
	o := &OpenSegment{
		Segment: seg,
		Object:  rangeproxy.Share(rangeproxy.Metered{Object: bytes, Meter: p.Meter}),
		bytes:   bytes,
	}
	o.Table, err = p.ReadTable(ctx, seg.Generation, o.Object)
	if err == nil && seg.Picture != nil {
		err = o.Table.usePicture(seg.Picture.Stream)
	}
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("read the index of segment %s: %w", seg.Path, err)
	}
	if o.Sound, err = p.knownSound(ctx, o); err != nil {
		o.Close()
		return nil, fmt.Errorf("read the sound of segment %s: %w", seg.Path, err)
	}
	return o, nil
}

// knownSound returns what is known of the sound track of an open segment. Plans of former releases do not hold what
// the decoder says.
func (p *Prober) knownSound(ctx context.Context, o *OpenSegment) (*SoundTrack, error) {
	if o.Table.Sound == nil || o.Segment.Sound != nil && o.Segment.Sound.Exact {
		return o.Segment.Sound, nil
	}
	return p.soundTrack(ctx, o.Segment.Generation, o.Table, o.Object)
}

// Close closes the segment.
func (o *OpenSegment) Close() {
	_ = o.bytes.Close() // open for reading only
}

// Cache opens each segment once, for one slice. It is safe for concurrent use.
type Cache struct {
	prober   *Prober
	segments []*Segment
	damages  []Damage
	mu       sync.Mutex
	open     map[int]*OpenSegment
}

// NewCache returns a cache of a plan's segments. The caller closes it.
func NewCache(prober *Prober, segments []*Segment, damages []Damage) *Cache {
	return &Cache{
		prober:   prober,
		segments: segments,
		damages:  damages,
		open:     map[int]*OpenSegment{},
	}
}

// Open opens a segment of the plan, or returns the one that is open.
func (c *Cache) Open(ctx context.Context, file int) (*OpenSegment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.open[file]; o != nil {
		return o, nil
	}
	seg := c.segments[file]
	o, err := c.prober.Open(ctx, seg)
	if err != nil {
		return nil, err
	}
	if o.Table.Picture != nil {
		o.Shots = o.Table.Shots(OwnDamages(c.damages, seg))
		o.keys = o.Table.keyFrames()
	}
	c.open[file] = o
	return o, nil
}

// Close closes all segments.
func (c *Cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.open {
		o.Close()
	}
	c.open = nil
}

// SeekTo returns where reading begins so that the picture of a PTS can be decoded: at the key frame
// before it. It returns nil for the start of the file.
func (o *OpenSegment) SeekTo(pts int64) *time.Duration {
	i, found := slices.BinarySearch(o.keys, pts)
	if !found {
		i--
	}
	if i <= 0 {
		return nil
	}
	key := mp4.Time{Ticks: o.keys[i], Scale: o.Table.Picture.Timescale}.Duration()
	at := key + time.Microsecond // FFmpeg's seconds are cut to microseconds
	return &at
}

// Damages turns missing pictures, by their PTS, into stretches of the file: from a picture that did not
// come to the next key frame, because what is decoded in between rests on it. stalled says that the decoder
// stands still there.
func (o *OpenSegment) Damages(missing []int64, stalled bool) []Damage {
	var out []Damage
	for _, pts := range missing {
		from, until := o.extent(pts)
		if n := len(out); n > 0 && from <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, until)
			continue
		}
		out = append(out, Damage{
			Path:       o.Segment.Path,
			Generation: o.Segment.Generation,
			From:       from,
			Until:      until,
			Stalled:    stalled,
		})
	}
	return out
}

// extent is how far the loss of one picture reaches. Pictures that are decoded after it and shown
// before it (B-frames) are lost with it.
func (o *OpenSegment) extent(pts int64) (from, until time.Duration) {
	track := o.Table.Picture
	first := slices.IndexFunc(track.Samples, func(s mp4.Sample) bool {
		return !s.Hidden && s.PTS == pts
	})
	from, until = o.Table.At(track, pts), o.Table.pictureEnd()
	for i := first; i >= 0 && i < len(track.Samples); i++ {
		s := &track.Samples[i]
		if i > first && s.Key {
			until = o.Table.At(track, s.PTS)
			break
		}
		if !s.Hidden {
			from = min(from, o.Table.At(track, s.PTS))
		}
	}
	return from, until
}
