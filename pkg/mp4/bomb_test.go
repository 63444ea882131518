package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// What reading the structure of a file below 64 MB may take.
const (
	structureMemory = 200 << 20 // bytes
	structureTime   = 5 * time.Second
)

// cpuTime returns the CPU time that this process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// allocated returns the bytes that a function allocates, freed ones included. Nothing else may run.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// numbers encodes 32-bit fields.
func numbers(fields ...uint32) []byte {
	var b []byte
	for _, n := range fields {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// box encodes a box.
func box(kind string, bodies ...[]byte) []byte {
	body := bytes.Join(bodies, nil)
	return append(append(numbers(uint32(len(body)+8)), kind...), body...)
}

// repeated encodes a count and so many entries.
func repeated(n int, entry ...uint32) []byte {
	return append(numbers(0, uint32(n)), bytes.Repeat(numbers(entry...), n)...)
}

// pictureTrack encodes a trak of pictures with sample tables.
func pictureTrack(edits []byte, stbl ...[]byte) []byte {
	entry := box("avc1", make([]byte, 7), []byte{1}, make([]byte, 16), []byte{0, 64, 0, 64}, make([]byte, 50))
	tables := append([][]byte{box("stsd", numbers(0, 1), entry)}, stbl...)
	return box("trak", edits, box(
		"mdia",
		box("mdhd", numbers(0, 0, 0, 25, 0, 0)),
		box("hdlr", numbers(0, 0), []byte("vide"), make([]byte, 13)),
		box("minf", box("stbl", tables...)),
	))
}

// movie encodes a file of an index alone.
func movie(tracks ...[]byte) []byte {
	return append(box("ftyp", []byte("isom"), numbers(0)), box("moov", tracks...)...)
}

// TestIndexBombs reads indexes that say more than any recording has. None takes more than the memory and the CPU
// time of the structure, and those that cannot be true are faults of the file.
func TestIndexBombs(t *testing.T) { // not parallel: memory and CPU time are measured
	const most = 1 << 19
	chunk := box("stco", repeated(1, 100))
	each := [][]byte{
		box("stts", repeated(most, 1, 1)),
		box("ctts", repeated(most, 1, 0)),
		box("stsc", repeated(1, 1, 1, 1)),
		box("stco", repeated(most, 100)),
	}
	sized := func(n int) []byte { return box("stsz", numbers(0), repeated(n, 1)) }
	fixed := [][]byte{
		box("stts", repeated(1, 10e6, 1)), box("stsc", repeated(1, 1, 10e6, 1)),
		chunk, box("stsz", numbers(0, 1, 10e6)),
	}
	half := [][]byte{
		box("stts", repeated(1, most/2, 1)), box("stsc", repeated(1, 1, most/2, 1)),
		chunk, box("stsz", numbers(0, 1, most/2)),
	}
	replays := box("edts", box("elst", numbers(0, 256), bytes.Repeat(numbers(most, 0, 1<<16), 256)))
	tests := []struct {
		name string
		file []byte
		want error
	}{
		{"ten million samples of one size", movie(pictureTrack(nil, fixed...)), mp4.ErrMalformed},
		{"two million listed samples", movie(pictureTrack(
			nil, box("stts", repeated(1, 2e6, 1)), box("stsc", repeated(1, 1, 2e6, 1)), chunk, sized(2e6),
		)), mp4.ErrMalformed},
		{"an index of 33 MB", movie(box("free", make([]byte, 33<<20))), mp4.ErrMalformed},
		{"three tracks of half the samples", movie(
			pictureTrack(nil, half...), pictureTrack(nil, half...), pictureTrack(nil, half...),
		), mp4.ErrMalformed},
		{"edits that play all again", movie(pictureTrack(replays, half...)), mp4.ErrMalformed},
		{"half a million boxes behind the index", append(
			movie(pictureTrack(nil, half...)), bytes.Repeat(box("moof", make([]byte, 68)), 500_000)...,
		), nil},
		{"the most that is read", movie(pictureTrack(nil, append(each, sized(most))...)), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			before := cpuTime(t)
			bytes := allocated(func() { err = readAll(tt.file) })
			took := cpuTime(t) - before
			if !errors.Is(err, tt.want) {
				t.Errorf("Read = %v, want %v", err, tt.want)
			}
			if bytes > structureMemory {
				t.Errorf("reading %d bytes allocated %d MB", len(tt.file), bytes>>20)
			}
			if took > structureTime {
				t.Errorf("reading %d bytes took %v of CPU time", len(tt.file), took)
			}
			t.Logf("%d bytes: %d MB, %v of CPU time", len(tt.file), bytes>>20, took)
		})
	}
}

// readAll reads a file in memory.
func readAll(b []byte) error {
	_, err := mp4.Read(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), int64(len(b)))
	return err
}
