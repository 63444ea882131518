package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// run is a process whose output is being read.
type run struct {
	proc *process
	out  watchedReader
}

// open starts a command whose standard output is read. handle is as in [launch].
func (t *Tool) open(
	ctx context.Context, doing string, c command, source Source, handle func(line string) bool,
) (*run, error) {
	cmd := c.prepare(ctx)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	enlargePipe(pipe)
	w := newWatch(source)
	r := &run{out: watchedReader{pipe, w.side()}}
	r.proc, err = t.start(ctx, launch{
		doing:  doing,
		cmd:    cmd,
		watch:  w,
		limits: c.limits,
		handle: handle,
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// output is what a process writes, as one stream. A process that stalls is started again, and what it
// has given before is read again and dropped: the same arguments give the same bytes.
type output struct {
	doing string
	// start starts the process.
	start func() (*run, error)

	run    *run
	given  int64 // bytes returned
	seen   int64 // bytes read of this run
	stalls restarts
	err    error
}

// newOutput starts the process.
func newOutput(doing string, start func() (*run, error)) (*output, error) {
	first, err := start()
	if err != nil {
		return nil, err
	}
	return &output{doing: doing, start: start, run: first}, nil
}

// Read implements [io.Reader]. It returns io.EOF if the process succeeded, otherwise an [*Error].
func (o *output) Read(p []byte) (int, error) {
	for o.err == nil {
		want := p
		again := o.given - o.seen
		if again > 0 {
			want = p[:min(int64(len(p)), again)]
		}
		n, err := o.run.out.Read(want)
		o.seen += int64(n)
		if again <= 0 && n > 0 {
			o.given = o.seen
			return n, nil // an error comes back with the next read
		}
		if err != nil {
			o.err = o.end(err)
		}
	}
	return 0, o.err
}

// end handles the end of a process. It returns nil if the process was started again.
func (o *output) end(err error) error {
	if waitErr := o.run.proc.wait(); waitErr != nil {
		err = waitErr
	} else if !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", o.doing, err)
	}
	if err = o.stalls.next(o.doing, o.seen, err); err != nil {
		return err
	}
	o.run, err = o.start()
	o.seen = 0
	return err
}

// await marks an operation that waits for the process otherwise than by reading its output.
func (r *run) await(operation func()) {
	_, _ = r.out.side.do(func() (int, error) {
		operation()
		return 0, nil
	})
}

// Close ends the process. Its output is not needed any more.
func (o *output) Close() {
	if o.err == nil {
		o.err = io.ErrClosedPipe
		o.run.proc.discard(o.run.out)
	}
}

// repeat runs an operation, and again after a stall. The operation returns how far it came.
func repeat(doing string, operation func() (at int64, err error)) error {
	var stalls restarts
	for {
		at, err := operation()
		if err == nil {
			return nil
		}
		if err = stalls.next(doing, at, err); err != nil {
			return err
		}
	}
}
