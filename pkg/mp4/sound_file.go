package mp4

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"
)

// SoundPacket is a packet of a sound view.
type SoundPacket struct {
	// Sample is the index of the packet among the track's samples.
	Sample int
	// Duration is in ticks of the view.
	Duration int64
}

// DescribeSound gives a sound track whose samples were listed otherwise the sample entries of sound track n of
// index, from 0, so that views can be made of it.
func (t *Track) DescribeSound(index *File, n int) {
	for i := range index.Tracks {
		if t.Kind != Audio || index.Tracks[i].Kind != Audio {
			continue
		}
		if n == 0 {
			t.description = index.Tracks[i].description
			return
		}
		n--
	}
}

// Described reports whether the track has sample entries. Without them, what its samples hold is unknown.
func (t *Track) Described() bool {
	return len(t.description) > 0
}

// NewSoundView returns a view of packets of a sound track that was read from an index. The first packet has
// PTS 0, and each begins where the one before it ends, whatever the source's timestamps say. rate is the number
// of ticks per second. Edit lists are not kept.
func NewSoundView(r io.ReaderAt, track *Track, rate int64, packets []SoundPacket) (*View, error) {
	switch {
	case track.Kind != Audio || !track.Described():
		return nil, errors.New("view sound: it is not a sound track read from an index")
	case len(packets) == 0:
		return nil, fmt.Errorf("view sound: %w", ErrNoSamples)
	case rate <= 0 || rate > math.MaxInt32:
		return nil, fmt.Errorf("view sound: %d ticks per second", rate)
	}
	v := &View{from: r}
	size := int64(0)
	for _, p := range packets {
		if p.Sample < 0 || p.Sample >= len(track.Samples) || track.Samples[p.Sample].Lost {
			return nil, fmt.Errorf("view sound: packet %d is not in the file", p.Sample)
		}
		if p.Duration < 0 || p.Duration > math.MaxInt32 {
			return nil, fmt.Errorf("view sound: packet %d lasts %d ticks", p.Sample, p.Duration)
		}
		s := &track.Samples[p.Sample]
		v.offsets = append(v.offsets, size)
		v.sources = append(v.sources, s.Offset)
		size += int64(s.Size)
	}
	v.offsets = append(v.offsets, size)
	err := v.place(func(base int64) ([]byte, error) { return soundBoxes(track, rate, packets, base) })
	if err != nil {
		return nil, fmt.Errorf("view sound: %w", err)
	}
	return v, nil
}

// soundBoxes encodes ftyp and moov of a sound view whose packets begin at byte base.
func soundBoxes(track *Track, rate int64, packets []SoundPacket, base int64) ([]byte, error) {
	length := int64(0)
	for _, p := range packets {
		length += p.Duration
	}
	trak := newTrak(videoTrack, "audio", "SoundHandler", rate, length, length)
	setSoundTables(trak.Mdia.Minf.Stbl, track, packets, base)
	return viewBoxes(trak, rate, length)
}

// setSoundTables fills the sample tables. Packets of one sample entry are one chunk.
func setSoundTables(stbl *mp4.StblBox, track *Track, packets []SoundPacket, base int64) {
	sizes := make([]uint32, len(packets))
	chunks := &mp4.Co64Box{}
	at := base
	for n, p := range packets {
		s := &track.Samples[p.Sample]
		sizes[n] = s.Size
		addDuration(stbl.Stts, uint32(p.Duration)) // #nosec G115 -- bounded by NewSoundView
		if n == 0 || s.Entry != track.Samples[packets[n-1].Sample].Entry {
			chunks.ChunkOffset = append(chunks.ChunkOffset, uint64(at)) // #nosec G115 -- not negative
			stbl.Stsc.Entries = append(stbl.Stsc.Entries, mp4.StscEntry{
				FirstChunk: uint32(len(chunks.ChunkOffset)), // #nosec G115 -- no more than samples
			})
			stbl.Stsc.SampleDescriptionID = append(stbl.Stsc.SampleDescriptionID, uint32(s.Entry)+1)
		}
		stbl.Stsc.Entries[len(stbl.Stsc.Entries)-1].SamplesPerChunk++
		at += int64(s.Size)
	}
	setSizes(stbl, sizes)
	stbl.Children[slices.Index(stbl.Children, mp4.Box(stbl.Stsd))] = rawBox("stsd", track.description)
	stbl.Children[slices.Index(stbl.Children, mp4.Box(stbl.Stco))] = chunks
	stbl.Stco = nil
	stbl.Co64 = chunks
}

// addDuration adds a sample to stts.
func addDuration(stts *mp4.SttsBox, ticks uint32) {
	if n := len(stts.SampleTimeDelta); n > 0 && stts.SampleTimeDelta[n-1] == ticks {
		stts.SampleCount[n-1]++
		return
	}
	stts.SampleCount = append(stts.SampleCount, 1)
	stts.SampleTimeDelta = append(stts.SampleTimeDelta, ticks)
}
