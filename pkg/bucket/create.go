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
	smallBytes = 256 << 10 // what is shorter is sent in one request
	chunkBytes = 8 << 20   // else in chunks of this size: the memory that a write takes
	markKey    = "nvr-write"
	resolveTimeout = 10 * time.Second // for a look at how a write ended whose context is over
)

// errUploadStalled ends an upload that Cloud Storage does not take: the client library would try for ever.
var errUploadStalled = errors.New("storage did not take the data in time")

// Create makes an object of what write writes, if none of the name is there: else [ErrExists], and what
// is there comes back with it. If write fails, or ctx ends, there is no object.
func (b *Bucket) Create(ctx context.Context, name, contentType string, meta map[string]string, write func(io.Writer) error) (Object, error) {
	// Who sees a 412 for his own write, because the answer to it was lost, knows it by the mark.
	u := &upload{bucket: b, name: name, contentType: contentType, mark: rand.Text(), meta: meta}
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

// CreateBytes is Create of bytes that are there.
func (b *Bucket) CreateBytes(ctx context.Context, name, contentType string, meta map[string]string, data []byte) (Object, error) {
	return b.Create(ctx, name, contentType, meta, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func withMark(meta map[string]string, mark string) map[string]string {
	marked := maps.Clone(meta)
	if marked == nil {
		marked = map[string]string{}
	}
	marked[markKey] = mark
	return marked
}

// resolveWrite finds out how a write or a compose that failed really ended: an answer may be lost after the
// object was made.
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
		return Object{}, fmt.Errorf("write %q in bucket %s: an object was there, and now: %w", name, b.name, statErr)
	}
	return Object{}, err
}

func (u *upload) resolve(ctx context.Context, err error) (Object, error) {
	made, err := u.bucket.resolveWrite(ctx, u.name, u.mark, err)
	if errors.Is(err, ErrNotFound) {
		err = opaqueError{err} // to write something is not to look for it
	}
	return made, err
}

// upload is a write that starts its upload when it knows that it is not a small one.
type upload struct {
	bucket            *Bucket
	name, contentType string
	mark              string
	meta              map[string]string
	ctx               context.Context //nolint:containedctx // the life of one write, as storage.Writer has it
	cancel            context.CancelCauseFunc

	start  bytes.Buffer // the first bytes
	writer *storage.Writer
	failed error // what the upload said to a write
}

// Write implements io.Writer.
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

func (u *upload) open(chunk int) {
	opts := u.bucket.client.opts
	u.writer = u.bucket.handle.Object(u.name).If(storage.Conditions{DoesNotExist: true}).NewWriter(u.ctx)
	u.writer.ChunkSize = chunk
	u.writer.ChunkRetryDeadline = max(opts.scaled(chunkRetryFor), minRetryFor)
	u.writer.ChunkTransferTimeout = chunkTimeout // a transfer is work, not a wait: not scaled
	u.writer.ContentType = u.contentType
	u.writer.Metadata = withMark(u.meta, u.mark)
}

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

// close ends the upload and tells how it went.
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

// withStallTimeout ends the write if the upload stands still. Only chunks have an end to their retries in the
// client library; the start of an upload, and an upload in one request, have none.
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
