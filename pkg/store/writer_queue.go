package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// writerQueue lets one writer at a time at a SQLite file, of all processes of ours.
//
// SQLite itself has no queue: who finds the file locked looks again every now and then, and a busy writer
// is always back before anybody looks. Ours queue here instead, and after each turn the file is left alone
// for a while: the NVR, whose patience is five seconds, finds it free with one look in five.
type writerQueue struct {
	token chan struct{} // full while one of this process has its turn
	name  string
	file  *os.File // locked while this process has its turn; nil before the first: who only reads leaves no file

	closing sync.Once
	closed  chan struct{}
}

// errClosed says that a change came after Close.
var errClosed = errors.New("the store is closed")

// idleFraction of a turn that the file is then left alone, and the longest such time.
const (
	idleFraction = 4
	maxIdle      = 25 * time.Millisecond
)

func newWriterQueue(file string) *writerQueue {
	return &writerQueue{token: make(chan struct{}, 1), name: file + "-turn", closed: make(chan struct{})}
}

// Close implements io.Closer. Nobody has a turn after it; closing once more does nothing.
func (t *writerQueue) Close() (err error) {
	t.closing.Do(func() {
		close(t.closed)
		t.token <- struct{}{} // the last turn's rest
		if t.file != nil {
			err = t.file.Close()
		}
	})
	return err
}

// enter waits for a turn, which leave ends.
func (t *writerQueue) enter(ctx context.Context) (leave func(), err error) {
	if t == nil { // MySQL queues by itself, and who is alone need not
		return func() {}, nil
	}
	select {
	case t.token <- struct{}{}:
	case <-t.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t.file == nil {
		if t.file, err = os.OpenFile(t.name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			<-t.token
			return nil, fmt.Errorf("open the writers' queue: %w", err)
		}
	}
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	began := time.Now() //nolint:forbidigo // how long the file was held is not a clock's matter
	return func() {
		rest := min(time.Since(began)/idleFraction, maxIdle) //nolint:forbidigo // see above
		time.AfterFunc(rest, t.unlock)
	}, nil
}

// lock waits for the other processes. Where ctx ends first, the turn passes by when it comes.
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
	_ = funlock(t.file) // nothing could be done, and closing the file unlocks it
	<-t.token
}
