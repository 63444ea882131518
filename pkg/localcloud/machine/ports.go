package machine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"syscall"
)

// Ports of children lie below those that Linux gives to outgoing connections (from 32768). A child binds its port
// later than freePorts checks it, also after a restart, so that an outgoing connection must not take it meanwhile.
const (
	firstPort = 20_000
	lastPort  = 32_767
	portTries = 100
)

// freePorts returns different ports on which no process listens. It checks by connecting: if it listened itself, a
// process that is being forked at the same time would hold the port until its exec.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count + portTries {
		if len(ports) == count {
			return ports, nil
		}
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort+1)) //nolint:gosec // a port, not a secret
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		switch {
		case err == nil:
			if err := conn.Close(); err != nil {
				return nil, fmt.Errorf("check port %s: %w", port, err)
			}
		case errors.Is(err, syscall.ECONNREFUSED) && !slices.Contains(ports, port):
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf(
		"found fewer than %d free ports between %d and %d on 127.0.0.1",
		count, firstPort, lastPort,
	)
}
