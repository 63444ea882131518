// Package confine bounds the programs that this one starts: their memory, their processor time, their
// environment, and that they end with their parent.
package confine

import "time"

// Limits bound what a process may use. Zero leaves a resource unbounded.
type Limits struct {
	Memory uint64 // bytes of its own, without shared libraries
	CPU    time.Duration
}
