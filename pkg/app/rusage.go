package app

import (
	"syscall"
	"time"
)

// usage is what this process and the children that it has waited for have taken, by getrusage(2).
func usage() (cpu time.Duration, peak int64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) != nil {
			continue // never for these two
		}
		cpu += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		peak = max(peak, u.Maxrss*1024)
	}
	return cpu, peak
}
