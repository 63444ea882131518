package confine

import "syscall"

// processGroup puts a process into its own process group, so that Ctrl-C on a terminal
// reaches only this process, which passes it on. The kernel also kills the process
// when the thread that started it ends. Go ends a thread only if a goroutine stays
// locked to it, which does not happen here.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
