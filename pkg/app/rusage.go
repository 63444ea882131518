package app

import (
	"syscall"
	"time"
)

// bytesPerUnit converts ru_maxrss, which Linux counts in KiB.
const bytesPerUnit = 1024

// ResourceUsage returns the CPU time and the peak memory in bytes of this process and of the children that
// it has waited for. peak is the largest of single processes, not their sum. See getrusage(2).
func ResourceUsage() (cpu time.Duration, peak int64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) != nil {
			continue // fails for unknown values of who only
		}
		cpu += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		peak = max(peak, u.Maxrss*bytesPerUnit)
	}
	return cpu, peak
}
