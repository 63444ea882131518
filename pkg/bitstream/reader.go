package bitstream

import (
	"encoding/binary"
	"fmt"
)

// Entry is how decoding can start at a picture.
type Entry uint8

// The kinds of entry point.
const (
	// NoEntry: decoding cannot start there.
	NoEntry Entry = iota
	// Clean: the picture and all that are decoded after it can be decoded (IDR, BLA).
	Clean
	// Open: the picture and all that are shown after it can be decoded (CRA, a recovery point at once).
	Open
	// Gradual: what is shown is right only some pictures later (intra refresh).
	Gradual
)

// Unit is what a sample says of itself.
type Unit struct {
	// Picture is set if the sample holds at least one slice of a coded picture.
	Picture bool
	// Malformed is set if a header cannot be read.
	Malformed bool
	// Cut is set if a NAL unit ends before its end.
	Cut bool
	// Forbidden is set if the sample holds bytes that no encoder writes into a NAL unit.
	Forbidden bool
	// Entry is how decoding can start at it.
	Entry Entry
	// Recovery is after how many reference pictures (H.264), or steps of the picture order count (HEVC),
	// pictures are right that were decoded from a Gradual entry on.
	Recovery int
	// Reference is set if other pictures may refer to it.
	Reference bool
	// Intra is set if no slice that was read refers to another picture.
	Intra bool
	// Slices are the addresses of the first macroblock or coding tree unit of its slices, in order.
	Slices []uint32

	idr     bool
	leading bool // HEVC: RASL, which cannot be decoded if decoding starts at its CRA

	// H.264
	frameNum    uint32
	maxFrameNum uint32
	field       uint8 // 0: a frame, 1: a top field, 2: a bottom field
	gapsAllowed bool

	// HEVC
	pocLSB  uint32
	maxPOC  uint32 // MaxPicOrderCntLsb
	carries bool   // its POC counts for those after it: TemporalId 0, no RASL, RADL or sub-layer non-reference
	refs    []reference
}

// reference is an entry of an HEVC reference picture set.
type reference struct {
	delta   int32 // POC, relative to the picture
	used    bool  // by this picture
	longLSB bool  // a long-term picture, known by the low bits of its POC
	lsb     uint32
}

// Reader reads samples of one track. It must be used by one goroutine.
type Reader struct {
	hevc       bool
	lengthSize int
	h264Sets   h264Sets
	hevcSets   hevcSets
}

// Limits of what is read of one sample.
const (
	// headerBytes is how much of a slice is read: its header, up to what is needed.
	headerBytes = 512
	// setBytes is how much of a parameter set is read.
	setBytes = 4096
	// maxPadding is how many zeros behind a NAL unit are padding. More of them were written over it.
	maxPadding = 32
	// maxSlices bounds the slices of a picture: the largest number that any level allows is 600.
	maxSlices = 1024
)

// New returns a reader. config is the body of the avcC or hvcC box, by whose type kind it is named.
func New(kind string, config []byte) (*Reader, error) {
	r := &Reader{}
	var ok bool
	switch kind {
	case "avcC":
		ok = r.readAVCConfig(config)
	case "hvcC":
		r.hevc = true
		ok = r.readHEVCConfig(config)
	}
	if !ok {
		return nil, fmt.Errorf("read a box %q: %w", kind, ErrUnknown)
	}
	return r, nil
}

// readAVCConfig reads an AVCDecoderConfigurationRecord (14496-15, 5.3.3.1).
func (r *Reader) readAVCConfig(b []byte) bool {
	if len(b) < 7 || b[0] != 1 {
		return false
	}
	r.lengthSize = int(b[4]&3) + 1
	count, b := int(b[5]&31), b[6:]
	for range 2 { // SPS, then PPS
		b = readSets(b, count, r.h264Sets.read)
		if len(b) < 1 {
			return true
		}
		count, b = int(b[0]), b[1:]
	}
	return true
}

// readHEVCConfig reads an HEVCDecoderConfigurationRecord (14496-15, 8.3.3.1).
func (r *Reader) readHEVCConfig(b []byte) bool {
	if len(b) < 23 || b[0] > 1 {
		return false
	}
	r.lengthSize = int(b[21]&3) + 1
	arrays, b := int(b[22]), b[23:]
	for range arrays {
		if len(b) < 3 {
			return true
		}
		count := int(binary.BigEndian.Uint16(b[1:]))
		b = readSets(b[3:], count, r.hevcSets.read)
	}
	return true
}

// readSets passes on parameter sets, each with its length in two bytes before it, and returns what follows. A list
// that is cut short ends with the last bytes.
func readSets(b []byte, count int, read func(nal []byte)) (rest []byte) {
	for range count {
		if len(b) < 2 {
			return nil
		}
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		nal := b[:min(n, len(b))]
		read(nal)
		b = b[len(nal):]
	}
	return b
}

// Read reads a sample. What it returns of slices is good until the next call.
func (r *Reader) Read(sample []byte) Unit {
	u := Unit{Intra: true}
	for len(sample) > 0 {
		nal, rest, ok := r.split(sample)
		if !ok {
			u.Cut = true
		}
		sample = rest
		if len(nal) == 0 {
			continue
		}
		if r.hevc {
			r.hevcSets.unit(&u, nal)
		} else {
			r.h264Sets.unit(&u, nal)
		}
	}
	if !u.Picture {
		u = Unit{Malformed: u.Malformed, Cut: u.Cut, Forbidden: u.Forbidden}
	}
	return u
}

// split cuts the first NAL unit off a sample. It returns false if the unit is not there as a whole. Some
// zeros behind the last unit are padding.
func (r *Reader) split(b []byte) (nal, rest []byte, ok bool) {
	if len(b) < r.lengthSize {
		return nil, nil, len(trimZeros(b)) == 0
	}
	n := int64(0)
	for _, c := range b[:r.lengthSize] {
		n = n<<8 | int64(c)
	}
	b = b[r.lengthSize:]
	if n > int64(len(b)) {
		return b, nil, false
	}
	return b[:n], b[n:], true
}

// isForbidden reports whether a NAL unit holds a sequence that emulation prevention forbids: 0x000000,
// 0x000001, 0x000002, or 0x000003 before a byte above 3.
func isForbidden(nal []byte) bool {
	for i := 2; i < len(nal); i++ {
		switch b := nal[i]; {
		case b > 3:
			i += 2
		case nal[i-1] != 0 || nal[i-2] != 0:
		case b < 3:
			rest := nal[i-2:] // a few zeros behind the unit are padding
			return len(rest) > maxPadding || len(trimZeros(rest)) > 0
		case i+1 < len(nal) && nal[i+1] > 3:
			return true
		}
	}
	return false
}

// trimZeros cuts zeros off the end.
func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
