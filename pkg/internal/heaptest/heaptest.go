// Package heaptest measures what a piece of work holds in memory, for tests and benchmarks. It knows nothing
// of the work.
package heaptest

import (
	"runtime"
	"time"
)

// Limit is the heap that streaming media of any size may use, in bytes.
const Limit = 64 << 20

// Most runs a function and returns the largest heap of the process during that
// time, in bytes. Tests that call it must not run in parallel.
func Most(run func()) uint64 {
	runtime.GC()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		most := uint64(0)
		for {
			select {
			case <-tick.C:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			case <-done:
				peak <- most
				return
			}
		}
	}()
	run()
	close(done)
	return <-peak
}
