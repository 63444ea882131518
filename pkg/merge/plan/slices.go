package plan

import (
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
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

// originOf returns the number of the frame at an instant, counted from midnight in the instant's zone. It has
// whole seconds.
func originOf(start time.Time, rate int) int64 {
	year, month, day := start.Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, start.Location())
	return timeline.NewWindow(midnight, start, rate).Frames
}

// CutSlices divides the record at multiples of length, counted from midnight: origin is the number of its
// first frame. A rest under a second belongs to the slice beside it.
func CutSlices(origin, frames int64, rate int, length time.Duration) []Slice {
	grid := GridFrames(rate)
	step := int64(math.Ceil(length.Seconds()*float64(rate)/float64(grid))) * grid
	var slices []Slice
	for first := int64(0); first < frames; {
		end := min((origin+first)/step*step+step-origin, frames)
		slices = append(slices, Slice{First: first, End: end})
		first = end
	}
	if len(slices) > 1 && slices[0].Frames() < int64(rate) {
		slices[1].First = 0
		slices = slices[1:]
	}
	if n := len(slices); n > 1 && slices[n-1].Frames() < int64(rate) {
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

// SoundRange returns the samples that the encoder of slice i is given, counted from the record's start. What
// the first packet has before the record is negative.
func (p *Plan) SoundRange(i int) (from, until int64) {
	first, end := p.packets(i)
	end += tailPackets
	if i > 0 {
		first -= leadPackets
	}
	origin := p.Sample(p.Origin)
	return first*packetSamples - origin, end*packetSamples - origin
}

// PacketWindow is which of the encoder's packets belong to slice i. The encoder's packet j holds the
// blocks j-1 and j: the very first is priming, which only the first slice keeps.
func (p *Plan) PacketWindow(i int) (first, count int64) {
	begin, end := p.packets(i)
	if i == 0 {
		return 0, end - begin + 1
	}
	return leadPackets + 1, end - begin
}

// packets returns the packets of sound [first, end) that slice i needs, counted as the plan's frames are from
// its origin.
func (p *Plan) packets(i int) (first, end int64) {
	s := p.Slices[i]
	first = p.Sample(p.Origin+s.First) / packetSamples
	return first, (p.Sample(p.Origin+s.End) + packetSamples - 1) / packetSamples
}

// soundLead returns how many samples the first packet has before the record's start.
func (p *Plan) soundLead() int64 {
	return p.Sample(p.Origin) % packetSamples
}

// Sample is the first sample of a frame.
func (p *Plan) Sample(frame int64) int64 {
	return frame * ffmpeg.SampleRate / int64(p.Encoding.Rate)
}

// Frames is how many frames the slice has.
func (s Slice) Frames() int64 {
	return s.End - s.First
}
