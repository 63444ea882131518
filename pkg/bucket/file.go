package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	fileStreams  = 4         // positions of one open object that are read on from: pictures, sound, indexes
	minRange   = 128 << 10 // the least that is asked for at a new position
	maxRange = 8 << 20   // the most: what may be fetched in vain is a part of it
	skipBytes    = 64 << 10  // a gap that is read over rather than asked anew
	aheadFraction       = 8         // a range is this part of what was read in a row before: the bound of what is fetched in vain
)

// File is an open generation of an object. Reads that go on where another ended come out of one
// stream, whose ranges grow with the length of the run; it holds no bytes itself. It is safe for
// concurrent use.
type File struct {
	bucket *Bucket
	object Object
	ctx    context.Context //nolint:containedctx // the life of the file: io.ReaderAt has no place for one
	cancel context.CancelFunc

	mu      sync.Mutex
	streams []*stream // idle ones, the one used last at the end
	closed  bool
}

// stream is one position of a file.
type stream struct {
	at     int64   // next byte
	end    int64   // of the range that is open
	run    int64   // bytes read in a row so far
	reader *reader // nil: no range is open
}

// Open opens a generation of an object for reading by range; 0 is the one that is there. It must be
// closed, and lives no longer than ctx.
func (b *Bucket) Open(ctx context.Context, name string, generation int64) (*File, error) {
	handle := b.handle.Object(name)
	if generation != 0 {
		handle = handle.Generation(generation)
	}
	attrs, err := handle.Attrs(ctx)
	if err != nil {
		return nil, b.classify(ctx, err, callGet, "open %q", name)
	}
	return b.OpenObject(ctx, objectFromAttrs(attrs)), nil
}

// OpenObject is Open of an object that was listed or looked at: it asks nothing.
func (b *Bucket) OpenObject(ctx context.Context, object Object) *File {
	f := &File{bucket: b, object: object}
	f.ctx, f.cancel = context.WithCancel(ctx)
	return f
}

// Object describes what is open.
func (f *File) Object() Object { return f.object }

// Size is the object's size in bytes.
func (f *File) Size() int64 { return f.object.Size }

// Close ends the streams, and reads that are under way.
func (f *File) Close() error {
	f.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, s := range f.streams {
		s.close()
	}
	f.streams = nil
	return nil
}

// ReadAt implements io.ReaderAt. An object that is not of its generation any more is [ErrChanged]; an
// end that comes too early is an error other than io.EOF.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %q at byte %d: before its start", f.object.Name, off)
	}
	want := p[:max(0, min(int64(len(p)), f.object.Size-off))]
	if len(want) > 0 {
		s, err := f.acquire(off)
		if err != nil {
			return 0, err
		}
		n, err := f.fill(s, want, off)
		f.release(s, err)
		if err != nil {
			return n, err
		}
	}
	if len(want) < len(p) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// acquire finds the stream that stands at off or a little before it, or starts one.
func (f *File) acquire(off int64) (*stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("read %q: %w", f.object.Name, context.Canceled)
	}
	best := -1
	for i, s := range f.streams {
		near := s.at == off || s.at < off && off-s.at <= skipBytes && off < s.end
		if near && (best < 0 || s.at > f.streams[best].at) {
			best = i
		}
	}
	if best < 0 {
		return &stream{at: off}, nil
	}
	s := f.streams[best]
	f.streams = slices.Delete(f.streams, best, best+1)
	return s, nil
}

// release keeps a stream for the read that goes on there; the one that rested longest goes.
func (f *File) release(s *stream, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || f.closed {
		s.close()
		return
	}
	f.streams = append(f.streams, s)
	if len(f.streams) > fileStreams {
		f.streams[0].close()
		f.streams = slices.Delete(f.streams, 0, 1)
	}
}

func (s *stream) close() {
	if s.reader != nil {
		_ = s.reader.Close() // nothing of it is wanted any more
		s.reader = nil
	}
}

// fill reads p, range after range.
func (f *File) fill(s *stream, p []byte, off int64) (int, error) {
	if s.at < off {
		n, err := io.CopyN(io.Discard, s.reader, off-s.at)
		s.at += n
		if err != nil {
			return 0, f.readError(err, s.at)
		}
	}
	read := 0
	for read < len(p) {
		if s.reader == nil || s.at == s.end {
			s.close()
			if err := f.openRange(s, int64(len(p)-read)); err != nil {
				return read, err
			}
		}
		n, err := io.ReadFull(s.reader, p[read:min(int64(len(p)), int64(read)+s.end-s.at)])
		read += n
		s.at += int64(n)
		s.run += int64(n)
		if err != nil {
			return read, f.readError(err, s.at)
		}
	}
	return read, nil
}

// openRange opens the next range: what is wanted, and ahead of it no more than a part of the run so far.
func (f *File) openRange(s *stream, want int64) error {
	n := max(want, min(maxRange, max(minRange, s.run/aheadFraction)))
	n = min(n, f.object.Size-s.at)
	opened, err := f.bucket.reader(f.ctx, f.object.Name, f.object.Generation, s.at, n)
	if err != nil {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: %w", ErrChanged, err)
		}
		return err
	}
	s.reader, s.end = opened, s.at+n
	return nil
}

// readError keeps an end that came too early from passing for the end of the object.
func (f *File) readError(err error, at int64) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %q at byte %d: %w", f.object.Name, at, err)
}
