package mp4

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// tableRun is an entry of stts, ctts or sbgp: count samples with the same value.
type tableRun struct {
	count uint32
	value int64
}

// chunkEntry is an entry of stsc: first_chunk (from 1), samples_per_chunk and
// sample_description_index (from 1).
type chunkEntry struct{ firstChunk, samplesPerChunk, descriptionIndex uint32 }

// editEntry is an entry of elst: segment_duration in ticks of the movie and
// media_time in ticks of the track. A media_time of -1 is an empty edit.
type editEntry struct{ duration, mediaTime int64 }

// tables holds the boxes of a trak that locate its samples in the file and in time.
type tables struct {
	// timeToSample is stts.
	timeToSample []tableRun
	// compositionOffsets is ctts.
	compositionOffsets []tableRun
	// dtsShift is the amount by which the smallest composition offset is negative.
	dtsShift int64
	// sampleToChunk is stsc.
	sampleToChunk []chunkEntry
	// chunkOffsets is stco or co64.
	chunkOffsets []int64

	// sampleSize is the common size of all samples in stsz, or 0.
	sampleSize uint32
	// sampleCount is sample_count in stsz.
	sampleCount uint32
	sizes       []uint32

	// syncSamples is stss: sample numbers from 1.
	syncSamples []uint32
	// noSyncSamples is set if there is an empty stss.
	noSyncSamples bool
	// randomAccess is sbgp with grouping type "rap ".
	randomAccess []tableRun
	edits        []editEntry
	formats      []string
	// external is set for each data reference (dref) to another file.
	external []bool
	// references are the data references of the sample entries, from 1.
	references   []uint16
	pictureSizes []Size
}

// maxDelta is the longest sample duration that FFmpeg accepts. A larger value is a
// negative correction.
const maxDelta = math.MaxUint32 - 48000*10

// readTimeToSample reads an stts box (8.6.1.2). Like FFmpeg it turns impossible
// durations into 1 tick and shortens the following samples to compensate.
func (t *tables) readTimeToSample(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(8)
	t.timeToSample = make([]tableRun, 0, n)
	var dts, wanted int64
	for range n {
		count := f.u32()
		raw := f.u32()
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

// readCompositionOffsets reads a ctts box (8.6.1.3). The last two entries do not
// count for the shift, by FFmpeg's rule.
func (t *tables) readCompositionOffsets(b []byte) {
	f := fieldReader{b}
	f.version()
	n := f.count(8)
	if n == 0 {
		return
	}
	t.compositionOffsets = make([]tableRun, 0, n)
	for i := range n {
		count := f.u32()                // #nosec G115 -- signed in both versions, as FFmpeg reads it
		offset := int64(int32(f.u32())) // #nosec G115 -- signed in both versions, as FFmpeg reads it
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

// readSampleToChunk reads an stsc box (8.7.4).
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

// repairSampleToChunk replaces impossible entries of stsc by the next possible one,
// as FFmpeg does.
func (t *tables) repairSampleToChunk() {
	for i := len(t.sampleToChunk) - 1; i >= 0; i-- {
		c := &t.sampleToChunk[i]
		last := i == len(t.sampleToChunk)-1
		bad := c.firstChunk < uint32(i+1) || c.samplesPerChunk < 1 || c.descriptionIndex < 1 || // #nosec G115 -- bounded by the moov's size
			!last && c.firstChunk >= t.sampleToChunk[i+1].firstChunk || i > 0 && c.firstChunk <= t.sampleToChunk[i-1].firstChunk
		switch {
		case !bad:
		case !last:
			next := t.sampleToChunk[i+1]
			*c = chunkEntry{
				max(next.firstChunk, 1) - 1,
				next.samplesPerChunk,
				next.descriptionIndex,
			}
		case c.samplesPerChunk == 0 && i > 0:
			t.sampleToChunk = t.sampleToChunk[:i]
		default:
			c.firstChunk = max(c.firstChunk, uint32(i+1)) // #nosec G115 -- bounded by the moov's size
			if i > 0 && c.firstChunk <= t.sampleToChunk[i-1].firstChunk {
				c.firstChunk = min(t.sampleToChunk[i-1].firstChunk, math.MaxInt32-1) + 1
			}
			c.samplesPerChunk = max(c.samplesPerChunk, 1)
			c.descriptionIndex = max(c.descriptionIndex, 1)
		}
	}
}

// readChunkOffsets reads an stco box, or a co64 box if wide is set (8.7.5).
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

// readSampleSizes reads an stsz box (8.7.3.2).
func (t *tables) readSampleSizes(b []byte) {
	f := fieldReader{b}
	f.version()
	t.sampleSize = f.u32()
	if t.sampleSize != 0 {
		t.sampleCount = f.u32()
		t.sizes = nil
		return
	}
	t.readSizeEntries(f, 32)
}

// readCompactSizes reads an stz2 box (8.7.3.3) with sizes of 4, 8 or 16 bits.
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

// readSizeEntries reads sample_count and the sizes, each width bits wide.
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

// readSyncSamples reads an stss box (8.6.2).
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

// readSampleToGroup reads an sbgp box (8.9.2) with random access points, the key
// pictures of open GOPs.
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

// readDataReferences reads a dref box (8.7.2). A reference without the flag "self-contained" and without a
// location is one that some muxers write for the file itself.
func (t *tables) readDataReferences(b []byte) {
	f := fieldReader{b}
	f.version()
	f.u32() // the count: the boxes say it themselves
	for _, body := range boxes(f.b) {
		if len(t.external) == maxEntries {
			return
		}
		entry := fieldReader{body}
		const selfContained = 1
		here := entry.u32()&selfContained != 0 || len(bytes.Trim(entry.b, "\x00")) == 0
		t.external = append(t.external, !here)
	}
}

// isExternal reports whether a sample entry refers to another file.
func (t *tables) isExternal() bool {
	return slices.ContainsFunc(t.references, func(n uint16) bool {
		return n > 0 && int(n) <= len(t.external) && t.external[n-1]
	})
}

// readEditList reads an elst box (8.6.6). Like FFmpeg it derives the number of
// entries from the size of the box.
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
			t.edits[i] = editEntry{
				int64(f.u64()),
				int64(f.u64()),
			} // #nosec G115 -- signed by the standard
		} else {
			t.edits[i] = editEntry{
				int64(f.u32()),
				int64(int32(f.u32())),
			} // #nosec G115 -- signed by the standard
		}
		f.skip(4)
	}
}
