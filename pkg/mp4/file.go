package mp4

// Kind tells pictures from sound.
type Kind uint8

// The kinds of track. Other is everything that is neither seen nor heard: time codes, metadata, text.
const (
	Other Kind = iota
	Video
	Audio
)

// String names the kind.
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

// File is what the index of an MP4 file says.
type File struct {
	Size   int64   // of the file in bytes, as given to Read
	Tracks []Track // in file order, which is FFmpeg's order of streams
}

// Track is one track of a file.
type Track struct {
	ID        uint32
	Kind      Kind
	Codec     string // the first sample entry's four letters: avc1, avc3, hvc1, hev1, mp4a, …
	Timescale int64  // ticks a second, positive

	Width, Height int    // of the first sample entry of a video track, in pixels
	Entries       []Size // picture sizes by sample entry, where a video track has several

	Channels   int // of the first sample entry of an audio track, or of its decoder's configuration
	SampleRate int // in Hz; 0 if the sample entry does not say

	// Start is the first presented tick. It is the first visible sample's PTS, but for sound whose edit
	// list starts inside a packet: then it lies inside that packet.
	Start int64
	// Samples are in decode order, as FFmpeg reads them: a stretch that an edit list plays twice is there
	// twice, and what no edit reaches is not there.
	Samples []Sample

	description []byte // the body of stsd as it is in the file, for [NewView]
}

// Size is a picture's size in pixels.
type Size struct{ Width, Height int }

// Sample is one coded picture, or one packet of sound.
type Sample struct {
	PTS      int64  // in ticks, edit lists honoured: what FFmpeg reports as pts
	Offset   int64  // of its first byte in the file
	Duration uint32 // in ticks, as the table says: to the next sample in decode order
	Size     uint32 // in bytes
	Entry    uint16 // sample entry, from 0
	Key      bool   // decoding can start here
	Hidden   bool   // decoded, but not presented: outside its edit
	Lost     bool   // some of its bytes lie beyond the end of the file
}

// Within says whether all bytes of the sample lie in the first size bytes of the file.
func (s Sample) Within(size int64) bool {
	return s.Offset >= 0 && s.Offset <= size && int64(s.Size) <= size-s.Offset
}

// First is the first presented instant of the track; false if nothing is presented.
func (t *Track) First() (Time, bool) {
	for i := range t.Samples {
		if !t.Samples[i].Hidden {
			return Time{Ticks: t.Start, Scale: t.Timescale}, true
		}
	}
	return Time{}, false
}

// Last is the instant at which the last presented sample ends; false if nothing is presented.
func (t *Track) Last() (Time, bool) {
	end, found := int64(0), false
	for i := range t.Samples {
		s := &t.Samples[i]
		if at := s.PTS + int64(s.Duration); !s.Hidden && (!found || at > end) {
			end, found = at, true
		}
	}
	return Time{Ticks: end, Scale: t.Timescale}, found
}

// Zero is the earliest presented instant of any picture or sound of the file; false if there is none.
func (f *File) Zero() (Time, bool) {
	var zero Time
	found := false
	for i := range f.Tracks {
		t := &f.Tracks[i]
		if t.Kind == Other {
			continue
		}
		if first, ok := t.First(); ok && (!found || first.Compare(zero) < 0) {
			zero, found = first, true
		}
	}
	return zero, found
}
