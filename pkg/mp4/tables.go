package mp4

import (
	"fmt"
	"math"
)

// run is an entry of stts, ctts or sbgp: count samples with the same value.
type run struct {
	count uint32
	value int64
}

// chunkRun is an entry of stsc: from chunk first (from 1) on, so many samples a chunk.
type chunkRun struct{ first, samples, entry uint32 }

// edit is an entry of elst: duration in movie ticks, at (media time) in track ticks; at -1 is an
// empty edit.
type edit struct{ duration, at int64 }

// tables are the boxes of one trak that say where its samples lie and when they are shown.
type tables struct {
	deltas    []run // stts
	offsets   []run // ctts
	shift     int64 // by how much the least composition offset is negative
	chunkRuns []chunkRun
	chunks    []int64 // stco, co64

	uniform uint32 // stsz: every sample's size, if not 0
	count   uint32 // stsz: how many samples
	sizes   []uint32

	keys     []uint32 // stss, sample numbers from 1
	noKeys   bool     // there is a stss, and it is empty
	rapRuns  []run    // sbgp of type rap
	edits    []edit
	formats  []string
	pictures []Size
}

// maxDelta is the longest sample FFmpeg believes; more is a negative correction in disguise.
const maxDelta = math.MaxUint32 - 48000*10

// readDeltas reads stts as FFmpeg does, which turns impossible lengths into 1 tick and takes the
// difference from the samples that follow.
func (t *tables) readDeltas(b []byte) {
	f := fields{b}
	f.version()
	n := f.count(8)
	t.deltas = make([]run, 0, n)
	var dts, wanted int64
	for range n {
		count, raw := f.u32(), f.u32()
		delta := int64(raw)
		if raw > maxDelta {
			delta = 1
			wanted += int64(count) * min(int64(int32(raw)), 1) // #nosec G115 -- the sign is wanted
		} else {
			wanted += int64(count) * delta
		}
		dts += int64(count) * delta
		if dts > wanted {
			drift := (dts - wanted) / max(int64(count), 1)
			if delta <= drift {
				drift = delta - 1
			}
			dts -= drift * int64(count)
			delta -= drift
		}
		t.deltas = append(t.deltas, run{count, delta})
	}
}

// readOffsets reads ctts. The last two entries do not count for the shift: that is FFmpeg's rule.
func (t *tables) readOffsets(b []byte) {
	f := fields{b}
	f.version()
	n := f.count(8)
	if n == 0 {
		return
	}
	t.offsets = make([]run, 0, n)
	for i := range n {
		count, offset := f.u32(), int64(int32(f.u32())) // #nosec G115 -- signed in both versions, as FFmpeg reads it
		if count == 0 || count > math.MaxInt32 {
			continue
		}
		t.offsets = append(t.offsets, run{count, offset})
		if i+2 >= n {
			continue
		}
		if offset > 1<<28 || offset < -1<<28 {
			t.offsets = nil
			return
		}
		t.shift = max(t.shift, -offset)
	}
}

func (t *tables) readChunkRuns(b []byte) {
	f := fields{b}
	f.version()
	n := f.count(12)
	if n == 0 || t.chunkRuns != nil {
		return
	}
	t.chunkRuns = make([]chunkRun, n)
	for i := range t.chunkRuns {
		t.chunkRuns[i] = chunkRun{f.u32(), f.u32(), f.u32()}
	}
	t.mendChunkRuns()
}

// mendChunkRuns replaces impossible entries of stsc by the next possible one, as FFmpeg does.
func (t *tables) mendChunkRuns() {
	for i := len(t.chunkRuns) - 1; i >= 0; i-- {
		c, last := &t.chunkRuns[i], i == len(t.chunkRuns)-1
		bad := c.first < uint32(i+1) || c.samples < 1 || c.entry < 1 || // #nosec G115 -- bounded by the moov's size
			!last && c.first >= t.chunkRuns[i+1].first || i > 0 && c.first <= t.chunkRuns[i-1].first
		switch {
		case !bad:
		case !last:
			next := t.chunkRuns[i+1]
			*c = chunkRun{max(next.first, 1) - 1, next.samples, next.entry}
		case c.samples == 0 && i > 0:
			t.chunkRuns = t.chunkRuns[:i]
		default:
			c.first = max(c.first, uint32(i+1)) // #nosec G115 -- bounded by the moov's size
			if i > 0 && c.first <= t.chunkRuns[i-1].first {
				c.first = min(t.chunkRuns[i-1].first, math.MaxInt32-1) + 1
			}
			c.samples, c.entry = max(c.samples, 1), max(c.entry, 1)
		}
	}
}

func (t *tables) readChunks(b []byte, wide bool) {
	f := fields{b}
	f.version()
	size := 4
	if wide {
		size = 8
	}
	n := f.count(size)
	if t.chunks != nil {
		return
	}
	t.chunks = make([]int64, n)
	for i := range t.chunks {
		if wide {
			t.chunks[i] = int64(f.u64()) // #nosec G115 -- a negative offset makes its samples lost
		} else {
			t.chunks[i] = int64(f.u32())
		}
	}
}

// readSizes reads stsz.
func (t *tables) readSizes(b []byte) {
	f := fields{b}
	f.version()
	t.uniform = f.u32()
	if t.uniform != 0 {
		t.count, t.sizes = f.u32(), nil
		return
	}
	t.setSizes(f, 32)
}

// readCompactSizes reads stz2: sizes of 4, 8 or 16 bits.
func (t *tables) readCompactSizes(b []byte) error {
	f := fields{b}
	f.version()
	width := int(f.u32() & 0xff)
	if width != 4 && width != 8 && width != 16 {
		return fmt.Errorf("%w: stz2 with sizes of %d bits", ErrMalformed, width)
	}
	t.uniform = 0
	t.setSizes(f, width)
	return nil
}

func (t *tables) setSizes(f fields, width int) {
	declared := int64(f.u32())
	n := min(declared, int64(len(f.b))*8/int64(width))
	t.sizes = make([]uint32, n)
	for i := range t.sizes {
		switch width {
		case 32:
			t.sizes[i] = f.u32()
		case 16:
			t.sizes[i] = uint32(f.u16())
		case 8:
			t.sizes[i] = uint32(f.b[i])
		case 4:
			t.sizes[i] = uint32(f.b[i/2]>>(4-i%2*4)) & 15
		}
	}
	t.count = uint32(n) // #nosec G115 -- at most what was declared in 32 bits
}

func (t *tables) readKeys(b []byte) {
	f := fields{b}
	f.version()
	n := f.count(4)
	t.noKeys = n == 0
	t.keys = make([]uint32, n)
	for i := range t.keys {
		t.keys[i] = f.u32()
	}
}

// readGroups reads sbgp if it lists random access points (an open GOP's key pictures).
func (t *tables) readGroups(b []byte) {
	f := fields{b}
	version := f.version()
	if len(f.b) < 4 || string(f.b[:4]) != "rap " {
		return
	}
	f.skip(4)
	if version == 1 {
		f.skip(4)
	}
	n := f.count(8)
	t.rapRuns = make([]run, n)
	for i := range t.rapRuns {
		t.rapRuns[i] = run{f.u32(), int64(f.u32())}
	}
}

func (t *tables) readEdits(b []byte) {
	f := fields{b}
	wide := f.version() == 1
	size := 12
	if wide {
		size = 20
	}
	f.u32() // FFmpeg believes the size of the box rather than the count
	n := len(f.b) / size
	t.edits = make([]edit, n)
	for i := range t.edits {
		if wide {
			t.edits[i] = edit{int64(f.u64()), int64(f.u64())} // #nosec G115 -- signed by the standard
		} else {
			t.edits[i] = edit{int64(f.u32()), int64(int32(f.u32()))} // #nosec G115 -- signed by the standard
		}
		f.skip(4)
	}
}
