package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports for children lie below those that Linux gives to outgoing connections (from 32768): a child binds
// its port later than we look whether it is free, also when it is started again, and a connection of
// anybody's must not have taken it meanwhile.
const (
	firstPort = 20_000
	lastPort  = 32_767
	portTries = 100
)

// freePorts finds different ports that nobody listens on.
func freePorts(count int) (ports []string, err error) {
	var held []net.Listener // until all are found
	defer func() {
		for _, l := range held {
			err = errors.Join(err, l.Close())
		}
	}()
	for tries := 0; len(ports) < count; tries++ {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort+1)) //nolint:gosec // a port, not a secret
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil && tries >= portTries {
			return nil, fmt.Errorf("find %d free ports: %w", count, err)
		}
		if err == nil {
			held, ports = append(held, l), append(ports, port)
		}
	}
	return ports, nil
}
