//go:build !linux

package confine

import "syscall"

// processGroup puts a process into its own process group, so that Ctrl-C on a terminal
// reaches only this process, which passes it on.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
