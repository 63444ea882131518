package confine

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Apply limits a process that was started just now. It has read no byte of a file yet: its libraries are
// still being loaded.
//
// RLIMIT_DATA counts private writable memory. RLIMIT_AS would count shared libraries and the address
// space that threads reserve, too, which is ten times what FFmpeg uses.
func (l Limits) Apply(pid int) error {
	set := func(resource int, value uint64) error {
		if value == 0 {
			return nil
		}
		limit := unix.Rlimit{Cur: value, Max: value}
		if err := unix.Prlimit(pid, resource, &limit, nil); err != nil {
			return fmt.Errorf("limit the process %d: %w", pid, err)
		}
		return nil
	}
	if err := set(unix.RLIMIT_DATA, l.Memory); err != nil {
		return err
	}
	return set(unix.RLIMIT_CPU, uint64((l.CPU+time.Second-1)/time.Second)) // #nosec G115 -- not negative
}
