package mp4

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// boxes yields the type and body of each box in b. A box that reaches beyond b is cut there, as
// FFmpeg does; bytes that are no box end the list.
func boxes(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			box, ok := parseBoxHeader(b, int64(len(b)))
			if !ok {
				return
			}
			end := min(box.size, int64(len(b)))
			if box.headerSize > end || !yield(box.boxType, b[box.headerSize:end]) {
				return
			}
			b = b[end:]
		}
	}
}

// isListed says whether a four-letter type is in a list of them.
func isListed(kind, list string) bool { return slices.Contains(strings.Fields(list), kind) }

// fieldReader reads big-endian numbers from the body of a box. Reading beyond the end gives zeros.
type fieldReader struct{ b []byte }

func (f *fieldReader) skip(n int) { f.b = f.b[min(n, len(f.b)):] }

func (f *fieldReader) u16() uint16 {
	if len(f.b) < 2 {
		f.b = nil
		return 0
	}
	v := binary.BigEndian.Uint16(f.b)
	f.b = f.b[2:]
	return v
}

func (f *fieldReader) u32() uint32 {
	if len(f.b) < 4 {
		f.b = nil
		return 0
	}
	v := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

func (f *fieldReader) u64() uint64 { return uint64(f.u32())<<32 | uint64(f.u32()) }

// version reads the version of a full box and skips its flags.
func (f *fieldReader) version() byte { return byte(f.u32() >> 24) } // #nosec G115 -- 8 bits are left

// count reads the number of entries of a table and holds it at what is left for entries of size bytes.
func (f *fieldReader) count(size int) int {
	n := int64(f.u32())
	return int(min(n, int64(len(f.b)/size)))
}
