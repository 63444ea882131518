//go:build !linux

package confine

import "syscall"

// Group puts a process into its own process group, so that Ctrl-C on a terminal
// reaches only this process, which passes it on.
func Group() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
