package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// stallAfter is how long FFmpeg may give no picture, no sample and no byte, and read none.
	stallAfter = 60 * time.Second
	// looks is how often the watchdog looks in that time. A stall is noticed one look late at most.
	looks = 8
	// maxRestarts bounds the restarts of one operation that stalls at ever other places.
	maxRestarts = 4
)

// ErrStalled means that FFmpeg made no progress for a minute and was ended. Inside an [*Error] it
// stalled twice at the same place of a file whose bytes were there: the file is at fault. Otherwise the
// machine or the storage is.
var ErrStalled = errors.New("FFmpeg made no progress and was ended")

// errNoBytes means that FFmpeg waited for bytes of the storage.
var errNoBytes = errors.New("the storage gave no byte")

// side is one pipe between this process and FFmpeg.
type side struct {
	w *watch
	// pending is set while an operation of this process on the pipe waits for FFmpeg.
	pending bool
	closed  bool
}

// watch notes the progress of a process. FFmpeg has stalled if every open pipe waits for it and nothing
// passes. It has not stalled while this process does not read what it gives, or owes it input.
type watch struct {
	source Source // may be nil

	mu     sync.Mutex
	sides  []*side
	events uint64
	// waiting is set if the stall came while the storage owed bytes.
	stalled, waiting bool
	ended            chan struct{}
}

// newWatch returns a watch of a process that reads a source, which may be nil.
func newWatch(source Source) *watch {
	return &watch{source: source, ended: make(chan struct{})}
}

// side adds a pipe.
func (w *watch) side() *side {
	s := &side{w: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sides = append(w.sides, s)
	return s
}

// moved notes progress.
func (w *watch) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events++
}

// do runs an operation that waits for FFmpeg.
func (s *side) do(operation func() (int, error)) (int, error) {
	s.set(true, s.closed)
	n, err := operation()
	if n > 0 {
		s.w.moved()
	}
	s.set(false, s.closed)
	return n, err
}

// close notes that nothing passes the pipe any more.
func (s *side) close() {
	s.set(false, true)
}

// set notes whether an operation on the pipe waits for FFmpeg, and whether the pipe is closed.
func (s *side) set(pending, closed bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.pending = pending
	s.closed = closed
}

// look returns the progress so far, and reports whether FFmpeg owes some.
func (w *watch) look() (progress uint64, owes, waiting bool) {
	var bytes int64
	if w.source != nil {
		bytes, waiting = w.source.Progress()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	owes = true
	for _, s := range w.sides {
		owes = owes && (s.pending || s.closed)
	}
	return w.events + uint64(max(0, bytes)), owes, waiting // #nosec G115 -- not negative
}

// run ends the process by kill when it stalls. It returns when the process has ended.
func (w *watch) run(after time.Duration, kill func()) {
	ticker := time.NewTicker(after / looks)
	defer ticker.Stop()
	last, _, _ := w.look()
	idle := 0
	for {
		select {
		case <-w.ended:
			return
		case <-ticker.C:
		}
		progress, owes, waiting := w.look()
		idle++
		if progress != last || !owes {
			idle = 0
		}
		last = progress
		if idle < looks {
			continue
		}
		w.mu.Lock()
		w.stalled, w.waiting = true, waiting
		w.mu.Unlock()
		kill()
		return
	}
}

// err returns why the watch ended the process, or nil.
func (w *watch) err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stalled && w.waiting:
		return fmt.Errorf("%w: %w", ErrStalled, errNoBytes)
	case w.stalled:
		return ErrStalled
	}
	return nil
}

// watchedReader is the output of a process.
type watchedReader struct {
	io.ReadCloser
	side *side
}

// Read implements [io.Reader].
func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.side.do(func() (int, error) { return r.ReadCloser.Read(p) })
	if err != nil {
		r.side.close()
	}
	return n, err
}

// Close implements [io.Closer].
func (r watchedReader) Close() error {
	r.side.close()
	return r.ReadCloser.Close()
}

// watchedWriter is an input of a process.
type watchedWriter struct {
	io.WriteCloser
	side *side
}

// Write implements [io.Writer].
func (w watchedWriter) Write(p []byte) (int, error) {
	return w.side.do(func() (int, error) { return w.WriteCloser.Write(p) })
}

// Close implements [io.Closer].
func (w watchedWriter) Close() error {
	w.side.close()
	return w.WriteCloser.Close()
}

// restarts decides what follows a stall.
type restarts struct {
	count int
	at    int64
}

// next returns nil if the operation is to start again, or the error that it ends with. at is what it
// had given before the stall.
func (r *restarts) next(doing string, at int64, err error) error {
	if !errors.Is(err, ErrStalled) {
		return err
	}
	again := r.count > 0 && r.at == at
	r.count++
	r.at = at
	switch {
	case again && !errors.Is(err, errNoBytes):
		return &Error{Doing: doing, Err: ErrStalled}
	case again || r.count > maxRestarts:
		return err
	}
	return nil
}
