package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"
)

// Track numbers of the finished video.
const (
	// Track IDs of the finished video.
	videoTrack = iota + 1
	audioTrack
	textTrack
)

// encode returns the bytes of the header. The position of the payload depends on
// the size of the moov, which depends only on whether chunk offsets need 64 bits.
func (j *joiner) encode() ([]byte, error) {
	text := chapterSamples(j.meta.Chapters)
	front, err := j.boxes(0, false)
	if err != nil {
		return nil, err
	}
	wide := int64(len(front))+16+int64(len(text.data))+j.bytes+int64(8*len(j.chunks)) > math.MaxUint32
	if wide {
		if front, err = j.boxes(0, true); err != nil {
			return nil, err
		}
	}
	mdat := mdatHeader(int64(len(text.data)) + j.bytes)
	size := len(front)
	if front, err = j.boxes(int64(size+len(mdat)), wide); err != nil {
		return nil, err
	}
	if len(front) != size {
		return nil, fmt.Errorf("the moov grew from %d to %d bytes", size, len(front))
	}
	return slices.Concat(front, mdat, text.data), nil
}

// mdatHeader returns the header of an mdat box with a body of the given size. It
// uses largesize above 4 GiB.
func mdatHeader(body int64) []byte {
	if body+8 <= math.MaxUint32 {
		return append(
			binary.BigEndian.AppendUint32(nil, uint32(body+8)),
			"mdat"...,
		) // #nosec G115 -- checked
	}
	return binary.BigEndian.AppendUint64(
		[]byte{0, 0, 0, 1, 'm', 'd', 'a', 't'},
		uint64(body+16),
	) // #nosec G115 -- not negative
}

// boxes encodes ftyp and moov for an mdat whose body begins at byte base. wide
// selects co64 instead of stco.
func (j *joiner) boxes(base int64, wide bool) ([]byte, error) {
	text := chapterSamples(j.meta.Chapters)
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = uint32(j.scale)   // #nosec G115 -- bounded by prepare and check
	mvhd.Duration = uint64(j.length()) // #nosec G115 -- bounded by prepare and check
	mvhd.NextTrackID = textTrack + 1   // #nosec G115 -- bounded by prepare and check
	mvhd.Version = versionFor(j.length())
	moov.AddChild(mvhd)
	payload := base + int64(len(text.data))
	moov.AddChild(j.videoTrak(payload, wide))
	if len(j.packets) > 0 {
		moov.AddChild(j.audioTrak(payload, wide))
	}
	if len(j.meta.Chapters) > 0 {
		moov.AddChild(j.textTrak(text, base, wide))
	}
	moov.AddChild(userData(j.meta))
	ftyp := mp4.NewFtyp("isom", 0x200, []string{"isom", "iso2", "avc1", "mp41"})
	var out bytes.Buffer
	if err := ftyp.Encode(&out); err != nil {
		return nil, fmt.Errorf("write the ftyp box: %w", err)
	}
	if err := moov.Encode(&out); err != nil {
		return nil, fmt.Errorf("write the moov box: %w", err)
	}
	return out.Bytes(), nil
}

// versionFor returns the version of a box with a duration: 1 if it needs 64 bits.
func versionFor(duration int64) byte {
	if duration > math.MaxUint32 {
		return 1
	}
	return 0
}

// videoTrak returns the video track. Its samples begin at byte payload.
func (j *joiner) videoTrak(payload int64, wide bool) *mp4.TrakBox {
	v := &j.first.Video
	t := newTrak(videoTrack, "video", "VideoHandler", j.scale, j.length(), j.length())
	t.Tkhd.Width = mp4.Fixed32(v.Width << 16)   // #nosec G115 -- 16 bits, as read from a sample entry
	t.Tkhd.Height = mp4.Fixed32(v.Height << 16) // #nosec G115 -- 16 bits, as read from a sample entry
	entry := mp4.CreateVisualSampleEntryBox(
		"avc1",
		uint16(v.Width),
		uint16(v.Height),
		rawBox("avcC", v.Config),
	) // #nosec G115 -- as above
	entry.CompressorName = ""
	entry.AddChild(&mp4.PaspBox{HSpacing: 1, VSpacing: 1})
	entry.AddChild(&mp4.ColrBox{
		ColorType:               mp4.ColorTypeOnScreenColors,
		ColorPrimaries:          1,
		TransferCharacteristics: 1,
		MatrixCoefficients:      1,
	})
	stbl := t.Mdia.Minf.Stbl
	stbl.Stsd.AddChild(entry)
	setTimes(stbl, uint32(len(j.sizes)), uint32(j.frame)) // #nosec G115 -- bounded by check
	if ctts := j.compositionOffsets(); ctts != nil {
		stbl.AddChild(ctts)
	}
	stbl.AddChild(&mp4.StssBox{SampleNumber: j.keys})
	setSizes(stbl, j.sizes)
	setChunks(stbl, j.chunks, Video, payload, wide)
	setEdit(t, j.length(), j.delay*j.frame)
	if len(j.meta.Chapters) > 0 {
		addChapterReference(t)
	}
	return t
}

// audioTrak returns the audio track. Its edit list hides the priming packet and what lies before
// the first picture.
func (j *joiner) audioTrak(payload int64, wide bool) *mp4.TrakBox {
	a := &j.first.Audio
	t := newTrak(
		audioTrack,
		"audio",
		"SoundHandler",
		int64(a.SampleRate),
		int64(len(j.packets))*PacketSamples,
		j.length(),
	)
	t.Tkhd.AlternateGroup = 1
	stbl := t.Mdia.Minf.Stbl
	stbl.Stsd.AddChild(mp4.CreateAudioSampleEntryBox(
		"mp4a",
		uint16(a.Channels),
		16,
		uint16(a.SampleRate),
		mp4.CreateEsdsBox(a.Config),
	)) // #nosec G115 -- 16 bits, as read from a sample entry
	setTimes(
		stbl,
		uint32(len(j.packets)),
		PacketSamples,
	) // #nosec G115 -- bounded by check
	setSizes(stbl, j.packets)
	setChunks(stbl, j.chunks, Audio, payload, wide)
	setEdit(t, j.length(), PacketSamples+j.meta.SoundLead)
	if len(j.meta.Chapters) > 0 {
		addChapterReference(t)
	}
	return t
}

// newTrak returns a track without samples. duration is in ticks of scale, shown in
// ticks of the movie.
func newTrak(id uint32, kind, handler string, scale, duration, shown int64) *mp4.TrakBox {
	t := mp4.CreateEmptyTrak(id, uint32(scale), kind, "und") // #nosec G115 -- positive and small
	t.Tkhd.Version = versionFor(shown)                       // #nosec G115 -- not negative
	t.Tkhd.Duration = uint64(shown)                          // #nosec G115 -- not negative
	t.Mdia.Mdhd.Version = versionFor(duration)               // #nosec G115 -- not negative
	t.Mdia.Mdhd.Duration = uint64(duration)                  // #nosec G115 -- not negative
	t.Mdia.Hdlr.Name = handler
	return t
}

// setTimes sets stts to count samples of equal duration.
func setTimes(stbl *mp4.StblBox, count, ticks uint32) {
	stbl.Stts.SampleCount = []uint32{count}
	stbl.Stts.SampleTimeDelta = []uint32{ticks}
}

// setSizes sets stsz.
func setSizes(stbl *mp4.StblBox, sizes []uint32) {
	stbl.Stsz.SampleNumber = uint32(len(sizes)) // #nosec G115 -- bounded by check
	stbl.Stsz.SampleSize = sizes                // #nosec G115 -- bounded by check
}

// compositionOffsets returns ctts, or nil if no picture is reordered.
func (j *joiner) compositionOffsets() *mp4.CttsBox {
	ctts := &mp4.CttsBox{}
	var counts []uint32
	var values []int32
	for _, offset := range j.offsets {
		ticks := int32(offset * j.frame) // #nosec G115 -- at most the part's pictures
		if last := len(values) - 1; last >= 0 && values[last] == ticks {
			counts[last]++
			continue
		}
		counts = append(counts, 1)
		values = append(values, ticks)
	}
	if len(values) == 1 && values[0] == 0 {
		return nil
	}
	if err := ctts.AddSampleCountsAndOffset(counts, values); err != nil {
		panic(err) // the two grow together
	}
	return ctts
}

// setChunks sets stsc, and stco or co64, to the chunks of one track.
func setChunks(stbl *mp4.StblBox, chunks []Chunk, kind Kind, payload int64, wide bool) {
	var offsets []uint64
	var last uint32
	for _, c := range chunks {
		if c.Kind != kind {
			continue
		}
		offsets = append(offsets, uint64(payload+c.Offset)) // #nosec G115 -- not negative
		count := uint32(c.Count)                            // #nosec G115 -- checked by Part.Check
		if count == last {
			continue
		}
		stbl.Stsc.Entries = append(
			stbl.Stsc.Entries,
			mp4.StscEntry{FirstChunk: uint32(len(offsets)), SamplesPerChunk: count},
		) // #nosec G115 -- no more than samples
		last = count
	}
	stbl.Stsc.SetSingleSampleDescriptionID(1)
	if wide {
		at := slices.Index(stbl.Children, mp4.Box(stbl.Stco))
		stbl.Stco = nil
		stbl.Co64 = &mp4.Co64Box{ChunkOffset: offsets}
		stbl.Children[at] = stbl.Co64
		return
	}
	for _, offset := range offsets {
		stbl.Stco.ChunkOffset = append(stbl.Stco.ChunkOffset, uint32(offset)) // #nosec G115 -- checked by encode
	}
}

// setEdit sets an edit list with one entry: duration in ticks of the movie,
// mediaTime in ticks of the track.
func setEdit(t *mp4.TrakBox, duration, mediaTime int64) {
	edts := &mp4.EdtsBox{}
	edts.AddChild(&mp4.ElstBox{
		Version: versionFor(duration),
		Entries: []mp4.ElstEntry{{
			SegmentDuration:  uint64(duration),
			MediaTime:        mediaTime,
			MediaRateInteger: 1,
		}}, // #nosec G115 -- not negative
	})
	t.Edts = edts
	t.Children = slices.Insert(t.Children, 1, mp4.Box(edts))
}

// rawBox returns a box with the given body.
func rawBox(kind string, body ...[]byte) mp4.Box {
	b := slices.Concat(body...)
	return mp4.CreateUnknownBox(kind, uint64(len(b))+8, b)
}
