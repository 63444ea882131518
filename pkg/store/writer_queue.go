package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// writerQueue admits one writer at a time to a SQLite file, across all processes of this program.
//
// SQLite itself has no queue. A connection that finds the file locked polls it, and a busy writer often
// locks it again before the next poll. The processes of this program therefore queue on a lock file.
// After each turn the file stays idle for a while. The NVR, whose busy timeout is five seconds, then
// finds it free in one poll of five.
type writerQueue struct {
	token chan struct{} // full while this process has its turn
	name  string
	file  *os.File // locked while this process has its turn; nil before the first turn

	closing sync.Once
	closed  chan struct{}
}

// errClosed is returned for a change after Close.
var errClosed = errors.New("the store is closed")

// After a turn the file stays idle for one part in idleFraction of the turn's length, at most for maxIdle.
const (
	idleFraction = 4
	maxIdle      = 25 * time.Millisecond
)

func newWriterQueue(file string) *writerQueue {
	return &writerQueue{
		token:  make(chan struct{}, 1),
		name:   file + "-turn",
		closed: make(chan struct{}),
	}
}

// Close waits for the current turn and ends the queue. Closing again does nothing.
func (t *writerQueue) Close() (err error) {
	t.closing.Do(func() {
		close(t.closed)
		t.token <- struct{}{} // waits for the idle time after the last turn
		if t.file != nil {
			err = t.file.Close()
		}
	})
	return err
}

// enter waits for a turn. leave ends the turn. A nil queue admits every writer at once: MySQL queues by
// itself, and a single process needs no queue.
func (t *writerQueue) enter(ctx context.Context) (leave func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	select {
	case t.token <- struct{}{}:
	case <-t.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t.file == nil { // opened here, so that a process that only reads leaves no file
		if t.file, err = os.OpenFile(t.name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			<-t.token
			return nil, fmt.Errorf("open the writers' queue: %w", err)
		}
	}
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	began := time.Now() //nolint:forbidigo // measures a duration; no clock of a test applies
	return func() {
		idle := min(time.Since(began)/idleFraction, maxIdle) //nolint:forbidigo // as above
		time.AfterFunc(idle, t.unlock)
	}, nil
}

// lock waits for the other processes. If ctx ends first, the turn is given up as soon as it comes.
func (t *writerQueue) lock(ctx context.Context) error {
	err := flock(t.file, false)
	if !errors.Is(err, errLocked) {
		if err != nil {
			<-t.token
		}
		return err
	}
	locked := make(chan error, 1)
	go func() { locked <- flock(t.file, true) }()
	select {
	case err := <-locked:
		if err != nil {
			<-t.token
		}
		return err
	case <-ctx.Done():
		go func() {
			if err := <-locked; err != nil {
				<-t.token
				return
			}
			t.unlock()
		}()
		return ctx.Err()
	}
}

func (t *writerQueue) unlock() {
	_ = funlock(t.file) // closing the file unlocks it in any case
	<-t.token
}
