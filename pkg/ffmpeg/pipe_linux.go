package ffmpeg

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeBytes is the capacity of pipes that carry pictures. The default of 64 KiB
// costs three times the system time, measured with frames of 2560x720. An
// unprivileged user may have up to 1 MiB.
const pipeBytes = 1 << 20

// enlargePipe increases the capacity of a pipe where the system can. A pipe that
// stays small works as well.
func enlargePipe(pipe any) {
	conn, ok := pipe.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes)
	})
}
