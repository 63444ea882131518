package mp4

// Kind is the kind of a track.
type Kind uint8

// The kinds of track. Other is everything that is neither seen nor heard: time codes, metadata, text.
const (
	Other Kind = iota
	Video
	Audio
)

// String returns the name of the kind.
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	default:
		return "other"
	}
}

// File is the content of the index (moov) of an MP4 file.
type File struct {
	// Size is the size of the file in bytes, as passed to Read.
	Size int64
	// Tracks are in the order of the file, which is FFmpeg's order of streams.
	Tracks []Track
}

// Track is one track (trak) of a file.
type Track struct {
	ID   uint32
	Kind Kind
	// Codec is the type of the first sample entry: avc1, avc3, hvc1, hev1, mp4a and
	// others.
	Codec string
	// Timescale is the number of ticks per second, always positive.
	Timescale int64

	// Width and Height are those of the first sample entry of a video track, in
	// pixels.
	Width, Height int
	// Entries are the picture sizes by sample entry, set if a video track has
	// several.
	Entries []Size

	// Channels is the count in the decoder configuration of an audio track, or else
	// in its first sample entry.
	Channels int
	// SampleRate is in Hz, or 0 if the sample entry does not name it.
	SampleRate int

	// Start is the first presented tick. It is the PTS of the first visible sample.
	// If the edit list of an audio track starts inside a packet, it lies inside
	// that packet.
	Start int64
	// Samples are in decode order, as FFmpeg reads them. A stretch that an edit
	// list plays twice is listed twice. Samples that no edit reaches are left out.
	Samples []Sample

	// displayWidth and displayHeight are those of the track header, in pixels of 16.16 bits.
	displayWidth, displayHeight uint32
	// description is the body of the stsd box, kept for views.
	description []byte
}

// Size is the size of a picture in pixels.
type Size struct{ Width, Height int }

// Sample is one coded picture or one audio packet.
type Sample struct {
	// PTS is in ticks with edit lists applied, as FFmpeg reports it.
	PTS int64
	// Offset is the position of its first byte in the file.
	Offset int64
	// Duration is in ticks, as listed in stts: to the next sample in decode order.
	Duration uint32
	// Size is in bytes.
	Size uint32
	// Entry is the index of its sample entry, from 0.
	Entry uint16
	// Key is set if decoding can start at the sample.
	Key bool
	// Hidden is set if the sample is decoded but not presented, because it lies
	// outside its edit.
	Hidden bool
	// Lost is set if some of its bytes lie beyond the end of the file.
	Lost bool
}

// Within reports whether all bytes of the sample lie in the first size bytes of the
// file.
func (s Sample) Within(size int64) bool {
	return s.Offset >= 0 &&
		s.Offset <= size &&
		int64(s.Size) <= size-s.Offset
}

// First returns the first presented instant of the track. It returns false if
// nothing is presented.
func (t *Track) First() (Time, bool) {
	for i := range t.Samples {
		if !t.Samples[i].Hidden {
			return Time{Ticks: t.Start, Scale: t.Timescale}, true
		}
	}
	return Time{}, false
}

// Last returns the end of the last presented sample. It returns false if nothing is
// presented.
func (t *Track) Last() (Time, bool) {
	end := int64(0)
	found := false
	for i := range t.Samples {
		s := &t.Samples[i]
		if at := s.PTS + int64(s.Duration); !s.Hidden &&
			(!found || at > end) {
			end = at
			found = true
		}
	}
	return Time{Ticks: end, Scale: t.Timescale}, found
}

// Zero returns the earliest presented instant of all video and audio tracks. It
// returns false if there is none.
func (f *File) Zero() (Time, bool) {
	var zero Time
	found := false
	for i := range f.Tracks {
		t := &f.Tracks[i]
		if t.Kind == Other {
			continue
		}
		if first, ok := t.First(); ok &&
			(!found || first.Compare(zero) < 0) {
			zero = first
			found = true
		}
	}
	return zero, found
}
