package mp4

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// boxes yields the type and the body of each box in b (ISO/IEC 14496-12, 4.2). A
// box that extends beyond b is truncated, as FFmpeg does. Bytes that are not a box
// end the sequence.
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

// isListed reports whether a four-character code is in a list separated by spaces.
func isListed(kind, list string) bool {
	return slices.Contains(strings.Fields(list), kind)
}

// fieldReader reads big-endian fields from the body of a box. Fields beyond the end
// are zero.
type fieldReader struct{ b []byte }

// skip skips n bytes.
func (f *fieldReader) skip(n int) {
	f.b = f.b[min(n, len(f.b)):]
}

// u16 reads an unsigned int(16).
func (f *fieldReader) u16() uint16 {
	if len(f.b) < 2 {
		f.b = nil
		return 0
	}
	v := binary.BigEndian.Uint16(f.b)
	f.b = f.b[2:]
	return v
}

// u32 reads an unsigned int(32).
func (f *fieldReader) u32() uint32 {
	if len(f.b) < 4 {
		f.b = nil
		return 0
	}
	v := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

// u64 reads an unsigned int(64).
func (f *fieldReader) u64() uint64 {
	return uint64(f.u32())<<32 | uint64(f.u32())
}

// version reads the version of a FullBox and skips its flags.
func (f *fieldReader) version() byte {
	return byte(f.u32() >> 24)
} // #nosec G115 -- 8 bits are left

// count reads entry_count. It is limited to the entries of size bytes that the body
// can hold.
func (f *fieldReader) count(size int) int {
	n := int64(f.u32())
	return int(min(n, int64(len(f.b)/size)))
}
