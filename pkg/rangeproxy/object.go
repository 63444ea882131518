// Package rangeproxy serves segments as byte ranges: to Go code as an [Object], and to FFmpeg
// through a proxy on loopback.
//
// It handles bytes, sizes and the errors of the storage. It does not depend on video, rooms or
// clocks. A premature end is an error, never an end of file, because FFmpeg must not take a
// truncated file for a complete one.
package rangeproxy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// Object holds the bytes of one segment. Its size does not change.
type Object interface {
	io.ReaderAt
	Size() int64
}

// ErrChanged means that an object changed after it was opened.
var ErrChanged = errors.New("the file changed while it was read")

// File is a segment on disk.
type File struct {
	file *os.File
	// info describes the file when it was opened.
	info fs.FileInfo
}

// OpenFile opens a segment on disk, which must be a regular file. It must be
// closed.
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

// Size returns the size in bytes when the file was opened.
func (f *File) Size() int64 {
	return f.info.Size()
}

// Info describes the file when it was opened.
func (f *File) Info() fs.FileInfo {
	return f.info
}

// ReadAt implements [io.ReaderAt]. It returns [ErrChanged] if size or modification
// time differ from those at opening.
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

// Meter counts bytes that are read. The zero value is ready.
type Meter struct{ bytes atomic.Int64 }

// Bytes returns the count so far.
func (m *Meter) Bytes() int64 {
	return m.bytes.Load()
}

// Metered counts the bytes that are read from an object.
type Metered struct {
	Object
	Meter *Meter
}

// ReadAt implements [io.ReaderAt].
func (m Metered) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.Object.ReadAt(p, off)
	m.Meter.bytes.Add(int64(n))
	return n, err
}
