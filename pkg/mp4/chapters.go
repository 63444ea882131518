package mp4

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/Eyevinn/mp4ff/mp4"
)

// Chapters are written twice, as FFmpeg does: as a text track that the others refer to, which
// QuickTime and browsers' players read, and as Nero's list, which the rest reads.

// maxNeroChapters is the number of chapters that a chpl box can hold.
const maxNeroChapters = 255

// checkChapters returns an error unless the chapters begin at frame 0, ascend and
// lie inside the video.
func checkChapters(meta Meta) error {
	for i, c := range meta.Chapters {
		if i == 0 && c.StartFrame != 0 ||
			i > 0 && c.StartFrame <= meta.Chapters[i-1].StartFrame ||
			c.StartFrame >= meta.Frames {
			return fmt.Errorf(
				"%w: chapter %d begins at frame %d of %d",
				ErrMismatch,
				i+1,
				c.StartFrame,
				meta.Frames,
			)
		}
	}
	return nil
}

// textSamples are the samples of the chapter track.
type textSamples struct {
	data  []byte
	sizes []uint32
}

// chapterSamples returns a text sample for each title: its length, the text, and an
// encd box that declares UTF-8.
func chapterSamples(chapters []Chapter) textSamples {
	var t textSamples
	for _, c := range chapters {
		title := truncate(c.Title, math.MaxUint16)
		size := len(t.data)
		t.data = binary.BigEndian.AppendUint16(t.data, uint16(len(title))) // #nosec G115 -- cut above
		t.data = append(t.data, title...)
		t.data = append(t.data, 0, 0, 0, 12, 'e', 'n', 'c', 'd', 0, 0, 1, 0)
		t.sizes = append(t.sizes, uint32(len(t.data)-size)) // #nosec G115 -- at most 64 kB
	}
	return t
}

// truncate shortens text to at most n bytes without splitting a character.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// textTrak returns the chapter track. Its samples begin at byte base of the file,
// before the payload.
func (j *joiner) textTrak(text textSamples, base int64, wide bool) *mp4.TrakBox {
	t := newTrak(textTrack, "text", "ChapterHandler", j.scale, j.length(), j.length())
	t.Tkhd.Flags = 2 // in the movie, but not shown
	t.Mdia.Minf.Children[0] = rawBox("gmhd", textMediaHeader())
	stbl := t.Mdia.Minf.Stbl
	stbl.Stsd.AddChild(rawBox("text", textSampleEntry()))
	for i, c := range j.meta.Chapters {
		end := j.meta.Frames
		if i+1 < len(j.meta.Chapters) {
			end = j.meta.Chapters[i+1].StartFrame
		}
		stbl.Stts.SampleCount = append(stbl.Stts.SampleCount, 1)
		stbl.Stts.SampleTimeDelta = append(
			stbl.Stts.SampleTimeDelta,
			uint32((end-c.StartFrame)*j.frame),
		) // #nosec G115 -- bounded by check
	}
	setSizes(stbl, text.sizes)
	setChunks(stbl, []Chunk{{Kind: Other, Count: len(text.sizes)}}, Other, base, wide)
	return t
}

// addChapterReference adds a track reference (tref) of type chap to the chapter
// track.
func addChapterReference(t *mp4.TrakBox) {
	tref := &mp4.TrefBox{}
	tref.AddChild(&mp4.TrefTypeBox{Name: "chap", TrackIDs: []uint32{textTrack}})
	t.Children = slices.Insert(t.Children, 2, mp4.Box(tref))
}

// textMediaHeader returns the body of a gmhd box, which QuickTime needs to show
// text over a picture.
func textMediaHeader() []byte {
	var b []byte
	b = append(b, 0, 0, 0, 24, 'g', 'm', 'i', 'n', 0, 0, 0, 0)
	b = append(b, 0, 0x40, 0x80, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0) // dither copy, grey, centred
	b = append(b, 0, 0, 0, 44, 't', 'e', 'x', 't')
	for _, v := range []uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30} { // the identity
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// textSampleEntry returns the body of a text sample entry without box, style and
// font.
func textSampleEntry() []byte {
	b := make([]byte, 8+30, 64)
	b[7] = 1    // data reference
	b[8+3] = 1  // display flags
	b[8+23] = 1 // font of the style
	return append(b, 0, 0, 0, 13, 'f', 't', 'a', 'b', 0, 1, 0, 1, 0)
}

// neroChapterList returns the body of a chpl box. Starts are in units of 100 ns,
// titles have at most 255 bytes.
func neroChapterList(meta Meta) []byte {
	chapters := meta.Chapters[:min(len(meta.Chapters), maxNeroChapters)]
	b := []byte{1, 0, 0, 0, 0, 0, 0, 0, byte(len(chapters))}
	for _, c := range chapters {
		start := rescale(c.StartFrame*meta.Rate.Den, 1e7, meta.Rate.Num)
		b = binary.BigEndian.AppendUint64(b, uint64(start)) // #nosec G115 -- not negative
		title := truncate(c.Title, math.MaxUint8)
		b = append(b, byte(len(title))) // #nosec G115 -- cut above
		b = append(b, title...)
	}
	return b
}

// userData returns the udta box with title, date, album and the chapter list.
func userData(meta Meta) mp4.Box {
	var tags []byte
	for _, tag := range []struct{ kind, text string }{
		{"\xa9nam", meta.Title},
		{"\xa9day", meta.Date},
		{"\xa9alb", meta.Room},
	} {
		if tag.text == "" {
			continue
		}
		data := append([]byte{0, 0, 0, 1, 0, 0, 0, 0}, tag.text...) // UTF-8, no locale
		tags = append(tags, boxBytes(tag.kind, boxBytes("data", data))...)
	}
	hdlr := append(make([]byte, 8), "mdirappl"...)
	hdlr = append(hdlr, make([]byte, 9)...)
	body := boxBytes("meta", make([]byte, 4), boxBytes("hdlr", hdlr), boxBytes("ilst", tags))
	if len(meta.Chapters) > 0 {
		body = append(body, boxBytes("chpl", neroChapterList(meta))...)
	}
	return rawBox("udta", body)
}

// boxBytes encodes a box with the given body.
func boxBytes(kind string, body ...[]byte) []byte {
	b := slices.Concat(body...)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b)+8)) // #nosec G115 -- titles are small
	return slices.Concat(head, []byte(kind), b)
}
