package mp4

import (
	"fmt"
	"math"
)

// indexed is a sample before edit lists are applied.
type indexed struct {
	Sample
	// dts is the decoding time in ticks, minus the shift of the tables, as FFmpeg
	// counts.
	dts int64
	// offset is the composition offset in ticks.
	offset int64
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
	if !x.isPCM {
		x.raw = make([]indexed, 0, min(t.sampleCount, 1<<16))
	}
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

// sampleBudget is the number of samples that may still be examined in a file.
// Tables of a few bytes can declare billions.
type sampleBudget int

// take uses one sample. It returns an error if none is left.
func (b *sampleBudget) take() error {
	if *b--; *b < 0 {
		return fmt.Errorf("%w: more samples than its size allows", ErrMalformed)
	}
	return nil
}

// indexer is the state of tables.index.
type indexer struct {
	*tables
	raw       []indexed
	remaining *sampleBudget
	// isPCM is set for uncompressed audio with one tick per sample. FFmpeg forms
	// packets of 1024 samples.
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
			samples = min(left, 1024)
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
	s := indexed{dts: x.dts}
	s.Offset = offset
	s.Size = size
	s.Duration = samples
	s.Entry = uint16(min(c.descriptionIndex-1, math.MaxUint16)) // #nosec G115 -- bounded; c.entry is at least 1
	if x.isPCM {
		s.Key = true
	} else {
		delta := x.delta.next()
		s.Duration = uint32(delta) // #nosec G115 -- as read from 32 bits
		samples = s.Duration
		s.offset = x.nextOffset()
		s.Key = x.isKey(audio)
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
