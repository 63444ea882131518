//go:build !linux

package confine

import "os"

// Apply limits nothing. Only Linux can limit another process.
func (Limits) Apply(int) error { return nil }

// OutOfTime reports false: CPU time is bounded on Linux only.
func OutOfTime(*os.ProcessState) bool { return false }
