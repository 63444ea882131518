package mp4

import (
	"fmt"
	"math"
)

// indexed is a sample before edit lists are applied. There may be many, so it is small.
type indexed struct {
	// at is the position of its first byte in the file.
	at int64
	// dts is the decoding time in ticks, minus the shift of the tables, as FFmpeg
	// counts.
	dts int64
	// shift is the composition offset in ticks.
	shift          int32
	duration, size uint32
	entry          uint16
	key            bool
}

// offset returns the composition offset in ticks.
func (s indexed) offset() int64 { return int64(s.shift) }

// sample returns the sample with a PTS.
func (s indexed) sample(pts int64, hidden bool) Sample {
	return Sample{
		PTS:      pts,
		Offset:   s.at,
		Duration: s.duration,
		Size:     s.size,
		Entry:    s.entry,
		Key:      s.key,
		Hidden:   hidden,
	}
}

// runCursor walks the values of runs sample by sample. The last value repeats for
// ever.
type runCursor struct {
	runs []tableRun
	i    int
	n    uint32
}

// next returns the value of the next sample.
func (c *runCursor) next() int64 {
	value := c.runs[c.i].value
	c.n++
	if c.n == c.runs[c.i].count && c.i+1 < len(c.runs) {
		c.i++
		c.n = 0
	}
	return value
}

// index combines the tables into samples in decode order.
func (t *tables) index(audio bool, left *sampleBudget) ([]indexed, error) {
	if len(t.timeToSample) == 0 ||
		len(t.sampleToChunk) == 0 ||
		len(t.chunkOffsets) == 0 ||
		t.sampleCount == 0 {
		return nil, nil // FFmpeg: broken header, a track without samples
	}
	if last := t.sampleToChunk[len(t.sampleToChunk)-1]; int64(last.firstChunk) > int64(len(t.chunkOffsets)) {
		return nil, fmt.Errorf(
			"%w: stsc speaks of chunk %d of %d",
			ErrMalformed,
			last.firstChunk,
			len(t.chunkOffsets),
		)
	}
	x := indexer{
		tables:    t,
		remaining: left,
		delta:     runCursor{runs: t.timeToSample},
		dts:       -t.dtsShift,
	}
	x.randomAccessCursor.runs = t.randomAccess
	if len(t.syncSamples) > 0 && t.syncSamples[0] > 0 {
		x.syncBase = 1
	}
	x.isPCM = audio &&
		len(t.timeToSample) == 1 &&
		t.timeToSample[0].value == 1
	n := x.count(int64(*left) + 1)
	if n > int64(*left) {
		return nil, errTooManySamples()
	}
	x.raw = make([]indexed, 0, n)
	run := 0
	for i, offset := range t.chunkOffsets {
		for run+1 < len(t.sampleToChunk) && int64(t.sampleToChunk[run+1].firstChunk) == int64(i)+1 {
			run++
		}
		more, err := x.chunk(t.sampleToChunk[run], offset, audio)
		if err != nil || !more {
			return x.raw, err
		}
	}
	return x.raw, nil
}

// count returns the number of samples that the chunks hold, or of packets of uncompressed audio. It stops
// counting at most.
func (x *indexer) count(most int64) int64 {
	n := int64(0)
	for run, c := range x.sampleToChunk {
		end := int64(len(x.chunkOffsets)) + 1
		if run+1 < len(x.sampleToChunk) {
			end = int64(x.sampleToChunk[run+1].firstChunk)
		}
		first := int64(c.firstChunk)
		if run == 0 {
			first = 1 // the chunks before the first entry are read by it
		}
		each := int64(c.samplesPerChunk)
		if x.isPCM {
			each = (each + pcmPacket - 1) / pcmPacket
		}
		if n += max(0, end-first) * each; n >= most {
			n = most
			break
		}
	}
	if !x.isPCM {
		n = min(n, int64(x.sampleCount))
	}
	return n
}

// sampleBudgets are the samples that may still be examined in a file: those of the tables, and those that
// edit lists make of them. Tables of a few bytes can declare billions.
type sampleBudgets struct{ raw, edited sampleBudget }

// sampleBudget is a number of samples.
type sampleBudget int

// take uses one sample. It returns an error if none is left.
func (b *sampleBudget) take() error {
	if *b--; *b < 0 {
		return errTooManySamples()
	}
	return nil
}

// errTooManySamples returns the error of a file that declares more samples than any recording has.
func errTooManySamples() error {
	return fmt.Errorf("%w: more samples than a recording has", ErrMalformed)
}

// pcmPacket is the number of samples of uncompressed audio that FFmpeg reads as one packet.
const pcmPacket = 1024

// indexer is the state of tables.index.
type indexer struct {
	*tables
	raw       []indexed
	remaining *sampleBudget
	// isPCM is set for uncompressed audio with one tick per sample. FFmpeg forms
	// packets of pcmPacket samples.
	isPCM bool

	// sample is the number of the next sample, from 0.
	sample             uint32
	dts                int64
	delta              runCursor
	randomAccessCursor runCursor
	// nextSync is the next entry of stss.
	nextSync int
	// syncBase is 1 if stss counts from 1, as the standard requires.
	syncBase uint32

	offsetRun  int
	offsetUsed uint32
}

// chunk adds the samples of one chunk. It returns false when the track has no more
// samples.
func (x *indexer) chunk(c chunkEntry, offset int64, audio bool) (bool, error) {
	for left := c.samplesPerChunk; left > 0; {
		if err := x.remaining.take(); err != nil {
			return false, err
		}
		if !x.isPCM && x.sample >= x.sampleCount {
			return false, nil
		}
		size := x.sampleSize
		samples := uint32(1)
		switch {
		case x.isPCM:
			samples = min(left, pcmPacket)
			size = uint32(min(
				uint64(samples)*uint64(x.sampleSize),
				math.MaxUint32,
			)) // #nosec G115 -- bounded
		case x.sampleSize == 0:
			size = x.sizes[x.sample]
		}
		if size > 0x3fffffff { // FFmpeg's limit
			return false, nil
		}
		x.add(c, offset, size, samples, audio)
		if offset > math.MaxInt64-int64(size) {
			return false, nil
		}
		offset += int64(size)
		left -= samples
	}
	return true, nil
}

// add appends one sample, or one packet of uncompressed audio.
func (x *indexer) add(c chunkEntry, offset int64, size, samples uint32, audio bool) {
	s := indexed{at: offset, dts: x.dts, size: size, duration: samples}
	s.entry = uint16(min(c.descriptionIndex-1, math.MaxUint16)) // #nosec G115 -- bounded; c.entry is at least 1
	if x.isPCM {
		s.key = true
	} else {
		delta := x.delta.next()
		s.duration = uint32(delta) // #nosec G115 -- as read from 32 bits
		samples = s.duration
		s.shift = int32(x.nextOffset()) // #nosec G115 -- as read from 32 bits
		s.key = x.isKey(audio)
		x.sample++
	}
	x.dts += int64(samples)
	if x.isRead(c.descriptionIndex) {
		x.raw = append(x.raw, s)
	}
}

// isRead reports whether FFmpeg reads samples with a sample description. With one
// entry it reads its own. With several entries of one format it reads all. An entry
// with another format than the first is skipped.
func (t *tables) isRead(entry uint32) bool {
	for _, format := range t.formats[min(1, len(t.formats)):] {
		if format == t.formats[0] {
			return true
		}
	}
	return entry == 1 || len(t.formats) == 0
}

// nextOffset returns the composition offset of the next sample, in ticks.
func (x *indexer) nextOffset() int64 {
	if x.offsetRun >= len(x.compositionOffsets) {
		return 0
	}
	r := x.compositionOffsets[x.offsetRun]
	if x.offsetUsed++; x.offsetUsed == r.count {
		x.offsetRun++
		x.offsetUsed = 0
	}
	return r.value
}

// isKey reports whether the next sample is a sync sample, by FFmpeg's rules.
// Without stss every sample is one. With an empty stss only audio and the first
// picture are. An entry out of order hides those after it.
func (x *indexer) isKey(audio bool) bool {
	key := false
	switch {
	case x.noSyncSamples:
		key = x.randomAccess == nil && (audio || x.sample == 0)
	case len(x.syncSamples) == 0:
		key = true
	case x.syncSamples[x.nextSync] == x.sample+x.syncBase:
		key = true
		x.nextSync = min(x.nextSync+1, len(x.syncSamples)-1)
	}
	if len(x.randomAccess) > 0 && x.randomAccessCursor.next() > 0 {
		key = true
	}
	return key
}
