package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/bitstream"
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
	prober  *Prober
	known   []Damage // that the plan knows

	mu      sync.Mutex    // guards the pictures of the table and samples
	samples *sampleReader // nil without a picture track
	shown   func() []int  // samples that are shown, by PTS
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
		prober:  p,
	}
	o.Table, err = p.ReadTable(ctx, seg.Generation, o.Object)
	if err == nil && seg.Picture != nil && seg.Picture.Stream != o.Table.Stream {
		err = errors.Join(
			o.Table.usePicture(seg.Picture.Stream),
			p.correctKeys(ctx, seg.Generation, o.Object, o.Table),
		)
	}
	if err == nil && seg.Sound != nil {
		err = o.Table.useSound(seg.Sound.Stream)
	}
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("read the index of segment %s: %w", seg.Path, err)
	}
	if o.Sound, err = p.knownSound(ctx, o); err != nil {
		o.Close()
		return nil, fmt.Errorf("read the sound of segment %s: %w", seg.Path, err)
	}
	if o.Table.Picture != nil {
		o.samples = newSampleReader(o.Object, o.Table.Picture)
	}
	o.shown = sync.OnceValue(o.Table.shownSamples)
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
		o.known = OwnDamages(c.damages, seg)
		o.Shots = o.Table.Shots(o.known)
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

// Start is where decoding starts.
type Start struct {
	Seek    *time.Duration // nil: at the start of the file
	Any     bool           // the file's own table of key frames is wrong
	Gradual bool           // the first pictures are not right yet
	// Sample is the sample at which decoding starts, and PTS its timestamp.
	Sample int
	PTS    int64
}

// StartFor returns where decoding starts so that the picture of a PTS can be decoded: at the entry point
// before it. If that is none, although the file says so, all entry points of the file are looked for.
func (o *OpenSegment) StartFor(ctx context.Context, pts int64) (Start, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	entry, found := o.Table.entryBefore(pts)
	if found && !o.Table.corrected {
		u, ok, err := o.samples.read(entry.Sample)
		if err != nil {
			return Start{}, err
		}
		if ok && u.Picture && u.Entry == bitstream.NoEntry || u.Entry == bitstream.Gradual {
			if err := o.prober.findKeys(ctx, o.Segment.Generation, o.Object, o.Table); err != nil {
				return Start{}, fmt.Errorf("read segment %s: %w", o.Segment.Path, err)
			}
		}
	}
	return o.start(pts), nil
}

// start returns where decoding starts, as the table says.
func (o *OpenSegment) start(pts int64) Start {
	t := o.Table
	entry, found := t.entryBefore(pts)
	if !found || entry.Sample == 0 || t.Picture.Samples[entry.Sample].PTS <= t.firstKey() {
		return Start{}
	}
	start := Start{
		Sample:  entry.Sample,
		PTS:     t.Picture.Samples[entry.Sample].PTS,
		Gradual: entry.Clean > entry.Sample,
	}
	if t.corrected {
		start.Seek, start.Any = t.seekTime(entry.Sample), true
		return start
	}
	at := mp4.Time{Ticks: start.PTS, Scale: t.Picture.Timescale}.Duration() + time.Microsecond
	start.Seek = &at // FFmpeg's seconds are cut to microseconds
	return start
}

// IsEmpty reports whether the sample of a PTS holds no picture: no bytes, or only metadata or filler.
// The picture before it stays on show.
func (o *OpenSegment) IsEmpty(pts int64) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.sampleAt(pts)
	if i < 0 {
		return false, nil
	}
	u, ok, err := o.samples.read(i)
	if err != nil {
		return false, fmt.Errorf("read segment %s: %w", o.Segment.Path, err)
	}
	return ok && !u.Picture && !u.Cut, nil
}

// sampleAt returns the index of the sample that is shown at a PTS, or -1. It is asked for each picture.
func (o *OpenSegment) sampleAt(pts int64) int {
	shown := o.shown()
	i, found := slices.BinarySearchFunc(shown, pts, func(sample int, pts int64) int {
		return cmp.Compare(o.Table.Picture.Samples[sample].PTS, pts)
	})
	if !found {
		return -1
	}
	return shown[i]
}

// shownSamples lists the samples of the picture track that are shown, by PTS; of several at one PTS in the order
// of the file.
func (t *Table) shownSamples() []int {
	var shown []int
	for i := range t.Picture.Samples {
		if !t.Picture.Samples[i].Hidden {
			shown = append(shown, i)
		}
	}
	slices.SortStableFunc(shown, func(a, b int) int {
		return cmp.Compare(t.Picture.Samples[a].PTS, t.Picture.Samples[b].PTS)
	})
	return shown
}

// Damages turns missing pictures, by their PTS, into stretches of the file: from a picture that did not
// come to where decoding can start again, because what is decoded in between rests on it. stalled says
// that the decoder stands still there. more are other damages that were found.
func (o *OpenSegment) Damages(missing []int64, stalled bool, more []Damage) []Damage {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := slices.Clone(more)
	for _, pts := range missing {
		d := o.damage(o.Table.extent(o.sampleAt(pts), pts))
		d.Stalled = stalled
		found = append(found, d)
	}
	slices.SortFunc(found, func(a, b Damage) int { return cmp.Compare(a.From, b.From) })
	var out []Damage
	for _, d := range found {
		if n := len(out); n > 0 && d.From <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, d.Until)
			continue
		}
		out = append(out, d)
	}
	return out
}

// damage is a damage of the segment.
func (o *OpenSegment) damage(from, until time.Duration) Damage {
	return Damage{
		Path:       o.Segment.Path,
		Generation: o.Segment.Generation,
		From:       from,
		Until:      until,
	}
}

// extent is how far the loss of sample first reaches, which is shown at a PTS. Pictures that are decoded
// after it and shown before it (B-frames) are lost with it.
func (t *Table) extent(first int, pts int64) (from, until time.Duration) {
	track := t.Picture
	from, until = t.At(track, pts), t.pictureEnd()
	next := t.cleanAfter(first)
	if next < len(track.Samples) {
		until = t.At(track, track.Samples[next].PTS)
	}
	for i := max(first, 0); i < next; i++ {
		if s := &track.Samples[i]; !s.Hidden {
			from = min(from, t.At(track, s.PTS))
		}
	}
	return from, until
}
