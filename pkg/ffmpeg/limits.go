package ffmpeg

import "time"

// limits bound what a process may use. Zero leaves a resource unbounded.
type limits struct {
	memory uint64 // bytes of its own, without shared libraries
	cpu    time.Duration
}

const (
	// decodeMemory is what decoding a file may take.
	decodeMemory = 600 << 20
	// listMemory is what listing the packets of a file may take.
	listMemory = 160 << 20
)
