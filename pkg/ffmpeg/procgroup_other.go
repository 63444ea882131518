//go:build !linux

package ffmpeg

import "syscall"

// group puts FFmpeg into a process group of its own: Ctrl-C on a terminal is ours to pass on, it must
// not look as if FFmpeg had failed by itself.
func group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
