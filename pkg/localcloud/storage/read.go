package storage

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// get answers objects.get: with metadata, or with the bytes if the request asks for media.
func (b *bucket) get(c *call) error {
	name, k, err := b.named(c, "object")
	if err != nil {
		return err
	}
	want := c.conditions("if", "generation")
	if !c.media {
		o, err := k.find(name)
		if err == nil {
			err = want.find(o, b.name, name)
		}
		if err != nil {
			return unchanged(err, want)
		}
		return c.answer(o.resource(b.name, c.self()))
	}
	o, bytes, err := k.open(name, want, b.name)
	if err != nil {
		return unchanged(err, want)
	}
	defer func() { _ = bytes.Close() }()
	return c.send(o, bytes)
}

// unchanged converts a failed "not match" condition of a read into status 304.
func unchanged(err error, want conditions) error {
	var f *failure
	if errors.As(err, &f) && f.status == http.StatusPreconditionFailed && want.Match == nil &&
		want.MetaMatch == nil {
		return &failure{status: http.StatusNotModified}
	}
	return err
}

// send answers with the bytes that the Range header selects.
func (c *call) send(o *object, bytes content) error {
	from, n, partial, err := byteRange(c.Header.Get("Range"), o.Size)
	header := c.w.Header()
	if err != nil {
		header.Set("Content-Range", "bytes */"+strconv.FormatInt(o.Size, 10))
		return err
	}
	if _, err := bytes.Seek(from, io.SeekStart); err != nil {
		return err
	}
	kind := o.Attributes.ContentType
	if kind == "" {
		kind = "application/octet-stream"
	}
	header.Set("Content-Type", kind)
	header.Set("Content-Length", strconv.FormatInt(n, 10))
	header.Set("Accept-Ranges", "bytes")
	header.Set("Etag", o.etag())
	header.Set("Last-Modified", o.Updated.UTC().Format(http.TimeFormat))
	header.Set("X-Goog-Generation", strconv.FormatInt(o.Generation, 10))
	header.Set("X-Goog-Metageneration", strconv.FormatInt(o.Metageneration, 10))
	header.Set("X-Goog-Stored-Content-Length", strconv.FormatInt(o.Size, 10))
	header.Set("X-Goog-Storage-Class", "STANDARD")
	for key, value := range o.Metadata {
		header.Set("X-Goog-Meta-"+key, value)
	}
	if sum := o.crcText(); sum != "" {
		header.Add("X-Goog-Hash", "crc32c="+sum)
	}
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		header.Set(
			"Content-Range",
			"bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(from+n-1, 10)+"/"+strconv.FormatInt(o.Size, 10),
		)
	}
	c.w.WriteHeader(status)
	if c.Method == http.MethodHead {
		return nil
	}
	if sent, err := io.CopyN(c.w, bytes, n); err != nil || sent < n {
		// The length is promised: a broken connection is the only way left to say no.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// byteRange reads a Range header. Like Google, it ignores one that makes no sense.
func byteRange(text string, size int64) (from, n int64, partial bool, err error) {
	span, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(span, "-")
	if !ok || !dash || strings.Contains(span, ",") {
		return 0, size, false, nil
	}
	if first == "" { // the last bytes
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return 0, size, false, nil //nolint:nilerr // as said above
		}
		n = min(n, size)
		if n <= 0 {
			return 0, 0, false, beyond()
		}
		return size - n, n, true, nil
	}
	from, err = strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, size, false, nil //nolint:nilerr // as said above
	}
	to := size - 1
	if last != "" {
		if to, err = strconv.ParseInt(last, 10, 64); err != nil || to < from {
			return 0, size, false, nil //nolint:nilerr // as said above
		}
	}
	if from >= size {
		return 0, 0, false, beyond()
	}
	return from, min(to, size-1) - from + 1, true, nil
}

// beyond is the refusal of a range that begins after the object's end.
func beyond() error {
	return &failure{
		http.StatusRequestedRangeNotSatisfiable,
		"requestedRangeNotSatisfiable",
		"Request range not satisfiable",
	}
}
