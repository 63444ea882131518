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
	Name       string
	Generation int64
	Size       int64
	// CRC32C may be 0 for a file that was placed in a local segments folder.
	CRC32C uint32
	// MD5 is nil for composed objects.
	MD5         []byte
	ContentType string
	Updated     time.Time
	Metadata    map[string]string
	// KeepUntil is when the bucket's lifecycle deletes the object. Zero: by its age alone.
	KeepUntil time.Time

	metageneration int64
}

// objectFromAttrs converts the attributes of the client library.
func objectFromAttrs(a *storage.ObjectAttrs) Object {
	o := Object{
		Name:        a.Name,
		Generation:  a.Generation,
		Size:        a.Size,
		CRC32C:      a.CRC32C,
		ContentType: a.ContentType,
		Updated:     a.Updated,
		Metadata:    a.Metadata,
		KeepUntil:   a.CustomTime,

		metageneration: a.Metageneration,
	}
	if len(a.MD5) > 0 {
		o.MD5 = a.MD5
	}
	return o
}

// List yields the objects whose names begin with a prefix, in order of their names.
// It ends with the first error. The objects before it are then incomplete.
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

// Stat describes an object. It returns [ErrNotFound] if there is none.
func (b *Bucket) Stat(ctx context.Context, name string) (Object, error) {
	attrs, err := b.handle.Object(name).Attrs(ctx)
	if err != nil {
		return Object{}, b.classify(ctx, err, callGet, "look at %q", name)
	}
	return objectFromAttrs(attrs), nil
}

// Reader streams n bytes of a generation from offset off. A negative n means the
// rest. The reader resumes after broken connections. An early end is an error other
// than io.EOF. It must be closed.
func (b *Bucket) Reader(
	ctx context.Context,
	name string,
	generation, off, n int64,
) (io.ReadCloser, error) {
	return b.reader(ctx, name, generation, off, n)
}

// reader is Reader with the concrete type.
func (b *Bucket) reader(
	ctx context.Context,
	name string,
	generation, off, n int64,
) (*reader, error) {
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
	sort := func(err error) error {
		return b.classify(ctx, err, callGet, "read %q", name)
	}
	return &reader{classify: sort, stream: opened, left: want}, nil
}

// reader is a stream of a promised length.
type reader struct {
	classify func(error) error
	stream   *storage.Reader
	left     int64
}

// Read implements [io.Reader].
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

// Close implements [io.Closer].
func (r *reader) Close() error {
	return r.stream.Close()
}

// ReadAll reads an object of at most limit bytes. The Object has no MD5 and no
// Metadata, see [Bucket.Stat].
func (b *Bucket) ReadAll(ctx context.Context, name string, limit int64) ([]byte, Object, error) {
	// One call: the reader's answer names generation and size.
	opened, err := b.handle.Object(name).NewReader(ctx)
	if err != nil {
		return nil, Object{}, b.classify(ctx, err, callGet, "read %q", name)
	}
	defer func() { _ = opened.Close() }()
	if opened.Attrs.Size > limit {
		return nil, Object{}, fmt.Errorf(
			"read %q in bucket %s: it has %d bytes, more than the %d allowed",
			name,
			b.name,
			opened.Attrs.Size,
			limit,
		)
	}
	data, err := io.ReadAll(opened)
	if err == nil && int64(len(data)) != opened.Attrs.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, Object{}, b.classify(ctx, err, callGet, "read %q", name)
	}
	return data, Object{
		Name:        name,
		Generation:  opened.Attrs.Generation,
		Size:        opened.Attrs.Size,
		CRC32C:      opened.Attrs.CRC32C,
		ContentType: opened.Attrs.ContentType,
		Updated:     opened.Attrs.LastModified,
	}, nil
}

// Delete deletes one generation of an object. A missing generation is not an error.
func (b *Bucket) Delete(ctx context.Context, name string, generation int64) error {
	err := b.handle.Object(name).Generation(generation).Delete(ctx)
	if err != nil {
		if err = b.classify(ctx, err, callDelete, "delete %q", name); errors.Is(err, ErrNotFound) {
			return nil
		}
	}
	return err
}

// DeleteAll deletes the current generations of all objects whose names begin with a
// prefix.
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
