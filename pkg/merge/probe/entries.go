package probe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/bitstream"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// entryPoint is a sample at which decoding can start.
type entryPoint struct {
	Sample int `json:"s"`
	// Clean is the first sample, in decoding order, that is right if decoding starts there.
	Clean int `json:"c"`
}

// longestGOP is how long a stretch without a key frame is believed. A table that lists only the first
// picture leaves more.
const longestGOP = 20 * time.Second

// correctKeys looks into the pictures themselves where the table of key frames is absent or cannot be
// true, and makes the table true. Tables that nothing speaks against are believed.
func (p *Prober) correctKeys(ctx context.Context, generation string, object rangeproxy.Object, t *Table) error {
	if t.Picture == nil || !doubtful(t.Picture) {
		return nil
	}
	return p.findKeys(ctx, generation, object, t)
}

// findKeys reads all samples, once: what it finds is kept under the clip's generation.
func (p *Prober) findKeys(ctx context.Context, generation string, object rangeproxy.Object, t *Table) error {
	const form = "entry points, 1" // of what is stored
	key := "entries-" + Fingerprint([]any{generation, t.Stream, form})
	found, err := Learn(p.Learned, key, func() ([]entryPoint, error) {
		shared, ok := object.(*rangeproxy.Shared)
		if !ok {
			shared = rangeproxy.Share(object)
		}
		return findEntries(ctx, shared, t.Picture)
	})
	if err != nil {
		return fmt.Errorf("look for entry points: %w", err)
	}
	t.setEntries(found)
	return nil
}

// doubtful reports whether a track's table of key frames cannot be true: it says that every picture is
// one, that none comes for long, or that key frames are as small as others.
func doubtful(track *mp4.Track) bool {
	var keys, others []uint32
	var last, longest int64
	for i := range track.Samples {
		s := &track.Samples[i]
		if i == 0 || s.Key {
			last = s.PTS
		}
		longest = max(longest, s.PTS-last)
		if s.Key {
			keys = append(keys, s.Size)
		} else {
			others = append(others, s.Size)
		}
	}
	if _, config := track.Configuration(0); config == nil || len(keys) == 0 || len(track.Samples) < 2 {
		return false
	}
	slices.Sort(keys)
	slices.Sort(others)
	const few = 8
	return len(others) == 0 ||
		(mp4.Time{Ticks: longest, Scale: track.Timescale}).Duration() > longestGOP ||
		keys[len(keys)/few] <= others[len(others)/2]
}

// allEntries is how many samples at the start must be entry points so that all are believed to be.
const allEntries = 4

// sampleReader reads samples of a picture track.
type sampleReader struct {
	object  rangeproxy.Object
	track   *mp4.Track
	readers map[uint16]*bitstream.Reader // by sample entry; nil if it is none that can be read
	buf     []byte
}

// newSampleReader returns a reader for the coded pictures of a track. It parses each sample description once.
func newSampleReader(object rangeproxy.Object, track *mp4.Track) *sampleReader {
	return &sampleReader{object: object, track: track, readers: map[uint16]*bitstream.Reader{}}
}

// maxSample is how much of a sample is read.
const maxSample = 4 << 20

// read reads a sample. It returns false if its codec is none that can be read, or the sample is lost.
func (r *sampleReader) read(i int) (bitstream.Unit, bool, error) {
	s := &r.track.Samples[i]
	reader, known := r.readers[s.Entry]
	if !known {
		kind, config := r.track.Configuration(int(s.Entry))
		reader, _ = bitstream.New(kind, config) // nil: another codec
		r.readers[s.Entry] = reader
	}
	if reader == nil || s.Lost {
		return bitstream.Unit{}, false, nil
	}
	size := int(min(s.Size, maxSample))
	r.buf = slices.Grow(r.buf[:0], size)[:size]
	if n, err := r.object.ReadAt(r.buf, s.Offset); n < size {
		return bitstream.Unit{}, false, fmt.Errorf("read the sample at byte %d: %w", s.Offset, err)
	}
	return reader.Read(r.buf), true, nil
}

// findEntries lists the entry points of a track in decoding order.
func findEntries(ctx context.Context, object rangeproxy.Object, track *mp4.Track) ([]entryPoint, error) {
	r := newSampleReader(object, track)
	var found []entryPoint
	var waits []wait
	for i := range track.Samples {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		u, ok, err := r.read(i)
		if err != nil {
			return nil, err
		}
		if !ok || !u.Picture {
			continue
		}
		if i == allEntries && len(found) == i && allKeys(track) {
			return nil, nil // every picture stands for itself, as the file says
		}
		if u.Reference {
			waits = slices.DeleteFunc(waits, func(w wait) bool { return w.next(found, i) })
		}
		switch u.Entry {
		case bitstream.Clean, bitstream.Open:
			found = append(found, entryPoint{Sample: i, Clean: i})
		case bitstream.Gradual:
			found = append(found, entryPoint{Sample: i, Clean: len(track.Samples)})
			waits = append(waits, wait{at: len(found) - 1, left: &u.Recovery})
		case bitstream.NoEntry:
		}
	}
	return slices.DeleteFunc(found, func(e entryPoint) bool { return e.Clean == len(track.Samples) }), nil
}

// allKeys reports whether each sample is listed as a key frame.
func allKeys(track *mp4.Track) bool {
	return !slices.ContainsFunc(track.Samples, func(s mp4.Sample) bool { return !s.Key })
}

// wait is an entry point whose pictures are not right yet.
type wait struct {
	at   int  // in the list of entry points
	left *int // reference pictures until they are
}

// next takes in reference picture i, and reports whether it is the first that is right.
func (w wait) next(found []entryPoint, i int) bool {
	*w.left--
	if *w.left > 0 {
		return false
	}
	found[w.at].Clean = i
	return true
}

// setEntries corrects the key frames of the table. The first sample stays one if the file says so:
// decoding starts there in the end. A list without any is not believed.
func (t *Table) setEntries(found []entryPoint) {
	samples := t.Picture.Samples
	found = slices.DeleteFunc(found, func(e entryPoint) bool {
		return e.Sample < 0 || e.Clean < e.Sample || e.Clean >= len(samples)
	})
	if len(found) == 0 {
		return
	}
	if samples[0].Key && found[0].Sample > 0 {
		found = slices.Insert(found, 0, entryPoint{})
	}
	for i := range samples {
		samples[i].Key = false
	}
	for _, e := range found {
		samples[e.Sample].Key = e.Clean == e.Sample
	}
	if found[0].Sample == 0 {
		samples[0].Key = true
	}
	t.entries, t.corrected = found, true
}

// entryPoints lists where decoding can start, in decoding order.
func (t *Table) entryPoints() []entryPoint {
	if t.entries == nil {
		t.entries = []entryPoint{}
		for i := range t.Picture.Samples {
			if s := &t.Picture.Samples[i]; s.Key && !s.Lost {
				t.entries = append(t.entries, entryPoint{Sample: i, Clean: i})
			}
		}
	}
	return t.entries
}

// entryBefore returns the last entry point from which the picture of a PTS can be decoded. It returns
// false if there is none.
func (t *Table) entryBefore(pts int64) (entryPoint, bool) {
	samples := t.Picture.Samples
	best, found := entryPoint{}, false
	for _, e := range t.entryPoints() {
		if samples[e.Sample].Lost || samples[e.Clean].PTS > pts || samples[e.Sample].PTS > pts {
			continue
		}
		if !found || samples[e.Sample].PTS >= samples[best.Sample].PTS {
			best, found = e, true
		}
	}
	return best, found
}

// seekTime returns where FFmpeg seeks so that it starts at a sample or a little before it, whatever the
// table in the file says of key frames. It seeks by decoding time. It returns nil for the file's start.
func (t *Table) seekTime(sample int) *time.Duration {
	const earlier = 4 // usual durations: how FFmpeg shifts decoding times is not exactly known
	samples := t.Picture.Samples
	dts, least, shift := int64(0), int64(0), int64(0)
	for i := range samples {
		offset := samples[i].PTS - dts
		if i == 0 || offset < least {
			least = offset
		}
		if i == sample {
			shift = offset
		}
		dts += int64(samples[i].Duration)
	}
	ticks := samples[sample].PTS - (shift - least) - earlier*medianDuration(samples)
	if ticks <= 0 {
		return nil
	}
	at := mp4.Time{Ticks: ticks, Scale: t.Picture.Timescale}.Duration()
	return &at
}

// medianDuration returns what a sample usually lasts, in ticks.
func medianDuration(samples []mp4.Sample) int64 {
	durations := make([]uint32, len(samples))
	for i := range samples {
		durations[i] = samples[i].Duration
	}
	slices.Sort(durations)
	return int64(durations[len(durations)/2])
}
