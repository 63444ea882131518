package ffmpeg

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeBytes is the size of pipes that carry pictures. The default of 64 KiB costs three times the
// system time (measured on 2560x720 frames); 1 MiB is what an unprivileged user may have.
const pipeBytes = 1 << 20

// enlargePipe makes a pipe hold more. It is an optimisation: a pipe that stays small works as well.
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
