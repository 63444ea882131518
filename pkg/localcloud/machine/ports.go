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

// Ports for children lie below those that Linux gives to outgoing connections (from 32768): a child binds
// its port later than we look whether it is free, also when it is started again, and a connection of
// anybody's must not have taken it meanwhile.
const (
	firstPort = 20_000
	lastPort  = 32_767
	portTries = 100
)

// freePorts finds different ports that nobody listens on. It asks by connecting: a port that it listened
// on itself would stay taken after the close by any process that is just being forked, until its exec.
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
				return nil, fmt.Errorf("look whether port %s is free: %w", port, err)
			}
		case errors.Is(err, syscall.ECONNREFUSED) && !slices.Contains(ports, port):
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("no %d free ports found between %d and %d on 127.0.0.1", count, firstPort, lastPort)
}
