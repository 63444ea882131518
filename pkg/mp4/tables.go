package mp4

import (
	"fmt"
	"math"
)

// tableRun is an entry of stts, ctts or sbgp: count samples with the same value.
type tableRun struct {
	count uint32
	value int64
}

// chunkEntry is an entry of stsc: from chunk first (from 1) on, so many samples a chunk.
type chunkEntry struct{ firstChunk, samplesPerChunk, descriptionIndex uint32 }

// editEntry is an entry of elst: duration in movie ticks, at (media time) in track ticks; at -1 is an
// empty edit.
type editEntry struct{ duration, mediaTime int64 }

// tables are the boxes of one trak that say where its samples lie and when they are shown.
type tables struct {
	timeToSample    []tableRun // stts
	compositionOffsets   []tableRun // ctts
	dtsShift     int64 // by how much the least composition offset is negative
	sampleToChunk []chunkEntry
	chunkOffsets    []int64 // stco, co64

	sampleSize uint32 // stsz: every sample's size, if not 0
	sampleCount   uint32 // stsz: how many samples
	sizes   []uint32

	syncSamples     []uint32 // stss, sample numbers from 1
	noSyncSamples   bool     // there is a stss, and it is empty
	randomAccess  []tableRun    // sbgp of type rap
	edits    []editEntry
	formats  []string
	pictureSizes []Size
}

// maxDelta is the longest sample FFmpeg believes; more is a negative correction in disguise.
const maxDelta = math.MaxUint32 - 48000*10

// readTimeToSample reads stts as FFmpeg does, which turns impossible lengths into 1 tick and takes the
// difference from the samples that follow.
func (t *tables) readTimeToSample(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(8)
	t.timeToSample = make([]tableRun, 0, n)
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
		t.timeToSample = append(t.timeToSample, tableRun{count, delta})
	}
}

// readCompositionOffsets reads ctts. The last two entries do not count for the shift: that is FFmpeg's rule.
func (t *tables) readCompositionOffsets(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(8)
	if n == 0 {
		return
	}
	t.compositionOffsets = make([]tableRun, 0, n)
	for i := range n {
		count, offset := f.u32(), int64(int32(f.u32())) // #nosec G115 -- signed in both versions, as FFmpeg reads it
		if count == 0 || count > math.MaxInt32 {
			continue
		}
		t.compositionOffsets = append(t.compositionOffsets, tableRun{count, offset})
		if i+2 >= n {
			continue
		}
		if offset > 1<<28 || offset < -1<<28 {
			t.compositionOffsets = nil
			return
		}
		t.dtsShift = max(t.dtsShift, -offset)
	}
}

func (t *tables) readSampleToChunk(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(12)
	if n == 0 || t.sampleToChunk != nil {
		return
	}
	t.sampleToChunk = make([]chunkEntry, n)
	for i := range t.sampleToChunk {
		t.sampleToChunk[i] = chunkEntry{f.u32(), f.u32(), f.u32()}
	}
	t.repairSampleToChunk()
}

// repairSampleToChunk replaces impossible entries of stsc by the next possible one, as FFmpeg does.
func (t *tables) repairSampleToChunk() {
	for i := len(t.sampleToChunk) - 1; i >= 0; i-- {
		c, last := &t.sampleToChunk[i], i == len(t.sampleToChunk)-1
		bad := c.firstChunk < uint32(i+1) || c.samplesPerChunk < 1 || c.descriptionIndex < 1 || // #nosec G115 -- bounded by the moov's size
			!last && c.firstChunk >= t.sampleToChunk[i+1].firstChunk || i > 0 && c.firstChunk <= t.sampleToChunk[i-1].firstChunk
		switch {
		case !bad:
		case !last:
			next := t.sampleToChunk[i+1]
			*c = chunkEntry{max(next.firstChunk, 1) - 1, next.samplesPerChunk, next.descriptionIndex}
		case c.samplesPerChunk == 0 && i > 0:
			t.sampleToChunk = t.sampleToChunk[:i]
		default:
			c.firstChunk = max(c.firstChunk, uint32(i+1)) // #nosec G115 -- bounded by the moov's size
			if i > 0 && c.firstChunk <= t.sampleToChunk[i-1].firstChunk {
				c.firstChunk = min(t.sampleToChunk[i-1].firstChunk, math.MaxInt32-1) + 1
			}
			c.samplesPerChunk, c.descriptionIndex = max(c.samplesPerChunk, 1), max(c.descriptionIndex, 1)
		}
	}
}

func (t *tables) readChunkOffsets(b []byte, wide bool) {
	f := fieldReader{b}
	f.version()
	size := 4
	if wide {
		size = 8
	}
	n := f.count(size)
	if t.chunkOffsets != nil {
		return
	}
	t.chunkOffsets = make([]int64, n)
	for i := range t.chunkOffsets {
		if wide {
			t.chunkOffsets[i] = int64(f.u64()) // #nosec G115 -- a negative offset makes its samples lost
		} else {
			t.chunkOffsets[i] = int64(f.u32())
		}
	}
}

// readSampleSizes reads stsz.
func (t *tables) readSampleSizes(b []byte) {
	f := fieldReader{b}
	f.version()
	t.sampleSize = f.u32()
	if t.sampleSize != 0 {
		t.sampleCount, t.sizes = f.u32(), nil
		return
	}
	t.readSizeEntries(f, 32)
}

// readCompactSizes reads stz2: sizes of 4, 8 or 16 bits.
func (t *tables) readCompactSizes(b []byte) error {
	f := fieldReader{b}
	f.version()
	width := int(f.u32() & 0xff)
	if width != 4 && width != 8 && width != 16 {
		return fmt.Errorf("%w: stz2 with sizes of %d bits", ErrMalformed, width)
	}
	t.sampleSize = 0
	t.readSizeEntries(f, width)
	return nil
}

func (t *tables) readSizeEntries(f fieldReader, width int) {
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
	t.sampleCount = uint32(n) // #nosec G115 -- at most what was declared in 32 bits
}

func (t *tables) readSyncSamples(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(4)
	t.noSyncSamples = n == 0
	t.syncSamples = make([]uint32, n)
	for i := range t.syncSamples {
		t.syncSamples[i] = f.u32()
	}
}

// readSampleToGroup reads sbgp if it lists random access points (an open GOP's key pictures).
func (t *tables) readSampleToGroup(b []byte) {
	f := fieldReader{b}
	version := f.version()
	if len(f.b) < 4 || string(f.b[:4]) != "rap " {
		return
	}
	f.skip(4)
	if version == 1 {
		f.skip(4)
	}
	n := f.count(8)
	t.randomAccess = make([]tableRun, n)
	for i := range t.randomAccess {
		t.randomAccess[i] = tableRun{f.u32(), int64(f.u32())}
	}
}

func (t *tables) readEditList(b []byte) {
	f := fieldReader{b}
	wide := f.version() == 1
	size := 12
	if wide {
		size = 20
	}
	f.u32() // FFmpeg believes the size of the box rather than the count
	n := len(f.b) / size
	t.edits = make([]editEntry, n)
	for i := range t.edits {
		if wide {
			t.edits[i] = editEntry{int64(f.u64()), int64(f.u64())} // #nosec G115 -- signed by the standard
		} else {
			t.edits[i] = editEntry{int64(f.u32()), int64(int32(f.u32()))} // #nosec G115 -- signed by the standard
		}
		f.skip(4)
	}
}
