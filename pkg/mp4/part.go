package mp4

import (
	"fmt"
	"slices"
)

// PacketSamples is how many samples of sound, per channel, an AAC packet holds.
const PacketSamples = 1024

// Part is one encode taken apart: the sample tables of its payload, which lies elsewhere. It marshals
// to JSON and back without loss.
type Part struct {
	Video PartVideo `json:"video"`
	Audio PartAudio `json:"audio"`
	// Chunks tile the payload, in its order.
	Chunks Chunks `json:"chunks"`

	Bytes  int64  `json:"bytes"`  // of the payload
	SHA256 string `json:"sha256"` // of the payload, in hexadecimal
	CRC32C uint32 `json:"crc32c"` // of the payload, Castagnoli: object stores compute it too
}

// PartVideo is the H.264 track of a part, in decode order.
type PartVideo struct {
	Timescale int64  `json:"timescale"` // ticks a second
	Width     int    `json:"width"`     // in pixels
	Height    int    `json:"height"`    // in pixels
	Config    []byte `json:"config"`    // the body of the avcC box

	Sizes   Sizes   `json:"sizes"`   // bytes of each picture
	Offsets Offsets `json:"offsets"` // PTS less DTS of each picture, in ticks
	Keys    []int   `json:"keys"`    // the key pictures, from 0, ascending
	// Durations of the pictures in ticks, run by run. FFmpeg may stretch the first picture of a
	// fragmented file to align it with the sound, and knows no length of the last.
	Durations []Run `json:"durations"`
}

// PartAudio is the AAC track of a part. A part without sound has no packets.
type PartAudio struct {
	SampleRate int    `json:"rate,omitempty"`     // in Hz
	Channels   int    `json:"channels,omitempty"` // as the decoder's configuration says
	Config     []byte `json:"config,omitempty"`   // AudioSpecificConfig
	Sizes      Sizes  `json:"sizes"`              // bytes of each packet kept
	Dropped    int    `json:"dropped,omitempty"`  // packets outside the window
}

// Run is a number of samples that last equally long.
type Run struct {
	Count int   `json:"n"`
	Ticks int64 `json:"ticks"`
}

// Chunk is a run of samples of one track that lie one behind the other in the payload.
type Chunk struct {
	Kind   Kind
	Offset int64 // of its first byte in the payload
	Count  int   // of samples
}

// addDuration puts one more duration at the end of the runs.
func (v *PartVideo) addDuration(ticks int64) {
	if last := len(v.Durations) - 1; last >= 0 && v.Durations[last].Ticks == ticks {
		v.Durations[last].Count++
		return
	}
	v.Durations = append(v.Durations, Run{Count: 1, Ticks: ticks})
}

// Check says whether the tables agree with each other. What comes back from JSON must be checked
// before it is used; [Header] does.
func (p *Part) Check() error {
	if p.Video.Timescale <= 0 || len(p.Video.Config) == 0 {
		return fmt.Errorf("%w: the part has no picture track", ErrMalformed)
	}
	if len(p.Video.Sizes) == 0 || len(p.Video.Offsets) != len(p.Video.Sizes) {
		return fmt.Errorf("%w: %d pictures, %d composition offsets", ErrMalformed, len(p.Video.Sizes), len(p.Video.Offsets))
	}
	if len(p.Audio.Sizes) > 0 && (p.Audio.SampleRate <= 0 || len(p.Audio.Config) == 0) {
		return fmt.Errorf("%w: sound without a configuration", ErrMalformed)
	}
	if !slices.IsSorted(p.Video.Keys) || len(p.Video.Keys) == 0 || p.Video.Keys[0] != 0 ||
		p.Video.Keys[len(p.Video.Keys)-1] >= len(p.Video.Sizes) {
		return fmt.Errorf("%w: the part does not begin with a key picture, or names keys it has not", ErrMalformed)
	}
	return p.checkChunks()
}

// checkChunks says whether the chunks tile the payload and hold all samples.
func (p *Part) checkChunks() error {
	left := map[Kind]Sizes{Video: p.Video.Sizes, Audio: p.Audio.Sizes}
	at := int64(0)
	for i, c := range p.Chunks {
		sizes := left[c.Kind]
		if c.Count <= 0 || c.Count > len(sizes) || c.Offset != at {
			return fmt.Errorf("%w: chunk %d of the part does not follow the one before", ErrMalformed, i)
		}
		for _, size := range sizes[:c.Count] {
			at += int64(size)
		}
		left[c.Kind] = sizes[c.Count:]
	}
	if at != p.Bytes || len(left[Video]) > 0 || len(left[Audio]) > 0 {
		return fmt.Errorf("%w: the chunks hold %d of %d bytes", ErrMalformed, at, p.Bytes)
	}
	return nil
}
