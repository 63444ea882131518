package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"cloud.google.com/go/storage"
)

const (
	// smallBytes is the size below which an object is sent in one request.
	smallBytes = 256 << 10
	// chunkBytes is the chunk size of larger uploads. It is the memory that a write
	// takes.
	chunkBytes = 8 << 20
	markKey    = "nvr-write"
	// resolveTimeout bounds the check of a write whose context has ended.
	resolveTimeout = 10 * time.Second
)

// errUploadStalled ends an upload that Cloud Storage does not accept. The client
// library would retry for ever.
var errUploadStalled = errors.New("storage did not take the data in time")

// Create creates an object from what write writes, unless one of that name exists.
// It then returns [ErrExists] and the existing object. If write fails or ctx ends,
// no object is created.
func (b *Bucket) Create(
	ctx context.Context,
	name, contentType string,
	meta map[string]string,
	write func(io.Writer) error,
) (Object, error) {
	// Who sees a 412 for his own write, because the answer to it was lost, knows it by the mark.
	u := &upload{
		bucket:      b,
		name:        name,
		contentType: contentType,
		mark:        rand.Text(),
		meta:        meta,
	}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	defer u.cancel(nil)
	if err := write(u); err != nil {
		u.cancel(err) // before close: what is there so far must not become an object
		_ = u.close()
		if u.failed == nil {
			return Object{}, fmt.Errorf("write %q in bucket %s: %w", name, b.name, err)
		}
		return u.resolve(ctx, u.failed)
	}
	if err := u.close(); err != nil {
		return u.resolve(ctx, err)
	}
	return objectFromAttrs(u.writer.Attrs()), nil
}

// CreateBytes creates an object from data, like Create.
func (b *Bucket) CreateBytes(
	ctx context.Context,
	name, contentType string,
	meta map[string]string,
	data []byte,
) (Object, error) {
	return b.Create(ctx, name, contentType, meta, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// withMark returns the metadata with the mark of a write.
func withMark(meta map[string]string, mark string) map[string]string {
	marked := maps.Clone(meta)
	if marked == nil {
		marked = map[string]string{}
	}
	marked[markKey] = mark
	return marked
}

// resolveWrite determines the outcome of a failed write or compose. The response
// may have been lost after the object was created. The mark identifies the caller's
// own write.
func (b *Bucket) resolveWrite(ctx context.Context, name, mark string, err error) (Object, error) {
	err = b.classify(ctx, err, callInsert, "write %q", name)
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	object, statErr := b.Stat(look, name)
	switch {
	case statErr == nil && object.Metadata[markKey] == mark:
		return object, nil
	case statErr == nil && errors.Is(err, ErrExists):
		return object, err
	case errors.Is(err, ErrExists):
		return Object{}, fmt.Errorf(
			"write %q in bucket %s: an object was there, and now: %w",
			name,
			b.name,
			statErr,
		)
	}
	return Object{}, err
}

// resolve is resolveWrite without [ErrNotFound], which has no meaning for a write.
func (u *upload) resolve(ctx context.Context, err error) (Object, error) {
	made, err := u.bucket.resolveWrite(ctx, u.name, u.mark, err)
	if errors.Is(err, ErrNotFound) {
		err = opaqueError{err} // to write something is not to look for it
	}
	return made, err
}

// upload is a write that starts when it is known to be large, or at its end.
type upload struct {
	bucket            *Bucket
	name, contentType string
	mark              string
	meta              map[string]string
	ctx               context.Context //nolint:containedctx // the life of one write, as storage.Writer has it
	cancel            context.CancelCauseFunc

	// start holds the first bytes.
	start  bytes.Buffer
	writer *storage.Writer
	// failed is the error of the upload.
	failed error
}

// Write implements [io.Writer].
func (u *upload) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	if u.writer == nil && u.start.Len()+len(p) < smallBytes {
		return u.start.Write(p)
	}
	if u.writer == nil {
		u.open(chunkBytes)
		if err := u.send(u.start.Bytes()); err != nil {
			return 0, err
		}
		u.start = bytes.Buffer{}
	}
	if err := u.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// open starts the upload with the given chunk size.
func (u *upload) open(chunk int) {
	opts := u.bucket.client.opts
	u.writer = u.bucket.handle.Object(u.name).If(storage.Conditions{DoesNotExist: true}).NewWriter(u.ctx)
	u.writer.ChunkSize = chunk
	u.writer.ChunkRetryDeadline = max(opts.scaled(chunkRetryFor), minRetryFor)
	u.writer.ChunkTransferTimeout = chunkTimeout // a transfer is work, not a wait: not scaled
	u.writer.ContentType = u.contentType
	u.writer.Metadata = withMark(u.meta, u.mark)
}

// send writes to the upload and keeps its error.
func (u *upload) send(p []byte) error {
	err := u.withStallTimeout(func() error {
		_, err := u.writer.Write(p)
		return err
	})
	if err != nil {
		u.failed = err
	}
	return err
}

// close finishes the upload.
func (u *upload) close() error {
	if u.ctx.Err() != nil && u.writer == nil {
		return context.Cause(u.ctx) // nothing was sent
	}
	if u.writer == nil {
		u.open(smallBytes)
		if err := u.send(u.start.Bytes()); err != nil {
			u.cancel(err)
			_ = u.writer.Close() // it says the same
			return err
		}
	}
	return u.withStallTimeout(u.writer.Close)
}

// withStallTimeout cancels the write if the upload stalls. The client library
// bounds the retries of chunks only, not of the start of an upload or of an upload
// in one request.
func (u *upload) withStallTimeout(do func() error) error {
	opts := u.bucket.client.opts
	limit := max(opts.scaled(retryFor), minRetryFor)
	if u.writer.ChunkSize > smallBytes {
		limit += u.writer.ChunkRetryDeadline + chunkTimeout
	}
	timer := time.AfterFunc(limit, func() { u.cancel(errUploadStalled) })
	defer timer.Stop()
	err := do()
	if err != nil && errors.Is(context.Cause(u.ctx), errUploadStalled) {
		return fmt.Errorf("%w: %w", errUploadStalled, opaqueError{err})
	}
	return err
}
