package ffmpeg

const (
	// decodeMemory is what decoding a file may take.
	decodeMemory = 600 << 20
	// listMemory is what listing the packets of a file may take.
	listMemory = 160 << 20
)
