package mp4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// made is a part of n pictures, reordered as an encoder with B-frames and the given delay does, with
// the sound that belongs to it. It has no payload.
func made(r *rand.Rand, n, packets int, delay int32, scale uint32) *mp4.Part {
	p := &mp4.Part{
		Video: mp4.PartVideo{
			Timescale: 12800,
			Width:     1280,
			Height:    720,
			Config:    []byte{1, 100, 0, 31, 0xff},
		},
		Audio: mp4.PartAudio{SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}},
	}
	for i := range n {
		offset := delay // frames in groups of three: P B B is shown as B B P
		if place, group := i%3, i/3*3; group+2 < n {
			offset += [3]int32{2, -1, -1}[place]
		}
		p.Video.Offsets = append(p.Video.Offsets, offset*512)
		p.Video.Sizes = append(p.Video.Sizes, 1+scale*r.Uint32N(20000))
		if i%48 == 0 {
			p.Video.Keys = append(p.Video.Keys, i)
		}
	}
	p.Video.Durations = []mp4.Run{{Count: n, Ticks: 512}}
	for range packets {
		p.Audio.Sizes = append(p.Audio.Sizes, 100+r.Uint32N(400))
	}
	v, a := p.Video.Sizes, p.Audio.Sizes
	for len(v)+len(a) > 0 {
		v = addChunk(p, mp4.Video, v, 13)
		a = addChunk(p, mp4.Audio, a, 23)
	}
	return p
}

// addChunk puts up to n samples into one more chunk and returns the rest.
func addChunk(p *mp4.Part, kind mp4.Kind, sizes mp4.Sizes, n int) mp4.Sizes {
	n = min(n, len(sizes))
	if n == 0 {
		return nil
	}
	p.Chunks = append(p.Chunks, mp4.Chunk{Kind: kind, Offset: p.Bytes, Count: n})
	for _, size := range sizes[:n] {
		p.Bytes += int64(size)
	}
	return sizes[n:]
}

// cutUp makes the parts of a video of frames pictures that begin at the given frames.
func cutUp(seed uint64, scale uint32, delays []int32, cuts ...int) []*mp4.Part {
	r := rand.New(rand.NewPCG(seed, 1))
	var parts []*mp4.Part
	for i := 1; i < len(cuts); i++ {
		packets := (cuts[i]*15+7)/8 - cuts[i-1]*15/8
		if i == 1 {
			packets++
		}
		parts = append(parts, made(r, cuts[i]-cuts[i-1], packets, delays[i%len(delays)], scale))
	}
	return parts
}

// sparse is a file of which only the beginning is kept; the rest are zeros.
type sparse struct {
	head []byte
	size int64
}

func (s sparse) ReadAt(b []byte, at int64) (int, error) {
	if at >= s.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), s.size-at))
	clear(b[:n])
	if at < int64(len(s.head)) {
		copy(b[:n], s.head[at:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// finished joins parts without payload and reads the tables back.
func finished(t *testing.T, parts []*mp4.Part, meta mp4.Meta) *mp4.File {
	t.Helper()
	head, err := mp4.Header(parts, meta)
	if err != nil {
		t.Fatal(err)
	}
	s := sparse{head, int64(len(head))}
	for _, p := range parts {
		s.size += p.Bytes
	}
	if err := mp4.Check(s, s.size); err != nil {
		t.Fatalf("Check of the joined video: %v", err)
	}
	f, err := mp4.ReadFinished(s, s.size)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Tracks {
		for j := range f.Tracks[i].Samples {
			f.Tracks[i].Samples[j].Offset -= int64(len(head))
		}
	}
	return f
}

// TestAnyCutGivesTheSameTables: however the slices are cut and whatever the delay of each encode, the
// pictures are frames 0 to N-1, and the sound begins at 0.
func TestAnyCutGivesTheSameTables(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		cuts := []int{0}
		for range 1 + r.IntN(6) {
			cuts = append(cuts, cuts[len(cuts)-1]+8*(1+r.IntN(60)))
		}
		frames := cuts[len(cuts)-1] + r.IntN(8)
		cuts[len(cuts)-1] = frames
		parts := cutUp(seed, 1, []int32{1, 2, 4}, cuts...)
		f := finished(t, parts, at25(frames))
		checkTables(t, f, parts, frames)
	}
}

func checkTables(t *testing.T, f *mp4.File, parts []*mp4.Part, frames int) {
	t.Helper()
	video, audio := f.Tracks[0], f.Tracks[1]
	seen := make([]bool, frames)
	for _, s := range video.Samples {
		if s.Hidden || s.PTS%512 != 0 || s.PTS < 0 || s.PTS >= int64(frames)*512 || seen[s.PTS/512] {
			t.Fatalf("a picture at %d of %d frames, hidden: %v", s.PTS, frames, s.Hidden)
		}
		seen[s.PTS/512] = true
	}
	if len(video.Samples) != frames {
		t.Fatalf("%d pictures, want %d", len(video.Samples), frames)
	}
	for i, s := range audio.Samples {
		if s.PTS != int64(i-1)*mp4.PacketSamples || s.Hidden != (i == 0) {
			t.Fatalf("packet %d at %d, hidden: %v", i, s.PTS, s.Hidden)
		}
	}
	v, a, base := 0, 0, int64(0)
	for _, p := range parts {
		next := map[mp4.Kind]*int{mp4.Video: &v, mp4.Audio: &a}
		for _, c := range p.Chunks {
			at := base + c.Offset
			for range c.Count {
				samples := video.Samples
				if c.Kind == mp4.Audio {
					samples = audio.Samples
				}
				s := samples[*next[c.Kind]]
				*next[c.Kind]++
				if s.Offset != at {
					t.Fatalf("a sample at byte %d of the payload, want %d", s.Offset, at)
				}
				at += int64(s.Size)
			}
		}
		base += p.Bytes
	}
}

func TestHeaderOfMoreThanFourGigabytes(t *testing.T) {
	t.Parallel()
	parts := cutUp(1, 2000, []int32{1}, 0, 400, 800)
	if parts[0].Bytes+parts[1].Bytes < 1<<33 {
		t.Fatal("the parts are too small for this test")
	}
	checkTables(t, finished(t, parts, at25(800)), parts, 800)
}

func TestHeaderOfAWholeDay(t *testing.T) {
	t.Parallel()
	const frames = 25 * 3600 * 24
	parts := cutUp(2, 1, []int32{1}, 0, frames)
	checkTables(t, finished(t, parts, at25(frames)), parts, frames)
}

func TestHeaderWithoutSound(t *testing.T) {
	t.Parallel()
	p := made(rand.New(rand.NewPCG(3, 3)), 100, 0, 1, 1)
	p.Audio = mp4.PartAudio{}
	if f := finished(t, []*mp4.Part{p}, at25(100)); len(f.Tracks) != 1 {
		t.Errorf("%d tracks, want pictures alone", len(f.Tracks))
	}
}

func TestHeaderRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(parts []*mp4.Part, meta *mp4.Meta)
		want   error
		names  string
	}{
		{
			"another configuration",
			func(p []*mp4.Part, _ *mp4.Meta) { p[2].Video.Config = []byte{2} },
			mp4.ErrMismatch,
			"part 3 of 3",
		},
		{
			"another size",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Video.Height++ },
			mp4.ErrMismatch,
			"part 2 of 3",
		},
		{
			"other sound",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Audio.Config = []byte{2} },
			mp4.ErrMismatch,
			"part 2 of 3",
		},
		{
			"a picture missing",
			func(_ []*mp4.Part, m *mp4.Meta) { m.Frames++ },
			mp4.ErrMismatch,
			"the record 241",
		},
		{"sound missing", func(p []*mp4.Part, _ *mp4.Meta) {
			p[2] = made(
				rand.New(rand.NewPCG(1, 1)),
				80,
				149,
				1,
				1,
			)
		}, mp4.ErrMismatch, "sound"},
		{
			"a picture twice",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Video.Offsets[4] += 512 },
			mp4.ErrMismatch,
			"part 2 of 3",
		},
		{
			"between frames",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Video.Offsets[4]++ },
			mp4.ErrMismatch,
			"part 2 of 3",
		},
		{
			"another rate",
			func(_ []*mp4.Part, m *mp4.Meta) { m.Rate.Num = 27 },
			mp4.ErrMismatch,
			"part 1 of 3",
		},
		{
			"no key first",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Video.Keys = []int{5} },
			mp4.ErrMalformed,
			"part 2 of 3",
		},
		{
			"bytes missing",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Bytes-- },
			mp4.ErrMalformed,
			"part 2 of 3",
		},
		{
			"a chunk moved",
			func(p []*mp4.Part, _ *mp4.Meta) { p[1].Chunks[3].Offset++ },
			mp4.ErrMalformed,
			"part 2 of 3",
		},
		{
			"a late first chapter",
			func(_ []*mp4.Part, m *mp4.Meta) { m.Chapters = []mp4.Chapter{{StartFrame: 5}} },
			mp4.ErrMismatch,
			"chapter 1",
		},
		{"a chapter beyond the end", func(_ []*mp4.Part, m *mp4.Meta) {
			m.Chapters = []mp4.Chapter{{}, {StartFrame: 240}}
		}, mp4.ErrMismatch, "chapter 2"},
		{
			"no rate",
			func(_ []*mp4.Part, m *mp4.Meta) { m.Rate = mp4.Rate{} },
			mp4.ErrMismatch,
			"0/0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parts, meta := cutUp(1, 1, []int32{1}, 0, 80, 160, 240), at25(240)
			tt.change(parts, &meta)
			_, err := mp4.Header(parts, meta)
			if !errors.Is(err, tt.want) || !bytes.Contains([]byte(err.Error()), []byte(tt.names)) {
				t.Errorf("Header = %v, want %v that names %q", err, tt.want, tt.names)
			}
		})
	}
	if _, err := mp4.Header(nil, at25(10)); !errors.Is(err, mp4.ErrMismatch) {
		t.Errorf("Header of nothing = %v, want ErrMismatch", err)
	}
}

func TestPartAsJSON(t *testing.T) {
	t.Parallel()
	p := made(rand.New(rand.NewPCG(1, 1)), 15000, 28126, 2, 8) // ten minutes
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 300_000 {
		t.Errorf("a part of ten minutes takes %d bytes of JSON", len(b))
	}
	t.Logf("%d bytes", len(b))
	got := &mp4.Part{}
	if err := json.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Error("the part came back changed")
	}
	for _, bad := range []string{`{"video":{"sizes":"no"}}`, `{"video":{"sizes":7}}`, `{"chunks":"AAAA"}`, `{"audio":{"sizes":"////"}}`} {
		if err := json.Unmarshal([]byte(bad), &mp4.Part{}); err == nil {
			t.Errorf("%s was taken for a part", bad)
		}
	}
}

// TestManyChapters: Nero's list holds 255, the text track all.
func TestManyChapters(t *testing.T) {
	t.Parallel()
	e := encode(t, 0, 320, "64x64")
	meta := at25(320)
	meta.Room = "аудитория «504»"
	for i := range 300 {
		meta.Chapters = append(
			meta.Chapters,
			mp4.Chapter{StartFrame: int64(i), Title: fmt.Sprintf("глава %d", i)},
		)
	}
	path := join(t, []encoded{e}, meta)
	checkWords(t, path, meta)
	agreePackets(t, path)
}

// TestOtherSizesAndRates joins two parts of other shapes and counts their pictures.
func TestOtherSizesAndRates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size string
		more []string
	}{
		{"426x240", []string{"-bf", "0"}},
		{"640x360", []string{"-preset", "ultrafast"}},
		{"98x66", []string{"-bf", "3", "-b_strategy", "0"}},
	} {
		t.Run(tt.size, func(t *testing.T) {
			t.Parallel()
			all := []encoded{
				encode(t, 0, 40, tt.size, tt.more...),
				encode(t, 40, 64, tt.size, tt.more...),
			}
			path := join(t, all, at25(64))
			agree(t, path)
			checkPictures(t, path, all, 64)
			checkSeeking(t, path, 0, 39, 40, 41, 63)
		})
	}
}

func TestReadPartRefuses(t *testing.T) {
	t.Parallel()
	stream, err := os.ReadFile(clip(t, t.TempDir(), append(lavfi(
		"testsrc2=s=64x64:r=25:d=2",
		"sine=r=48000:d=2",
	),
		"-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000", "part.mp4")...))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	broken := errors.New("the pipe broke")
	window := mp4.PartWindow{First: 2, Count: 80}
	mdat := bytes.LastIndex(stream, []byte("mdat"))
	tests := []struct {
		name   string
		r      io.Reader
		w      io.Writer
		window mp4.PartWindow
		want   error
	}{
		{"nothing", bytes.NewReader(nil), io.Discard, window, mp4.ErrEmpty},
		{
			"garbage",
			bytes.NewReader(bytes.Repeat([]byte{7}, 100)),
			io.Discard,
			window,
			mp4.ErrNotMP4,
		},
		{
			"cut in media",
			bytes.NewReader(stream[:mdat+40]),
			io.Discard,
			window,
			io.ErrUnexpectedEOF,
		},
		{"cut before media", bytes.NewReader(stream[:mdat-4]), io.Discard, window, mp4.ErrShort},
		{"cut between fragments", bytes.NewReader(
			stream[:bytes.LastIndex(stream, []byte("moof"))-4],
		), io.Discard, mp4.PartWindow{Count: 95}, mp4.ErrShort},
		{
			"packets missing",
			bytes.NewReader(stream),
			io.Discard,
			mp4.PartWindow{First: 50, Count: 50},
			mp4.ErrShort,
		},
		{"broken pipe", io.MultiReader(
			bytes.NewReader(stream[:2000]),
			failing{broken},
		), io.Discard, window, broken},
		{"full disk", bytes.NewReader(stream), failing{full}, window, full},
		{"no fragments", bytes.NewReader(plain(t)), io.Discard, window, mp4.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := mp4.ReadPart(tt.r, tt.w, tt.window); !errors.Is(err, tt.want) {
				t.Errorf("ReadPart = %v, want %v", err, tt.want)
			}
		})
	}
}

// plain is a file that is not fragmented.
func plain(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(clip(
		t,
		t.TempDir(),
		append(lavfi("testsrc2=s=64x64:r=25:d=1"), "-movflags", "+faststart", "plain.mp4")...,
	))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// failing fails to read and to write.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }
