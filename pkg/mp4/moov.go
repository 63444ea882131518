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
	videoTrack = iota + 1
	audioTrack
	textTrack
)

// encode returns the bytes of the header. Where the payload begins depends on the size of the moov,
// which depends on nothing but whether its chunk offsets need 64 bits.
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

// mdatHeader is the header of a mdat with a body of so many bytes.
func mdatHeader(body int64) []byte {
	if body+8 <= math.MaxUint32 {
		return append(binary.BigEndian.AppendUint32(nil, uint32(body+8)), "mdat"...) // #nosec G115 -- checked
	}
	return binary.BigEndian.AppendUint64([]byte{0, 0, 0, 1, 'm', 'd', 'a', 't'}, uint64(body+16)) // #nosec G115 -- not negative
}

// boxes returns ftyp and moov for a mdat whose body begins at base.
func (j *joiner) boxes(base int64, wide bool) ([]byte, error) {
	text := chapterSamples(j.meta.Chapters)
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale, mvhd.Duration, mvhd.NextTrackID = uint32(j.scale), uint64(j.length()), textTrack+1 // #nosec G115 -- bounded by prepare and check
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

// versionFor is the version of a box with a duration: 1 where it needs 64 bits.
func versionFor(duration int64) byte {
	if duration > math.MaxUint32 {
		return 1
	}
	return 0
}

func (j *joiner) videoTrak(payload int64, wide bool) *mp4.TrakBox {
	v := &j.first.Video
	t := newTrak(videoTrack, "video", "VideoHandler", j.scale, j.length(), j.length())
	t.Tkhd.Width, t.Tkhd.Height = mp4.Fixed32(v.Width<<16), mp4.Fixed32(v.Height<<16)                            // #nosec G115 -- 16 bits, as read from a sample entry
	entry := mp4.CreateVisualSampleEntryBox("avc1", uint16(v.Width), uint16(v.Height), rawBox("avcC", v.Config)) // #nosec G115 -- as above
	entry.CompressorName = ""
	entry.AddChild(&mp4.PaspBox{HSpacing: 1, VSpacing: 1})
	entry.AddChild(&mp4.ColrBox{ColorType: mp4.ColorTypeOnScreenColors, ColorPrimaries: 1, TransferCharacteristics: 1, MatrixCoefficients: 1})
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

func (j *joiner) audioTrak(payload int64, wide bool) *mp4.TrakBox {
	a := &j.first.Audio
	t := newTrak(audioTrack, "audio", "SoundHandler", int64(a.SampleRate), int64(len(j.packets))*PacketSamples, j.length())
	t.Tkhd.AlternateGroup = 1
	stbl := t.Mdia.Minf.Stbl
	stbl.Stsd.AddChild(mp4.CreateAudioSampleEntryBox("mp4a", uint16(a.Channels), 16, uint16(a.SampleRate), mp4.CreateEsdsBox(a.Config))) // #nosec G115 -- 16 bits, as read from a sample entry
	setTimes(stbl, uint32(len(j.packets)), PacketSamples)                                                                                // #nosec G115 -- bounded by check
	setSizes(stbl, j.packets)
	setChunks(stbl, j.chunks, Audio, payload, wide)
	setEdit(t, j.length(), PacketSamples)
	if len(j.meta.Chapters) > 0 {
		addChapterReference(t)
	}
	return t
}

// newTrak makes a track without samples: media lasts duration in ticks of scale, its presentation
// shown in ticks of the movie.
func newTrak(id uint32, kind, handler string, scale, duration, shown int64) *mp4.TrakBox {
	t := mp4.CreateEmptyTrak(id, uint32(scale), kind, "und")                           // #nosec G115 -- positive and small
	t.Tkhd.Version, t.Tkhd.Duration = versionFor(shown), uint64(shown)                 // #nosec G115 -- not negative
	t.Mdia.Mdhd.Version, t.Mdia.Mdhd.Duration = versionFor(duration), uint64(duration) // #nosec G115 -- not negative
	t.Mdia.Hdlr.Name = handler
	return t
}

// setTimes makes count samples of equal length.
func setTimes(stbl *mp4.StblBox, count, ticks uint32) {
	stbl.Stts.SampleCount, stbl.Stts.SampleTimeDelta = []uint32{count}, []uint32{ticks}
}

func setSizes(stbl *mp4.StblBox, sizes []uint32) {
	stbl.Stsz.SampleNumber, stbl.Stsz.SampleSize = uint32(len(sizes)), sizes // #nosec G115 -- bounded by check
}

// compositionOffsets is nil where no picture is reordered.
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
		counts, values = append(counts, 1), append(values, ticks)
	}
	if len(values) == 1 && values[0] == 0 {
		return nil
	}
	if err := ctts.AddSampleCountsAndOffset(counts, values); err != nil {
		panic(err) // the two grow together
	}
	return ctts
}

// setChunks lists the chunks of one track.
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
		stbl.Stsc.Entries = append(stbl.Stsc.Entries, mp4.StscEntry{FirstChunk: uint32(len(offsets)), SamplesPerChunk: count}) // #nosec G115 -- no more than samples
		last = count
	}
	stbl.Stsc.SetSingleSampleDescriptionID(1)
	if wide {
		at := slices.Index(stbl.Children, mp4.Box(stbl.Stco))
		stbl.Stco, stbl.Co64 = nil, &mp4.Co64Box{ChunkOffset: offsets}
		stbl.Children[at] = stbl.Co64
		return
	}
	for _, offset := range offsets {
		stbl.Stco.ChunkOffset = append(stbl.Stco.ChunkOffset, uint32(offset)) // #nosec G115 -- checked by encode
	}
}

// setEdit presents duration ticks of the movie, beginning at a time of the track's media.
func setEdit(t *mp4.TrakBox, duration, mediaTime int64) {
	edts := &mp4.EdtsBox{}
	edts.AddChild(&mp4.ElstBox{
		Version: versionFor(duration),
		Entries: []mp4.ElstEntry{{SegmentDuration: uint64(duration), MediaTime: mediaTime, MediaRateInteger: 1}}, // #nosec G115 -- not negative
	})
	t.Edts = edts
	t.Children = slices.Insert(t.Children, 1, mp4.Box(edts))
}

// rawBox is a box of known bytes.
func rawBox(kind string, body ...[]byte) mp4.Box {
	b := slices.Concat(body...)
	return mp4.CreateUnknownBox(kind, uint64(len(b))+8, b)
}
