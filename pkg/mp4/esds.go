package mp4

// esdsChannels is the channel count that the esds among the boxes of an audio sample entry tells; 0 if
// there is none, or if it leaves the count to the stream. QuickTime puts the esds into a wave.
func esdsChannels(b []byte) int {
	for kind, body := range boxes(b) {
		switch kind {
		case "esds":
			return configChannels(decoderConfig(body))
		case "wave":
			for inner, body := range boxes(body) {
				if inner == "esds" {
					return configChannels(decoderConfig(body))
				}
			}
		}
	}
	return 0
}

// Descriptors of an esds, one inside another, ISO/IEC 14496-1.
const (
	esDescriptor       = 3
	configDescriptor   = 4
	specificDescriptor = 5
)

// decoderConfig takes the AudioSpecificConfig out of an esds as a recorder wrote it; nil if there is
// none.
func decoderConfig(esds []byte) []byte {
	f := fieldReader{esds}
	f.skip(4)
	for range 3 {
		if len(f.b) < 1 {
			return nil
		}
		tag := f.b[0]
		f.skip(1)
		length := f.descriptorLength()
		f.b = f.b[:min(length, len(f.b))]
		switch tag {
		case esDescriptor:
			f.skip(3) // nobody uses what its flags may announce
		case configDescriptor:
			f.skip(13)
		case specificDescriptor:
			return f.b
		}
	}
	return nil
}

// descriptorLength reads a length in groups of seven bits.
func (f *fieldReader) descriptorLength() int {
	length := 0
	for range 4 {
		if len(f.b) == 0 {
			return 0
		}
		group := f.b[0]
		f.skip(1)
		if length = length<<7 | int(group&0x7f); group < 0x80 {
			break
		}
	}
	return length
}

// Values of an AudioSpecificConfig, ISO/IEC 14496-3.
const (
	objectParametricStereo = 29 // mono that is decoded to stereo
	objectEscape           = 31
	frequencyEscape        = 15
)

// configChannels reads the channel count out of an AudioSpecificConfig; 0 if it tells none.
func configChannels(config []byte) int {
	bits := bitReader{b: config}
	object := bits.read(5)
	if object == objectEscape {
		object = 32 + bits.read(6)
	}
	if bits.read(4) == frequencyEscape {
		bits.read(24)
	}
	channels := bits.read(4)
	switch {
	case bits.short:
		return 0
	case object == objectParametricStereo && channels == 1:
		return 2
	case channels == 7:
		return 8
	case channels > 7:
		return 0
	default:
		return channels
	}
}

// bitReader reads bits, the highest of a byte first.
type bitReader struct {
	b     []byte
	at    int
	short bool // more was asked for than is there
}

func (r *bitReader) read(n int) int {
	v := 0
	for range n {
		if r.at/8 >= len(r.b) {
			r.short = true
			return 0
		}
		v = v<<1 | int(r.b[r.at/8]>>(7-r.at%8))&1
		r.at++
	}
	return v
}
