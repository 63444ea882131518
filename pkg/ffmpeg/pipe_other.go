//go:build !linux

package ffmpeg

// enlargePipe increases the capacity of a pipe where the system can. A pipe that
// stays small works as well.
func enlargePipe(any) {}
