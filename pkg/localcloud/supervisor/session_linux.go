package supervisor

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// attributes give a child a session of its own, and let the kernel kill it when its parent ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// sweep kills the remaining processes of a session, also those in process groups of their own. It
// repeats until none is left, because a process may start another one before it is killed.
func sweep(session int) {
	const looks = 100
	for range looks {
		left := members(session)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 {
			return
		}
	}
}

// members returns the process ids of a session.
func members(session int) []int {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = proc.Close() }()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err == nil && livesIn(stat, session) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// livesIn reads /proc/PID/stat: "17 (name) S parent group session …". The name may contain any
// character.
func livesIn(stat []byte, session int) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(fields) > 3 && string(fields[3]) == strconv.Itoa(session) && fields[0][0] != 'Z' &&
		fields[0][0] != 'X'
}
