package confine

import (
	"os/exec"
	"syscall"
	"time"
)

// Prepare sets the environment of a command as [Environment] does, and its process group. Cancelling the
// context of the command ends it by SIGTERM, and by SIGKILL 3 s later. The command is not started yet.
func Prepare(cmd *exec.Cmd, given ...string) {
	cmd.Env = Environment(given...)
	cmd.SysProcAttr = processGroup()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
}
