package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// dialTime is what a try to reach a [Late] server takes, on its clock.
const dialTime = 10 * time.Second

// lateNetworks counts the networks that [NewLate] has named.
var lateNetworks atomic.Int64

// Late is a MySQL server behind a network that is not ready at first, like that of a new instance of Cloud
// Run. It accepts every sign-in, answers pings, and refuses all statements.
type Late struct {
	DSN   string
	Clock *Clock // a failed try moves it by ten seconds

	up         time.Time
	refuses    atomic.Uint32 // the error of every sign-in; 0: none
	dials      atomic.Int64
	statements atomic.Int64
	served     sync.WaitGroup
}

// NewLate returns a server that can be reached once its clock has moved by after.
func NewLate(t testing.TB, after time.Duration) *Late {
	t.Helper()
	clock := NewClock()
	l := &Late{Clock: clock, up: clock.Now().Add(after)}
	network := fmt.Sprintf("late-%d", lateNetworks.Add(1))
	mysql.RegisterDialContext(network, l.dial)
	t.Cleanup(func() {
		mysql.DeregisterDialContext(network)
		l.served.Wait()
	})
	l.DSN = "nvr@" + network + "(server)/nvr"
	return l
}

// RefuseSignIn makes every sign-in fail with an error number of MySQL.
func (l *Late) RefuseSignIn(number uint16) { l.refuses.Store(uint32(number)) }

// Dials returns how often the server was dialed.
func (l *Late) Dials() int64 { return l.dials.Load() }

// Statements returns how many statements the server has refused.
func (l *Late) Statements() int64 { return l.statements.Load() }

func (l *Late) dial(context.Context, string) (net.Conn, error) {
	l.dials.Add(1)
	if l.Clock.Now().Before(l.up) {
		l.Clock.Move(dialTime)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	client, server := net.Pipe()
	l.served.Go(func() { l.serve(server) })
	return client, nil
}

// Packets of MySQL's protocol (dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html).
var (
	greeting = slices.Concat(
		[]byte("\x0a8.4.0\x00\x01\x00\x00\x00abcdefgh\x00"), // protocol 10, version, connection, salt
		[]byte("\xff\xff\x2d\x02\x00\x0f\x00\x15"),          // capabilities, character set, status
		make([]byte, 10),
		[]byte("ijklmnopqrst\x00mysql_native_password\x00"),
	)
	okay = []byte{0, 0, 0, 2, 0, 0, 0}
)

// refusal returns the packet of an error.
func refusal(number uint32) []byte {
	return append([]byte{0xff, byte(number), byte(number >> 8)}, "#HY000refused"...)
}

// serve answers one connection until the client leaves.
func (l *Late) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }() // the client has left
	if err := send(conn, 0, greeting); err != nil {
		return
	}
	if _, err := receive(conn); err != nil {
		return
	}
	answer := okay
	if number := l.refuses.Load(); number != 0 {
		answer = refusal(number)
	}
	for number := byte(2); ; number = 1 {
		if err := send(conn, number, answer); err != nil {
			return
		}
		command, err := receive(conn)
		if err != nil || command == quitCommand {
			return
		}
		answer = okay
		if command != pingCommand {
			l.statements.Add(1)
			answer = refusal(1105) // unknown error
		}
	}
}

// Commands of the protocol.
const (
	quitCommand = 1
	pingCommand = 14
)

func send(conn net.Conn, number byte, packet []byte) error {
	_, err := conn.Write(append([]byte{byte(len(packet)), 0, 0, number}, packet...))
	return err
}

// receive reads one packet and returns its first byte.
func receive(conn net.Conn) (byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, err
	}
	packet := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	if len(packet) == 0 {
		return 0, errors.New("an empty packet")
	}
	_, err := io.ReadFull(conn, packet)
	return packet[0], err
}
