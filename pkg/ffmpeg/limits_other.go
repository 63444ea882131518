//go:build !linux

package ffmpeg

// apply limits nothing. Only Linux can limit another process.
func (limits) apply(int) error { return nil }
