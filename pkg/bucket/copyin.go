package bucket

import (
	"context"
	"crypto/md5" // #nosec G501 -- Drive gives no other sum
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

const (
	// copyChunkBytes is the chunk size of a copy. A copy that is stopped loses less
	// than this.
	copyChunkBytes = 32 << 20
	// copyTries is how often the source is opened without reading a byte before the
	// copy fails.
	copyTries = 4
	// copySumKey is the metadata key of a copied object for the MD5 of its source.
	copySumKey   = "nvr-md5"
	copyStateKey = "nvr-state"
)

// ErrDiffers means that the copied bytes do not match their MD5. The copy is
// deleted.
var ErrDiffers = errors.New("the copied bytes are not those that were promised")

// Source is the source of a copy.
type Source struct {
	// Size is in bytes.
	Size int64
	// MD5 is in hexadecimal. If it is empty, only sizes are compared.
	MD5 string
	// Read opens n bytes at offset off.
	Read func(ctx context.Context, off, n int64) (io.ReadCloser, error)
}

// CopyIn copies a source that takes long to read into an object. The bytes go into
// chunk objects below a hidden prefix. They are composed when all are complete and
// the MD5 matches, so that no partial object is ever visible. If the deadline of
// ctx ends the call, the error is [ErrUnfinished]. The next call resumes, however
// the last one ended. An existing object is returned if it is a copy of the same
// source, otherwise with [ErrExists]. Concurrent calls are safe.
func (b *Bucket) CopyIn(
	ctx context.Context,
	name, contentType string,
	source Source,
) (Object, error) {
	return b.newCopy(name, source, copyChunkBytes).run(ctx, contentType)
}

// newCopy returns the job of one call. Its prefix depends on the MD5 and the size
// of the source.
func (b *Bucket) newCopy(name string, source Source, chunk int64) *copyJob {
	place := copyPrefix(name) + shortDigest(fmt.Sprintf(
		"%s %d",
		strings.ToLower(source.MD5),
		source.Size,
	))
	return &copyJob{
		bucket: b,
		name:   name,
		source: source,
		prefix: place,
		chunk:  chunk,
	}
}

// copyPrefix returns the prefix of all copies to a name. Each source has its own
// prefix below it.
func copyPrefix(name string) string {
	return copiesPrefix + "/" + shortDigest(name) + "/"
}

// shortDigest returns the first 128 bits of the SHA-256 of a text, in hexadecimal.
func shortDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// copyJob is one call of CopyIn.
type copyJob struct {
	bucket *Bucket
	name   string
	source Source
	prefix string
	chunk  int64

	chunks []Object
	// sum is the MD5 of the chunks so far.
	sum hash.Hash
}

// run copies the missing chunks, checks the sum and composes the object.
func (c *copyJob) run(ctx context.Context, contentType string) (Object, error) {
	if there, err := c.bucket.Stat(ctx, c.name); !errors.Is(err, ErrNotFound) {
		if err != nil {
			return Object{}, c.wrapDeadline(ctx, err)
		}
		return c.finishExisting(ctx, there)
	}
	if err := c.resume(ctx); err != nil {
		return c.afterConflict(ctx, err)
	}
	for off := c.offset(); off < c.source.Size || c.source.Size == 0 && len(c.chunks) == 0; off = c.offset() {
		if err := c.fetch(ctx, off); err != nil {
			return c.afterConflict(ctx, err)
		}
	}
	if got := hex.EncodeToString(c.sum.Sum(nil)); c.source.MD5 != "" &&
		!strings.EqualFold(got, c.source.MD5) {
		err := fmt.Errorf(
			"copy %q into bucket %s: MD5 is %s, not %s: %w",
			c.name,
			c.bucket.name,
			got,
			c.source.MD5,
			ErrDiffers,
		)
		return Object{}, errors.Join(err, c.bucket.DeleteAll(ctx, c.prefix+"/"))
	}
	made, err := c.bucket.composeVia(
		ctx,
		c.prefix+"/"+treeSuffix,
		c.name,
		contentType,
		map[string]string{copySumKey: strings.ToLower(c.source.MD5)},
		c.chunks,
	)
	switch {
	case errors.Is(err, ErrExists):
		return c.finishExisting(ctx, made)
	case errors.Is(err, ErrNotFound):
		return c.afterConflict(ctx, err)
	}
	if err == nil && made.Size != c.source.Size {
		err = fmt.Errorf(
			"copy %q into bucket %s: it became %d bytes, not %d",
			c.name,
			c.bucket.name,
			made.Size,
			c.source.Size,
		)
	}
	if err != nil {
		return Object{}, c.wrapDeadline(ctx, err)
	}
	return made, c.bucket.DeleteAll(ctx, copyPrefix(c.name))
}

// finishExisting ends a call that finds the object, and deletes the chunks that
// this or another call left.
func (c *copyJob) finishExisting(ctx context.Context, there Object) (Object, error) {
	err := c.bucket.DeleteAll(ctx, copyPrefix(c.name))
	if there.Size != c.source.Size ||
		!strings.EqualFold(there.Metadata[copySumKey], c.source.MD5) ||
		c.source.MD5 == "" {
		err = errors.Join(
			fmt.Errorf("copy %q into bucket %s: %w", c.name, c.bucket.name, ErrExists),
			err,
		)
	}
	return there, err
}

// afterConflict handles a failed call. Another call may have finished first and
// deleted the chunks.
func (c *copyJob) afterConflict(ctx context.Context, err error) (Object, error) {
	if ctx.Err() == nil {
		if there, statErr := c.bucket.Stat(ctx, c.name); statErr == nil {
			return c.finishExisting(ctx, there)
		}
	}
	return Object{}, c.wrapDeadline(ctx, err)
}

// wrapDeadline returns [ErrUnfinished] if the deadline ended the call, otherwise
// err.
func (c *copyJob) wrapDeadline(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fmt.Errorf(
			"copy %q into bucket %s: %d of %d bytes are there: %w",
			c.name,
			c.bucket.name,
			c.offset(),
			c.source.Size,
			ErrUnfinished,
		)
	}
	return err
}

// offset returns the offset of the next chunk in the source.
func (c *copyJob) offset() int64 {
	return min(int64(len(c.chunks))*c.chunk, c.source.Size)
}

// chunkName returns the name of the chunk at an offset.
func (c *copyJob) chunkName(off int64) string {
	return fmt.Sprintf("%s/%d/%015d", c.prefix, c.chunk, off)
}

// resume finds the complete chunks of earlier calls. The metadata of the last chunk
// hold the state of the MD5 before it. The bytes of the last chunk are added again.
func (c *copyJob) resume(ctx context.Context) error {
	c.sum = md5.New() // #nosec G401 -- as above
	for chunk, err := range c.bucket.List(ctx, fmt.Sprintf("%s/%d/", c.prefix, c.chunk)) {
		if err != nil {
			return err
		}
		off := c.offset()
		if chunk.Name != c.chunkName(off) || chunk.Size != min(c.chunk, c.source.Size-off) {
			break // a hole: what comes behind is found again when its turn comes
		}
		c.chunks = append(c.chunks, chunk)
	}
	if len(c.chunks) == 0 {
		return nil
	}
	last := c.chunks[len(c.chunks)-1]
	state, err := base64.StdEncoding.DecodeString(last.Metadata[copyStateKey])
	if err == nil {
		err = c.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
	}
	if err != nil { // written by another program: start again
		c.chunks = nil    // #nosec G401 -- as above
		c.sum = md5.New() // #nosec G401 -- as above
		return c.bucket.DeleteAll(ctx, c.prefix+"/")
	}
	return c.addToSum(ctx, last)
}

// addToSum adds the bytes of a stored chunk to the MD5.
func (c *copyJob) addToSum(ctx context.Context, chunk Object) error {
	bytes, err := c.bucket.Reader(ctx, chunk.Name, chunk.Generation, 0, chunk.Size)
	if err != nil {
		return err
	}
	_, err = io.Copy(c.sum, bytes)
	return errors.Join(err, bytes.Close())
}

// fetch copies one chunk. If another call has copied it, its stored bytes are added
// to the MD5.
func (c *copyJob) fetch(ctx context.Context, off int64) error {
	size := min(c.chunk, c.source.Size-off)
	state, err := c.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("keep the sum of a copy: %w", err)
	}
	meta := map[string]string{copyStateKey: base64.StdEncoding.EncodeToString(state)}
	chunk, err := c.bucket.Create(ctx, c.chunkName(off), "application/octet-stream", meta, func(w io.Writer) error {
		return c.pump(ctx, io.MultiWriter(w, c.sum), off, size)
	})
	if errors.Is(err, ErrExists) &&
		chunk.Size == size { // another call copied it; the sum stands anywhere now
		if err = c.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err == nil {
			err = c.addToSum(ctx, chunk)
		}
	}
	if err != nil {
		return err
	}
	c.chunks = append(c.chunks, chunk)
	return nil
}

// pump streams size bytes of the source to w. It opens the source again after an
// interruption.
func (c *copyJob) pump(ctx context.Context, w io.Writer, off, size int64) error {
	var failure error
	for tries := 0; size > 0; {
		if tries == copyTries {
			return failure
		}
		n, err := c.pumpOnce(ctx, w, off, size)
		off += n
		size -= n
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var written *writeError
		if errors.As(err, &written) {
			return written.err
		}
		tries++
		if n > 0 {
			tries = 0
		}
		failure = err
	}
	return nil
}

// writeError marks an error of the target.
type writeError struct{ err error }

// Error implements error.
func (w *writeError) Error() string {
	return w.err.Error()
}

// targetWriter marks the errors of a writer as writeError.
type targetWriter struct{ io.Writer }

// Write implements io.Writer.
func (t targetWriter) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// pumpOnce opens the source once and copies up to size bytes. An error of opening
// counts as final, because Source.Read retries itself.
func (c *copyJob) pumpOnce(ctx context.Context, w io.Writer, off, size int64) (int64, error) {
	from, err := c.source.Read(ctx, off, size)
	if err != nil {
		return 0, &writeError{err} // Source.Read retries itself
	}
	defer func() { _ = from.Close() }()
	n, err := io.CopyN(targetWriter{w}, from, size)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = fmt.Errorf("read the source at byte %d: %w", off+n, err)
	}
	return n, err
}
