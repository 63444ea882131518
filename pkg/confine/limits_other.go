//go:build !linux

package confine

// Apply limits nothing. Only Linux can limit another process.
func (Limits) Apply(int) error { return nil }
