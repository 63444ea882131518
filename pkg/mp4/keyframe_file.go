package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/Eyevinn/mp4ff/mp4"
)

// View is an MP4 file with selected samples of one track of another file: key frames of the video track, or
// packets of the sound track. It holds no media bytes. Reading it reads only those
// samples of the source, so that what lies between them costs no bytes. It
// is safe for concurrent use if the source is.
type View struct {
	// head holds the boxes before the samples.
	head []byte
	from io.ReaderAt
	// offsets are the positions of the samples in the view, and the end of the last
	// one.
	offsets []int64
	// sources are the positions of the samples in the source.
	sources []int64
}

// Viewable reports whether views can be made of the track. It must be a video track
// whose index was read.
func (t *Track) Viewable() bool {
	return t.Kind == Video && t.Described()
}

// viewScale is the number of ticks per second of a view. Sample n has PTS n, whatever the distance of two
// samples in the source: their order is all that a reader of the view needs.
const viewScale = 25

// NewView returns a view of samples of a video track, given by their indices. Their PTS must ascend. In the
// view, sample n of these has PTS n and lasts one tick. Edit lists and reordering are not kept.
func NewView(r io.ReaderAt, track *Track, samples []int) (*View, error) {
	for n, i := range samples {
		if i < 0 || i >= len(track.Samples) {
			return nil, fmt.Errorf("view a track: sample %d is not in the file", i)
		}
		s := track.Samples[i]
		if n > 0 && s.PTS <= track.Samples[samples[n-1]].PTS {
			return nil, fmt.Errorf("view a track: %w: sample %d does not come after the one before", ErrMalformed, i)
		}
	}
	return NewStretchView(r, track, samples)
}

// NewStretchView returns a view of stretches of a video track: samples in decode order, given by their indices,
// each stretch from a key frame on. In the view, sample n of these has PTS n, even where it is presented in
// another order.
func NewStretchView(r io.ReaderAt, track *Track, samples []int) (*View, error) {
	if !track.Viewable() {
		return nil, errors.New("view a track: it is not a video track read from an index")
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("view a track: %w", ErrNoSamples)
	}
	v := &View{from: r}
	size := int64(0)
	for _, i := range samples {
		if i < 0 ||
			i >= len(track.Samples) ||
			track.Samples[i].Lost {
			return nil, fmt.Errorf("view a track: sample %d is not in the file", i)
		}
		s := track.Samples[i]
		v.offsets = append(v.offsets, size)
		v.sources = append(v.sources, s.Offset)
		size += int64(s.Size)
	}
	v.offsets = append(v.offsets, size)
	err := v.place(func(base int64) ([]byte, error) { return v.boxes(track, samples, base) })
	if err != nil {
		return nil, fmt.Errorf("view a track: %w", err)
	}
	return v, nil
}

// Size returns the size of the view in bytes.
func (v *View) Size() int64 {
	return v.offsets[len(v.offsets)-1]
}

// ReadAt implements [io.ReaderAt]. An error of the source is returned with the
// position of the sample.
func (v *View) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read a view at %d", off)
	}
	n := 0
	if off < int64(len(v.head)) {
		n = copy(p, v.head[off:])
	}
	for n < len(p) {
		at := off + int64(n)
		if at >= v.Size() {
			return n, io.EOF
		}
		// The sample that holds the byte: the last that begins at or before it and is not empty.
		i := sort.Search(len(v.sources), func(i int) bool { return v.offsets[i+1] > at })
		want := p[n:min(int64(len(p)), int64(n)+v.offsets[i+1]-at)]
		if err := readFullAt(v.from, want, v.sources[i]+at-v.offsets[i]); err != nil {
			return n, fmt.Errorf("read a sample at byte %d: %w", v.sources[i], err)
		}
		n += len(want)
	}
	return n, nil
}

// place encodes the boxes before the samples and moves the samples behind them. boxes encodes them for samples
// that begin at byte base, which does not change their size.
func (v *View) place(boxes func(base int64) ([]byte, error)) error {
	head, err := boxes(0)
	if err != nil {
		return err
	}
	mdat := mdatHeader(v.Size())
	base := int64(len(head) + len(mdat))
	if head, err = boxes(base); err != nil {
		return err
	}
	v.head = slices.Concat(head, mdat)
	for i := range v.offsets {
		v.offsets[i] += base
	}
	return nil
}

// boxes encodes ftyp and moov of a view whose samples begin at byte base.
func (v *View) boxes(track *Track, samples []int, base int64) ([]byte, error) {
	length := int64(len(samples))
	trak := newTrak(videoTrack, "video", "VideoHandler", viewScale, length, length)
	trak.Tkhd.Width = mp4.Fixed32(track.displayWidth)
	trak.Tkhd.Height = mp4.Fixed32(track.displayHeight)
	v.setTables(trak.Mdia.Minf.Stbl, track, samples, base)
	return viewBoxes(trak, viewScale, length)
}

// viewBoxes encodes ftyp and moov of a view with one track. length is in ticks of scale.
func viewBoxes(trak *mp4.TrakBox, scale, length int64) ([]byte, error) {
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = uint32(scale) // #nosec G115 -- bounded by the callers
	mvhd.Duration = uint64(length) // #nosec G115 -- not negative
	mvhd.NextTrackID = videoTrack + 1
	mvhd.Version = versionFor(length)
	moov.AddChild(mvhd)
	moov.AddChild(trak)
	var out bytes.Buffer
	for _, box := range []mp4.Box{mp4.NewFtyp(
		"isom",
		0x200,
		[]string{"isom", "iso2", "mp41"},
	), moov} {
		if err := box.Encode(&out); err != nil {
			return nil, fmt.Errorf("write the %s box: %w", box.Type(), err)
		}
	}
	return out.Bytes(), nil
}

// setTables fills the sample tables. Each sample is a chunk, so that it can have
// its own sample entry.
func (v *View) setTables(stbl *mp4.StblBox, track *Track, samples []int, base int64) {
	var sizes []uint32
	offsets := &mp4.Co64Box{}
	stbl.Stts.SampleCount = []uint32{uint32(len(samples))} // #nosec G115 -- bounded when they were read
	stbl.Stts.SampleTimeDelta = []uint32{1}
	for n, i := range samples {
		s := track.Samples[i]
		offsets.ChunkOffset = append(
			offsets.ChunkOffset,
			uint64(base+v.offsets[n]),
		) // #nosec G115 -- not negative
		sizes = append(sizes, s.Size)
		if n == 0 || s.Entry != track.Samples[samples[n-1]].Entry {
			entry := mp4.StscEntry{
				FirstChunk:      uint32(n + 1),
				SamplesPerChunk: 1,
			} // #nosec G115 -- no more than samples
			stbl.Stsc.Entries = append(stbl.Stsc.Entries, entry)
			stbl.Stsc.SampleDescriptionID = append(stbl.Stsc.SampleDescriptionID, uint32(s.Entry)+1)
		}
	}
	setSizes(stbl, sizes)
	stbl.Children[slices.Index(stbl.Children, mp4.Box(stbl.Stsd))] = rawBox("stsd", track.description)
	stbl.Children[slices.Index(stbl.Children, mp4.Box(stbl.Stco))] = offsets
	stbl.Stco = nil
	stbl.Co64 = offsets
}
