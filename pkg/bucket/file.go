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
	// fileStreams is the number of positions of an open object that are read
	// sequentially: pictures, sound, indexes.
	fileStreams = 4
	// minRange is the smallest range that is requested at a new position, in bytes.
	minRange = 128 << 10
	// maxRange is the largest range. It bounds what may be fetched in vain.
	maxRange = 8 << 20
	// skipBytes is the largest gap that is read over instead of requesting a new
	// range.
	skipBytes = 64 << 10
	// aheadFraction bounds read-ahead: a range is this fraction of the bytes read
	// sequentially before.
	aheadFraction = 8
)

// File is an open generation of an object. Sequential reads use one stream whose
// ranges grow with the length of the run. File holds no bytes itself. It is safe
// for concurrent use.
type File struct {
	bucket *Bucket
	object Object
	ctx    context.Context //nolint:containedctx // the life of the file: io.ReaderAt has no place for one
	cancel context.CancelFunc

	mu sync.Mutex
	// streams are the idle streams, the last used at the end.
	streams []*stream
	closed  bool
}

// stream is one position of a file.
type stream struct {
	// at is the position of the next byte.
	at int64
	// end is the end of the open range.
	end int64
	// run is the number of bytes read sequentially so far.
	run int64
	// reader is nil if no range is open.
	reader *reader
}

// Open opens a generation of an object for reading by range. Generation 0 is the
// current one. The file must be closed and is valid until ctx ends.
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

// OpenObject opens an object that was listed or described. It makes no call.
func (b *Bucket) OpenObject(ctx context.Context, object Object) *File {
	f := &File{bucket: b, object: object}
	f.ctx, f.cancel = context.WithCancel(ctx)
	return f
}

// Object describes the open object.
func (f *File) Object() Object {
	return f.object
}

// Size returns the size of the object in bytes.
func (f *File) Size() int64 {
	return f.object.Size
}

// Close closes the streams and cancels pending reads.
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

// ReadAt implements [io.ReaderAt]. It returns [ErrChanged] if the generation no
// longer exists. An early end is an error other than io.EOF.
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

// acquire takes the stream at or shortly before off, or returns a new one.
func (f *File) acquire(off int64) (*stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("read %q: %w", f.object.Name, context.Canceled)
	}
	best := -1
	for i, s := range f.streams {
		near := s.at == off ||
			s.at < off && off-s.at <= skipBytes && off < s.end
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

// release keeps a stream for the next sequential read. The stream idle for longest
// is closed.
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

// close closes the open range.
func (s *stream) close() {
	if s.reader != nil {
		_ = s.reader.Close() // nothing of it is wanted any more
		s.reader = nil
	}
}

// fill reads p, range by range.
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

// openRange opens the next range: the wanted bytes and a read-ahead that is a
// fraction of the run so far.
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
	s.reader = opened
	s.end = s.at + n
	return nil
}

// readError converts io.EOF to io.ErrUnexpectedEOF, because the end came too early.
func (f *File) readError(err error, at int64) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %q at byte %d: %w", f.object.Name, at, err)
}
