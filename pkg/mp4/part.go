package mp4

import (
	"fmt"
	"slices"
)

// PacketSamples is the number of samples per channel in an AAC packet.
const PacketSamples = 1024

// Part describes the payload of one encode, which is stored elsewhere, by its
// sample tables. It survives JSON without loss.
type Part struct {
	Video PartVideo `json:"video"`
	Audio PartAudio `json:"audio"`
	// Chunks cover the payload in order.
	Chunks Chunks `json:"chunks"`

	// Bytes is the size of the payload.
	Bytes int64 `json:"bytes"`
	// SHA256 is the hash of the payload in hexadecimal.
	SHA256 string `json:"sha256"`
	// CRC32C is the Castagnoli checksum of the payload, which object stores
	// compute, too.
	CRC32C uint32 `json:"crc32c"`
}

// PartVideo is the H.264 track of a part in decode order.
type PartVideo struct {
	// Timescale is in ticks per second.
	Timescale int64 `json:"timescale"`
	// Width is in pixels.
	Width int `json:"width"`
	// Height is in pixels.
	Height int `json:"height"`
	// Config is the body of the avcC box (ISO/IEC 14496-15).
	Config []byte `json:"config"`

	// Sizes are the sizes of the pictures in bytes.
	Sizes Sizes `json:"sizes"`
	// Offsets are PTS minus DTS of the pictures, in ticks.
	Offsets Offsets `json:"offsets"`
	// Keys are the indices of the key pictures, ascending.
	Keys []int `json:"keys"`
	// Durations are the durations of the pictures in ticks, as runs. FFmpeg may
	// stretch the first picture of a fragmented file to align it with the sound,
	// and does not know the duration of the last.
	Durations []Run `json:"durations"`
}

// PartAudio is the AAC track of a part. A part without sound has no packets.
type PartAudio struct {
	// SampleRate is in Hz.
	SampleRate int `json:"rate,omitempty"`
	// Channels is the count in the decoder configuration.
	Channels int `json:"channels,omitempty"`
	// Config is the AudioSpecificConfig.
	Config []byte `json:"config,omitempty"`
	// Sizes are the sizes of the kept packets in bytes.
	Sizes Sizes `json:"sizes"`
	// Dropped is the number of packets outside the window.
	Dropped int `json:"dropped,omitempty"`
}

// Run is a number of consecutive samples with the same duration.
type Run struct {
	Count int   `json:"n"`
	Ticks int64 `json:"ticks"`
}

// Chunk is a run of samples of one track that are contiguous in the payload.
type Chunk struct {
	Kind   Kind
	Offset int64 // of its first byte in the payload
	Count  int   // of samples
}

// addDuration appends one duration to the runs.
func (v *PartVideo) addDuration(ticks int64) {
	if last := len(v.Durations) - 1; last >= 0 && v.Durations[last].Ticks == ticks {
		v.Durations[last].Count++
		return
	}
	v.Durations = append(v.Durations, Run{Count: 1, Ticks: ticks})
}

// Check returns an error unless the tables agree with each other. Call it for parts
// read from JSON. Header does.
func (p *Part) Check() error {
	if p.Video.Timescale <= 0 || len(p.Video.Config) == 0 {
		return fmt.Errorf("%w: the part has no picture track", ErrMalformed)
	}
	if len(p.Video.Sizes) == 0 || len(p.Video.Offsets) != len(p.Video.Sizes) {
		return fmt.Errorf(
			"%w: %d pictures, %d composition offsets",
			ErrMalformed,
			len(p.Video.Sizes),
			len(p.Video.Offsets),
		)
	}
	if len(p.Audio.Sizes) > 0 &&
		(p.Audio.SampleRate <= 0 || len(p.Audio.Config) == 0) {
		return fmt.Errorf("%w: sound without a configuration", ErrMalformed)
	}
	if !slices.IsSorted(p.Video.Keys) || len(p.Video.Keys) == 0 || p.Video.Keys[0] != 0 ||
		p.Video.Keys[len(p.Video.Keys)-1] >= len(p.Video.Sizes) {
		return fmt.Errorf(
			"%w: the part does not begin with a key picture, or names keys it has not",
			ErrMalformed,
		)
	}
	return p.checkChunks()
}

// checkChunks returns an error unless the chunks cover the payload and hold all
// samples.
func (p *Part) checkChunks() error {
	left := map[Kind]Sizes{Video: p.Video.Sizes, Audio: p.Audio.Sizes}
	at := int64(0)
	for i, c := range p.Chunks {
		sizes := left[c.Kind]
		if c.Count <= 0 ||
			c.Count > len(sizes) ||
			c.Offset != at {
			return fmt.Errorf(
				"%w: chunk %d of the part does not follow the one before",
				ErrMalformed,
				i,
			)
		}
		for _, size := range sizes[:c.Count] {
			at += int64(size)
		}
		left[c.Kind] = sizes[c.Count:]
	}
	if at != p.Bytes ||
		len(left[Video]) > 0 ||
		len(left[Audio]) > 0 {
		return fmt.Errorf("%w: the chunks hold %d of %d bytes", ErrMalformed, at, p.Bytes)
	}
	return nil
}
