package ffmpeg_test

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"runtime"
	"testing"
	"time"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"
	"golang.org/x/sys/unix"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// What children may take: memory in bytes, and CPU time.
const (
	structureMemory = 200 << 20
	structureTime   = 5 * time.Second
	decodingMemory  = 600 << 20
)

// cpuTime returns the CPU time of this process and of its children that have ended.
func cpuTime(t *testing.T) (used time.Duration) {
	t.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if err := unix.Getrusage(who, &usage); err != nil {
			t.Fatal(err)
		}
		used += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return used
}

// childMemory returns the most memory that an ended child of this process had, in bytes.
func childMemory(t *testing.T) int64 {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &usage); err != nil {
		t.Fatal(err)
	}
	return usage.Maxrss << 10
}

// bitWriter writes the fields of a parameter set.
type bitWriter struct {
	bytes []byte
	free  int // bits of the last byte
}

func (w *bitWriter) put(value uint32, count int) {
	for i := count - 1; i >= 0; i-- {
		if w.free == 0 {
			w.bytes, w.free = append(w.bytes, 0), 8
		}
		w.free--
		w.bytes[len(w.bytes)-1] |= byte(value>>i&1) << w.free
	}
}

// golomb writes a number as an unsigned Exp-Golomb code.
func (w *bitWriter) golomb(value uint32) {
	length := bits.Len32(value + 1)
	w.put(0, length-1)
	w.put(value+1, length)
}

// bigPictures returns a sequence parameter set of level 6.2 with square pictures and 16 reference pictures.
func bigPictures(side uint32) []byte {
	w := &bitWriter{}
	w.put(0x67, 8) // a sequence parameter set
	w.put(77, 8)   // Main
	w.put(0, 8)
	w.put(62, 8)
	w.golomb(0)  // its number
	w.golomb(0)  // log2_max_frame_num_minus4
	w.golomb(2)  // pic_order_cnt_type
	w.golomb(16) // max_num_ref_frames
	w.put(0, 1)
	w.golomb(side/16 - 1)
	w.golomb(side/16 - 1)
	w.put(0b1100, 4) // frames, direct_8x8_inference, neither cropped nor with VUI
	w.put(1, 1)
	return w.bytes
}

// withParameters returns a clip whose index claims square pictures and 16 reference pictures.
func withParameters(t *testing.T, clip []byte, side uint32) []byte {
	t.Helper()
	file, err := mp4ff.DecodeFile(bytes.NewReader(clip))
	if err != nil {
		t.Fatal(err)
	}
	entry := file.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX
	entry.AvcC.SPSnalus = [][]byte{bigPictures(side)}
	entry.Width, entry.Height = uint16(side), uint16(side)
	var out bytes.Buffer
	if err := file.Encode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// manySamples returns movie fragments of a track that list samples by their number alone.
func manySamples(fragments int, samples uint32) []byte {
	fields := func(values ...uint32) []byte {
		var b []byte
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	box := func(kind string, body ...[]byte) []byte {
		all := bytes.Join(body, nil)
		return append(append(fields(uint32(len(all)+8)), kind...), all...)
	}
	const defaults = 0x020018 // base is the moof; duration and size of a sample
	traf := box("traf", box("tfhd", fields(defaults, 1, 1, 1)), box("trun", fields(0, samples)))
	return bytes.Repeat(box("moof", box("mfhd", fields(0, 1)), traf), fragments)
}

// TestHostileFilesTakeLittleMemory reads files of a few kilobytes that claim more than fits into memory, or more
// work than a recording takes. It is not parallel: memory and CPU time are measured.
func TestHostileFilesTakeLittleMemory(t *testing.T) { //nolint:paralleltest // memory is measured
	if testing.Short() {
		t.Skip("it decodes large pictures")
	}
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=1", "-preset", "ultrafast", "-profile:v", "main", "-bf", "0"}

	fragmented := makeClip(t, append(source, "-movflags", "+frag_keyframe+empty_moov+default_base_moof")...)
	for _, claim := range []struct {
		fragments int
		samples   uint32
	}{{1000, 1 << 19}, {1000, 1 << 24}, {1000, 1<<31 - 1}, {500_000, 1}} {
		bomb := append(bytes.Clone(fragmented), manySamples(claim.fragments, claim.samples)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := cpuTime(t)
		streams, err := find(t).ListPackets(t.Context(), serveBytes(t, bomb, nil, 0), int64(len(bomb)))
		worked := cpuTime(t) - began
		runtime.ReadMemStats(&after)
		t.Logf("%+v: %d streams, %v; %v of CPU time", claim, len(streams), err, worked)
		if err != nil && !ffmpeg.IsUndecodable(err) {
			t.Errorf("%+v: %v is no fault of the file", claim, err)
		}
		if worked > structureTime {
			t.Errorf("%+v: the list took %v of CPU time", claim, worked)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > structureMemory {
			t.Errorf("%+v: the list took %d MB of this process", claim, took>>20)
		}
		if took := childMemory(t); took > structureMemory {
			t.Errorf("%+v: the list took %d MB of the child", claim, took>>20)
		}
	}

	clip := makeClip(t, source...)
	for _, test := range []struct {
		side    uint32
		refused bool
	}{{8192, true}, {4096, false}} {
		b := withParameters(t, clip, test.side)
		stream, err := find(t).OpenPictures(t.Context(), ffmpeg.Pictures{
			Source: serveBytes(t, b, nil, 0), From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS,
			Width: 64, Height: 64, Format: ffmpeg.Gray,
		})
		if err != nil {
			t.Fatal(err)
		}
		pictures := 0
		for buf := make([]byte, 64*64); err == nil; {
			if _, err = stream.Next(buf); err == nil {
				pictures++
			}
		}
		stream.Close()
		t.Logf("%d pixels a side: %d pictures, %v; %d MB", test.side, pictures, err, childMemory(t)>>20)
		if test.refused && (pictures > 0 || !ffmpeg.IsUndecodable(err)) {
			t.Errorf("%d pixels a side: %d pictures, %v; want it refused", test.side, pictures, err)
		}
		if took := childMemory(t); took > decodingMemory {
			t.Errorf("%d pixels a side: decoding took %d MB", test.side, took>>20)
		}
	}
}
