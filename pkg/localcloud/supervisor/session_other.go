//go:build !linux

package supervisor

import "syscall"

// attributes give a child a session of its own.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true}
}

// sweep kills what is left of the child's process group.
func sweep(session int) {
	_ = syscall.Kill(-session, syscall.SIGKILL)
}
