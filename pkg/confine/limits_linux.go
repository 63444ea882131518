package confine

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Apply limits a process that was started just now. It has read no byte of a file yet: its libraries are
// still being loaded.
//
// RLIMIT_DATA counts private writable memory. RLIMIT_AS would count shared libraries and the address
// space that threads reserve, too, which is ten times what FFmpeg uses.
//
// A process that uses its CPU time up is ended by SIGXCPU without a core file, and by SIGKILL a second later if it
// goes on.
func (l Limits) Apply(pid int) error {
	set := func(resource int, value, most uint64) error {
		limit := unix.Rlimit{Cur: value, Max: most}
		if err := unix.Prlimit(pid, resource, &limit, nil); err != nil {
			return fmt.Errorf("limit the process %d: %w", pid, err)
		}
		return nil
	}
	if l.Memory > 0 {
		if err := set(unix.RLIMIT_DATA, l.Memory, l.Memory); err != nil {
			return err
		}
	}
	if l.CPU <= 0 {
		return nil
	}
	if err := set(unix.RLIMIT_CORE, 0, 0); err != nil {
		return err
	}
	seconds := uint64((l.CPU + time.Second - 1) / time.Second) // #nosec G115 -- not negative
	return set(unix.RLIMIT_CPU, seconds, seconds+1)
}

// OutOfTime reports whether a process was ended because it had used up its CPU time.
func OutOfTime(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == unix.SIGXCPU
}
