package ffmpeg

import "syscall"

// processGroup puts FFmpeg into a process group of its own: Ctrl-C on a terminal is ours to pass on, it must
// not look as if FFmpeg had failed by itself. And when we are killed, the kernel kills FFmpeg: nobody
// would read what it makes. (The kernel looks at the thread that started it; Go ends a thread only if
// a goroutine was locked to it and never unlocked, which nothing here does.)
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
