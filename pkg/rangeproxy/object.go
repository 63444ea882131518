// Package rangeproxy gives segments as byte ranges: to our own readers as an [Object], to FFmpeg over
// a proxy on loopback.
//
// It knows bytes, their count and the errors of whoever stores them. It knows no video, no room and
// no time. An end that comes too early is an error here, never an end of file: what FFmpeg takes for
// a whole file must be one.
package rangeproxy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// Object is one segment's bytes, of a size that does not change.
type Object interface {
	io.ReaderAt
	Size() int64
}

// ErrChanged says that an object is no longer what it was when it was opened.
var ErrChanged = errors.New("the file changed while it was read")

// File is a segment on disk.
type File struct {
	file *os.File
	info fs.FileInfo // when it was opened
}

// OpenFile opens a segment on disk. It must be closed.
func OpenFile(path string) (*File, error) {
	file, err := os.Open(path) // #nosec G304 -- the caller's own folder
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = fmt.Errorf("open %s: not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &File{file: file, info: stat}, nil
}

// Size is the file's size when it was opened, in bytes.
func (f *File) Size() int64 {
	return f.info.Size()
}

// Info describes the file as it was when it was opened.
func (f *File) Info() fs.FileInfo {
	return f.info
}

// ReadAt implements io.ReaderAt. A file that is not what it was when it was opened is [ErrChanged].
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(p, off)
	now, statErr := f.file.Stat()
	if statErr != nil {
		return n, statErr
	}
	if now.Size() != f.info.Size() || !now.ModTime().Equal(f.info.ModTime()) {
		return n, fmt.Errorf("read %s at %d: %w", f.file.Name(), off, ErrChanged)
	}
	return n, err
}

// Close closes the file.
func (f *File) Close() error {
	return f.file.Close()
}

// Meter counts the bytes that were read for a purpose. The zero value is ready.
type Meter struct{ bytes atomic.Int64 }

// Bytes is the count so far.
func (m *Meter) Bytes() int64 {
	return m.bytes.Load()
}

// Metered counts what is read of an object.
type Metered struct {
	Object
	Meter *Meter
}

// ReadAt implements io.ReaderAt.
func (m Metered) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.Object.ReadAt(p, off)
	m.Meter.bytes.Add(int64(n))
	return n, err
}
