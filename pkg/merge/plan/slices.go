package plan

import (
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// Slice is a run of frames that one task renders: [First, End).
type Slice struct {
	First int64 `json:"first"`
	End   int64 `json:"end"`
}

// packetSamples is the length of an AAC-LC packet.
const packetSamples = 1024

// GridFrames is the smallest count of frames that is also a whole count of AAC packets at 48 kHz:
// slices begin at its multiples, so that parts join by whole packets.
func GridFrames(rate int) int64 {
	for frames := int64(1); ; frames++ {
		if frames*ffmpeg.SampleRate%(int64(rate)*packetSamples) == 0 {
			return frames
		}
	}
}

// CutSlices divides the record. A rest under a second belongs to the slice before it.
func CutSlices(frames int64, rate int, length time.Duration) []Slice {
	grid := GridFrames(rate)
	step := int64(math.Ceil(length.Seconds()*float64(rate)/float64(grid))) * grid
	var slices []Slice
	for first := int64(0); first < frames; first += step {
		slices = append(slices, Slice{First: first, End: min(first+step, frames)})
	}
	if n := len(slices); n > 1 && slices[n-1].End-slices[n-1].First < int64(rate) {
		slices[n-2].End = slices[n-1].End
		slices = slices[:n-1]
	}
	return slices
}

// Packets of sound that are encoded before a slice and after it, and dropped: the encoder's state
// and the overlap of its blocks at the joint are those of one encode.
const (
	leadPackets = 16
	tailPackets = 4
)

// SoundRange is which samples the encoder of slice i is given.
func (p *Plan) SoundRange(i int) (from, until int64) {
	s := p.Slices[i]
	from, until = p.Sample(s.First), p.Sample(s.End)
	until = (until+packetSamples-1)/packetSamples*packetSamples + tailPackets*packetSamples
	if i > 0 {
		from -= leadPackets * packetSamples
	}
	return from, until
}

// PacketWindow is which of the encoder's packets belong to slice i. The encoder's packet j holds the
// blocks j-1 and j: the very first is priming, which only the first slice keeps.
func (p *Plan) PacketWindow(i int) (first, count int64) {
	s := p.Slices[i]
	count = (p.Sample(s.End)+packetSamples-1)/packetSamples - p.Sample(s.First)/packetSamples
	if i == 0 {
		return 0, count + 1
	}
	return leadPackets + 1, count
}

// Sample is the first sample of a frame.
func (p *Plan) Sample(frame int64) int64 {
	return frame * ffmpeg.SampleRate / int64(p.Encoding.Rate)
}

// Frames is how many frames the slice has.
func (s Slice) Frames() int64 {
	return s.End - s.First
}
