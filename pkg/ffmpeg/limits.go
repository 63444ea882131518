package ffmpeg

const (
	// decodeMemory is what decoding a file may take. With the shared libraries a process stays below 600 MB.
	decodeMemory = 560 << 20
	// listMemory is what listing the packets of a file may take.
	listMemory = 160 << 20
)
