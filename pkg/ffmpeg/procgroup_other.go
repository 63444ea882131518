//go:build !linux

package ffmpeg

import "syscall"

// processGroup puts FFmpeg into its own process group, so that Ctrl-C on a terminal
// reaches only this process, which passes it on. On Linux the kernel also kills
// FFmpeg when the thread that started it ends. Go ends a thread only if a goroutine
// stays locked to it, which does not happen here.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
