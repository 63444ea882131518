package merge

import "time"

// What tests outside the package look at.
var (
	CutSlices  = cutSlices
	GridFrames = gridFrames
	Integrated = integrated
)

// SoundRange is which samples the encoder of slice i is given.
func (p *Plan) SoundRange(i int) (from, until int64) { return p.soundRange(i) }

// PacketWindow is which of the encoder's packets belong to slice i.
func (p *Plan) PacketWindow(i int) (first, count int64) { return p.packetWindow(i) }

// SamplesIn is how many samples lie before d.
func SamplesIn(d time.Duration, rate int64) int64 { return samplesIn(d, rate) }
