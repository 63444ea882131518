package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Object is one generation of an object.
type Object struct {
	Name        string
	Generation  int64
	Size        int64
	CRC32C      uint32 // 0 may be "not known": of a file that somebody laid into a local segments folder
	MD5         []byte // nil for composed objects
	ContentType string
	Updated     time.Time
	Metadata    map[string]string
}

func objectFromAttrs(a *storage.ObjectAttrs) Object {
	o := Object{
		Name: a.Name, Generation: a.Generation, Size: a.Size, CRC32C: a.CRC32C, ContentType: a.ContentType,
		Updated: a.Updated, Metadata: a.Metadata,
	}
	if len(a.MD5) > 0 {
		o.MD5 = a.MD5
	}
	return o
}

// List gives the objects whose names begin with a prefix, in order. It ends with the first error:
// what came before is then not all.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		query := &storage.Query{Prefix: prefix, Projection: storage.ProjectionNoACL}
		objects := b.handle.Objects(ctx, query)
		for {
			attrs, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield(Object{}, b.classify(ctx, err, callList, "list %q", prefix))
				return
			}
			if !yield(objectFromAttrs(attrs), nil) {
				return
			}
		}
	}
}

// Stat describes an object. [ErrNotFound] if it is not there.
func (b *Bucket) Stat(ctx context.Context, name string) (Object, error) {
	attrs, err := b.handle.Object(name).Attrs(ctx)
	if err != nil {
		return Object{}, b.classify(ctx, err, callGet, "look at %q", name)
	}
	return objectFromAttrs(attrs), nil
}

// Reader streams n bytes from off of a generation; n below 0 is all that follows. It resumes by itself
// where a connection breaks; fewer bytes than asked for are an error, not an end. It must be closed.
func (b *Bucket) Reader(ctx context.Context, name string, generation, off, n int64) (io.ReadCloser, error) {
	return b.reader(ctx, name, generation, off, n)
}

func (b *Bucket) reader(ctx context.Context, name string, generation, off, n int64) (*reader, error) {
	handle := b.handle.Object(name)
	if generation != 0 {
		handle = handle.Generation(generation)
	}
	opened, err := handle.NewRangeReader(ctx, off, n)
	if err != nil {
		return nil, b.classify(ctx, err, callGet, "read %q from byte %d", name, off)
	}
	want := n
	if n < 0 {
		want = opened.Remain()
	}
	sort := func(err error) error { return b.classify(ctx, err, callGet, "read %q", name) }
	return &reader{classify: sort, stream: opened, left: want}, nil
}

// reader is a stream of a promised length.
type reader struct {
	classify   func(error) error
	stream *storage.Reader
	left   int64
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.stream.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	switch {
	case err == nil || errors.Is(err, io.EOF) && r.left == 0:
		return n, nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	err = r.classify(err)
	if errors.Is(err, ErrNotFound) { // it was there when the reader was opened
		err = fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.stream.Close() }

// ReadAll reads an object that is not longer than limit. The Object lacks MD5 and Metadata: see [Bucket.Stat].
func (b *Bucket) ReadAll(ctx context.Context, name string, limit int64) ([]byte, Object, error) {
	// One call: the reader's answer names generation and size.
	opened, err := b.handle.Object(name).NewReader(ctx)
	if err != nil {
		return nil, Object{}, b.classify(ctx, err, callGet, "read %q", name)
	}
	defer func() { _ = opened.Close() }()
	if opened.Attrs.Size > limit {
		return nil, Object{}, fmt.Errorf("read %q in bucket %s: it has %d bytes, more than the %d allowed", name, b.name, opened.Attrs.Size, limit)
	}
	data, err := io.ReadAll(opened)
	if err == nil && int64(len(data)) != opened.Attrs.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, Object{}, b.classify(ctx, err, callGet, "read %q", name)
	}
	return data, Object{
		Name: name, Generation: opened.Attrs.Generation, Size: opened.Attrs.Size, CRC32C: opened.Attrs.CRC32C,
		ContentType: opened.Attrs.ContentType, Updated: opened.Attrs.LastModified,
	}, nil
}

// Delete removes one generation of an object. One that is gone already is no error.
func (b *Bucket) Delete(ctx context.Context, name string, generation int64) error {
	err := b.handle.Object(name).Generation(generation).Delete(ctx)
	if err != nil {
		if err = b.classify(ctx, err, callDelete, "delete %q", name); errors.Is(err, ErrNotFound) {
			return nil
		}
	}
	return err
}

// DeleteAll removes all objects whose names begin with a prefix, as they are when it comes by.
func (b *Bucket) DeleteAll(ctx context.Context, prefix string) error {
	if prefix == "" {
		return fmt.Errorf("delete everything in bucket %s: %w", b.name, ErrName)
	}
	for object, err := range b.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if err := b.Delete(ctx, object.Name, object.Generation); err != nil {
			return err
		}
	}
	return nil
}
