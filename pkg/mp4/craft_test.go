package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// split cuts a file whose moov is its last box in two.
func split(t *testing.T, path string) (front []byte, moov *mp4ff.MoovBox) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte("moov")) - 4
	box, err := mp4ff.DecodeBoxSR(0, bits.NewFixedSliceReader(b[at:]))
	if err != nil {
		t.Fatal(err)
	}
	return b[:at], box.(*mp4ff.MoovBox)
}

func written(t *testing.T, name string, front []byte, moov *mp4ff.MoovBox) string {
	t.Helper()
	var out bytes.Buffer
	out.Write(front)
	if err := moov.Encode(&out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".mp4")
	writeFile(t, path, out.String())
	return path
}

// setEdits replaces a track's edit list.
func setEdits(trak *mp4ff.TrakBox, entries ...mp4ff.ElstEntry) {
	for i := range entries {
		entries[i].MediaRateInteger = 1
	}
	trak.Edts = &mp4ff.EdtsBox{}
	trak.Edts.AddChild(&mp4ff.ElstBox{Version: 1, Entries: entries})
	trak.Children = slices.DeleteFunc(trak.Children, func(b mp4ff.Box) bool {
		return b.Type() == "edts"
	})
	trak.Children = slices.Insert(trak.Children, 1, mp4ff.Box(trak.Edts))
}

// replace puts a box of known bytes in the place of another.
func replace(stbl *mp4ff.StblBox, kind, by string, body []byte) {
	for i, b := range stbl.Children {
		if b.Type() == kind {
			stbl.Children[i] = mp4ff.CreateUnknownBox(by, uint64(len(body))+8, body)
		}
	}
}

// TestReadCraftedAgreesWithFFmpeg goes where FFmpeg's muxer does not: boxes that other writers use.
func TestReadCraftedAgreesWithFFmpeg(t *testing.T) {
	t.Parallel()
	base := clip(
		t,
		t.TempDir(),
		append(
			lavfi(pictures, sound),
			append(strings.Fields(fastVideo+" -movie_timescale 1000"), "base.mp4")...,
		)...,
	)
	const empty = -1
	tests := []struct {
		name   string
		change func(video, audio *mp4ff.TrakBox)
		agree  func(*testing.T, string) // nil: in all
	}{
		{"several edits", func(v, a *mp4ff.TrakBox) {
			setEdits(
				v,
				mp4ff.ElstEntry{SegmentDuration: 1000, MediaTime: 1024},
				mp4ff.ElstEntry{SegmentDuration: 1200, MediaTime: 12800*2 + 1024},
			)
			setEdits(
				a,
				mp4ff.ElstEntry{SegmentDuration: 1000, MediaTime: 1024},
				mp4ff.ElstEntry{SegmentDuration: 1200, MediaTime: 96000 + 1024},
			)
		}, nil},
		{"empty edits and a start inside", func(v, a *mp4ff.TrakBox) {
			setEdits(
				v,
				mp4ff.ElstEntry{SegmentDuration: 300, MediaTime: empty},
				mp4ff.ElstEntry{SegmentDuration: 2000, MediaTime: 7000},
			)
			setEdits(
				a,
				mp4ff.ElstEntry{SegmentDuration: 250, MediaTime: empty},
				mp4ff.ElstEntry{SegmentDuration: 2000, MediaTime: 30000},
			)
		}, nil},
		{"a stretch played twice", func(v, a *mp4ff.TrakBox) {
			setEdits(
				v,
				mp4ff.ElstEntry{SegmentDuration: 900, MediaTime: 1024},
				mp4ff.ElstEntry{SegmentDuration: 900, MediaTime: 1024},
			)
			setEdits(a, mp4ff.ElstEntry{SegmentDuration: 4000, MediaTime: 0})
		}, nil},
		{"an edit backwards", func(v, _ *mp4ff.TrakBox) {
			setEdits(
				v,
				mp4ff.ElstEntry{SegmentDuration: 700, MediaTime: 12800*2 + 1024},
				mp4ff.ElstEntry{SegmentDuration: 700, MediaTime: 5000},
			)
		}, nil},
		{"an edit that begins late", func(v, _ *mp4ff.TrakBox) {
			setEdits(v, mp4ff.ElstEntry{SegmentDuration: 4000, MediaTime: 0})
		}, nil},
		{
			"co64",
			func(v, a *mp4ff.TrakBox) {
				for _, trak := range []*mp4ff.TrakBox{v, a} {
					b := make([]byte, 4)
					b = binary.BigEndian.AppendUint32(
						b,
						uint32(len(trak.Mdia.Minf.Stbl.Stco.ChunkOffset)),
					)
					for _, offset := range trak.Mdia.Minf.Stbl.Stco.ChunkOffset {
						b = binary.BigEndian.AppendUint64(b, uint64(offset))
					}
					replace(trak.Mdia.Minf.Stbl, "stco", "co64", b)
				}
			},
			nil,
		},
		{"stz2", func(_, a *mp4ff.TrakBox) {
			sizes := a.Mdia.Minf.Stbl.Stsz.SampleSize
			b := []byte{0, 0, 0, 0, 0, 0, 0, 16}
			b = binary.BigEndian.AppendUint32(b, uint32(len(sizes)))
			for _, size := range sizes {
				b = binary.BigEndian.AppendUint16(b, uint16(size))
			}
			replace(a.Mdia.Minf.Stbl, "stsz", "stz2", b)
		}, nil},
		{"two sample entries", func(v, _ *mp4ff.TrakBox) {
			stbl := v.Mdia.Minf.Stbl
			second := *stbl.Stsd.AvcX
			stbl.Stsd.AddChild(&second)
			if len(stbl.Stco.ChunkOffset) < 60 {
				panic("the clip has too few chunks")
			}
			spread(stbl, 50)
		}, nil},
		{
			"an empty stss",
			func(v, _ *mp4ff.TrakBox) { v.Mdia.Minf.Stbl.Stss.SampleNumber = nil },
			agreeDecodedOnly,
		},
		{
			"no stss",
			func(v, _ *mp4ff.TrakBox) { replace(v.Mdia.Minf.Stbl, "stss", "free", nil) },
			agreeDecodedOnly,
		},
		{"lengths FFmpeg does not believe", func(v, _ *mp4ff.TrakBox) {
			v.Mdia.Minf.Stbl.Stts.SampleCount = []uint32{40, 1, 59}
			v.Mdia.Minf.Stbl.Stts.SampleTimeDelta = []uint32{512, 0xfffffe00, 512}
		}, agreePackets},
		{"a jump of a day", func(v, _ *mp4ff.TrakBox) {
			v.Mdia.Minf.Stbl.Stts.SampleCount = []uint32{40, 1, 59}
			v.Mdia.Minf.Stbl.Stts.SampleTimeDelta = []uint32{512, 12800 * 86400, 512}
			setEdits(v, mp4ff.ElstEntry{SegmentDuration: 2 * 86400_000, MediaTime: 1024})
		}, agreePackets},
		{"sizes all equal", func(_, a *mp4ff.TrakBox) {
			stsz := a.Mdia.Minf.Stbl.Stsz
			stsz.SampleUniformSize, stsz.SampleSize = 100, nil
		}, agreePackets},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			front, moov := split(t, base)
			tt.change(moov.Traks[0], moov.Traks[1])
			path := written(t, strings.ReplaceAll(tt.name, " ", "_"), front, moov)
			if tt.agree == nil {
				tt.agree = agree
			}
			tt.agree(t, path)
		})
	}
}

// agreeDecodedOnly leaves the packets' key flags alone: without a list of keys, ffprobe looks for them
// in the pictures.
func agreeDecodedOnly(t *testing.T, path string) {
	t.Helper()
	agreeDecoded(t, path, &open(t, path).Tracks[0], 0)
}

// spread gives the chunks from the given one on the second sample entry.
func spread(stbl *mp4ff.StblBox, from uint32) {
	var before, after []mp4ff.StscEntry
	for _, e := range stbl.Stsc.Entries {
		if e.FirstChunk < from {
			before = append(before, e)
		} else {
			after = append(after, e)
		}
	}
	if len(after) == 0 || after[0].FirstChunk > from {
		after = slices.Insert(
			after,
			0,
			mp4ff.StscEntry{
				FirstChunk:      from,
				SamplesPerChunk: before[len(before)-1].SamplesPerChunk,
			},
		)
	}
	stbl.Stsc.Entries = slices.Concat(before, after)
	ids := make([]uint32, len(stbl.Stsc.Entries))
	for i := range ids {
		ids[i] = 1
		if i >= len(before) {
			ids[i] = 2
		}
	}
	stbl.Stsc.SetSingleSampleDescriptionID(0)
	stbl.Stsc.SampleDescriptionID = ids
}

func TestReadSecondSampleEntry(t *testing.T) {
	t.Parallel()
	front, moov := split(
		t,
		clip(
			t,
			t.TempDir(),
			append(lavfi(pictures, sound), append(strings.Fields(fastVideo), "base.mp4")...)...,
		),
	)
	stbl := moov.Traks[0].Mdia.Minf.Stbl
	second := *stbl.Stsd.AvcX
	second.Width, second.Height = 640, 360
	stbl.Stsd.AddChild(&second)
	spread(stbl, 50)
	track := open(t, written(t, "two", front, moov)).Tracks[0]
	if want := []mp4.Size{
		{Width: 320, Height: 180},
		{Width: 640, Height: 360},
	}; !slices.Equal(track.Entries, want) {
		t.Errorf("Entries = %v, want %v", track.Entries, want)
	}
	changes := 0
	for i := 1; i < len(track.Samples); i++ {
		if track.Samples[i].Entry != track.Samples[i-1].Entry {
			changes++
		}
	}
	if last := track.Samples[len(track.Samples)-1]; changes != 1 || last.Entry != 1 {
		t.Errorf(
			"%d changes, the last sample is of entry %d, want one change to 1",
			changes, last.Entry,
		)
	}
}

func TestReadWideMdat(t *testing.T) {
	t.Parallel()
	path := clip(
		t,
		t.TempDir(),
		append(lavfi(pictures, sound), append(strings.Fields(fastVideo), "base.mp4")...)...,
	)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("mdat")) - 12 // a free box of 8 bytes stands before it
	size := binary.BigEndian.Uint32(b[at+8:])
	binary.BigEndian.PutUint32(b[at:], 1)
	copy(b[at+4:], "mdat")
	binary.BigEndian.PutUint64(b[at+8:], uint64(size)+8)
	writeFile(t, path, string(b))
	agree(t, path)
}

func TestReadOfTruncatedFile(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(clip(
		t,
		t.TempDir(),
		append(
			lavfi(pictures, sound),
			append(strings.Fields(fastVideo+" -movflags +faststart"), "base.mp4")...,
		)...,
	))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(b)) * 3 / 4
	f, err := mp4.Read(bytes.NewReader(b[:size]), size)
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range f.Tracks {
		lost := 0
		for _, s := range track.Samples {
			if s.Lost != (s.Offset+int64(s.Size) > size) {
				t.Errorf("the sample at %d+%d of %d: Lost = %v", s.Offset, s.Size, size, s.Lost)
			}
			if s.Lost {
				lost++
			}
		}
		if lost == 0 || lost == len(track.Samples) {
			t.Errorf("%s: %d of %d samples are lost", track.Kind, lost, len(track.Samples))
		}
	}
}

// brokenReader fails at a place.
type brokenReader struct {
	io.ReaderAt
	at  int64
	err error
}

func (r brokenReader) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > r.at {
		return 0, r.err
	}
	return r.ReaderAt.ReadAt(b, at)
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := read(clip(t, dir, append(
		lavfi(pictures),
		append(strings.Fields(fastVideo), "whole.mp4")...,
	)...))
	fragmented := read(clip(
		t,
		dir,
		append(
			lavfi(pictures),
			append(
				strings.Fields(fastVideo+" -movflags +frag_keyframe+empty_moov"),
				"fragmented.mp4",
			)...,
		)...,
	))
	moov := bytes.LastIndex(whole, []byte("moov")) - 4
	garbage := bytes.Repeat([]byte("what is this? "), 1000)
	unreadable := errors.New("the line is down")
	tests := []struct {
		name string
		r    io.ReaderAt
		size int
		want error
	}{
		{"no bytes", bytes.NewReader(nil), 0, mp4.ErrEmpty},
		{"zeros", bytes.NewReader(make([]byte, 100000)), 100000, mp4.ErrNotMP4},
		{"garbage", bytes.NewReader(garbage), len(garbage), mp4.ErrNotMP4},
		{"three bytes", bytes.NewReader(whole), 3, mp4.ErrNotMP4},
		{"no moov", bytes.NewReader(whole), moov, mp4.ErrNoMoov},
		{"cut in the mdat", bytes.NewReader(whole), moov / 2, mp4.ErrNoMoov},
		{"cut in the moov", bytes.NewReader(whole), moov + 300, mp4.ErrNoMoov},
		{"fragmented", bytes.NewReader(fragmented), len(fragmented), mp4.ErrFragmented},
		{"unreadable", brokenReader{bytes.NewReader(whole), 0, unreadable}, len(whole), unreadable},
		{
			"unreadable moov",
			brokenReader{bytes.NewReader(whole), int64(moov) + 100, unreadable},
			len(whole),
			unreadable,
		},
		{
			"shorter than it is said to be",
			bytes.NewReader(whole[:moov+300]),
			len(whole),
			io.ErrUnexpectedEOF,
		},
		{"no tracks", strings.NewReader("\x00\x00\x00\x08moov"), 8, mp4.ErrNoSamples},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := mp4.Read(tt.r, int64(tt.size)); !errors.Is(err, tt.want) {
				t.Errorf("Read = %v, want %v", err, tt.want)
			}
		})
	}
}
