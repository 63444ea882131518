package machine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// TestFreePorts: no outgoing connection can take one of them before, or between two lives of, a child, nor
// does a process that is started at the same moment hold one.
func TestFreePorts(t *testing.T) {
	t.Parallel()
	outgoing := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if _, err := fmt.Sscan(string(text), &outgoing); err != nil {
			t.Fatal(err)
		}
	}
	started := make(chan error)
	go func() {
		var err error
		for range 20 {
			err = errors.Join(err, exec.CommandContext(t.Context(), "true").Run())
		}
		started <- err
	}()
	ports, err := freePorts(50)
	if err != nil || len(ports) != 50 {
		t.Fatalf("%d ports, %v", len(ports), err)
	}
	seen := map[string]bool{}
	for _, port := range ports {
		n, err := strconv.Atoi(port)
		if err != nil || seen[port] || n >= outgoing && outgoing >= lastPort {
			t.Errorf(
				"port %q twice, or one of outgoing connections (from %d): %v",
				port, outgoing, err,
			)
		}
		seen[port] = true
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-started; err != nil {
		t.Error(err)
	}
}
