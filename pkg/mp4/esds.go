package mp4

// esdsChannels returns the channel count in the esds box of an audio sample entry.
// It returns 0 if there is none or if the stream decides. QuickTime puts the esds
// into a wave box.
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
	// Tags of the descriptors in an esds box (ISO/IEC 14496-1, 7.2.6). They are
	// nested in this order.
	esDescriptor       = 3
	configDescriptor   = 4
	specificDescriptor = 5
)

// decoderConfig returns the AudioSpecificConfig in an esds box, or nil. It accepts
// the deviations that recorders produce.
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
			f.skip(3) // ES_ID and flags; the fields that the flags announce are not used
		case configDescriptor:
			f.skip(13)
		case specificDescriptor:
			return f.b
		}
	}
	return nil
}

// descriptorLength reads the length of a descriptor, seven bits per byte.
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

// configChannels returns the channel count of an AudioSpecificConfig (ISO/IEC
// 14496-3, 1.6.2.1), or 0 if it has none.
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

// bitReader reads bits, the most significant bit of each byte first.
type bitReader struct {
	b  []byte
	at int
	// short is set if more bits were requested than are there.
	short bool
}

// read reads n bits as an unsigned integer.
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
