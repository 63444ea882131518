package storage

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"

	raw "google.golang.org/api/storage/v1"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// insert answers objects.insert for every type of upload.
func (b *bucket) insert(c *call) error {
	if c.query.Has("upload_id") {
		return b.upload(c)
	}
	switch kind := c.query.Get("uploadType"); {
	case c.upload && kind == "multipart":
		return b.insertMultipart(c)
	case c.upload && kind == "media":
		sent := &raw.Object{ContentType: c.Header.Get("Content-Type")}
		return b.insertBody(c, sent, c.Body)
	case c.upload && kind == "resumable":
		return b.startUpload(c)
	default:
		return invalid("Upload type %q is not served at this address", kind)
	}
}

// insertMultipart takes an upload in one request of two parts: metadata in JSON, then the bytes.
func (b *bucket) insertMultipart(c *call) error {
	kind, parameters, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		return invalid("Content-Type of a multipart upload must be multipart/related")
	}
	parts := multipart.NewReader(c.Body, parameters["boundary"])
	first, err := parts.NextPart()
	if err != nil {
		return invalid("read the first part: %v", err)
	}
	text, err := io.ReadAll(io.LimitReader(first, bodyBytes))
	if err != nil {
		return invalid("read the first part: %v", err)
	}
	sent := &raw.Object{}
	if err := c.decodeBytes(text, sent); err != nil {
		return err
	}
	media, err := parts.NextRawPart()
	if err != nil {
		return invalid("read the second part: %v", err)
	}
	if sent.ContentType == "" {
		sent.ContentType = media.Header.Get("Content-Type")
	}
	return b.insertBody(c, sent, media)
}

// target returns the object that an upload is to become, and the store it belongs to.
func (b *bucket) target(c *call, sent *raw.Object) (object, backend, error) {
	name := sent.Name
	if c.query.Get("name") != "" {
		name = c.query.Get("name")
	}
	if encoding := c.query.Get("contentEncoding"); encoding != "" {
		sent.ContentEncoding = encoding
	}
	if sent.Bucket != "" && sent.Bucket != b.name {
		return object{}, nil, invalid(
			"The bucket in the metadata (%s) is not that of the address (%s)", sent.Bucket, b.name,
		)
	}
	o := draft(name, sent)
	if o.Attributes.ContentType == "" {
		o.Attributes.ContentType = "application/octet-stream"
	}
	k, err := b.backend(name)
	return o, k, err
}

// insertBody takes the bytes of a whole object from a request and commits them.
func (b *bucket) insertBody(c *call, sent *raw.Object, body io.Reader) error {
	o, k, err := b.target(c, sent)
	if err != nil {
		return err
	}
	want := c.conditions("if", "")
	if err := precheck(k, o.Name, want); err != nil {
		return err // before the bytes are taken; the commit checks again
	}
	sums := newSums()
	o.Data, err = receive(k, body, sums)
	if err != nil {
		return err
	}
	err = expected{CRC32C: sent.Crc32c, MD5: sent.Md5Hash}.with(c.Header).check(sums)
	if err == nil && faults.Corrupts(c.Context()) {
		err = corrupt(k, o)
	}
	if err == nil {
		err = b.commit(c, k, o, sums, want)
	}
	if err != nil {
		_ = os.Remove(k.dataPath(o.Data)) // otherwise the next start removes it
	}
	return err
}

// precheck checks preconditions before the bytes are taken. The commit checks them again.
func precheck(k backend, name string, want conditions) error {
	old, err := k.find(name)
	if err != nil {
		return err
	}
	return want.check(old)
}

// receive streams a body into a new file of the store and returns the file's name.
func receive(k backend, body io.Reader, sums *sums) (string, error) {
	file, data, err := k.temp()
	if err != nil {
		return "", fmt.Errorf("take an upload: %w", err)
	}
	_, err = io.CopyBuffer(
		struct{ io.Writer }{io.MultiWriter(file, sums)}, body, make([]byte, copyBytes),
	)
	if err != nil {
		err = invalid("the upload broke off: %v", err)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(k.dataPath(data)) // otherwise the next start removes it
	}
	return data, err
}

// copyBytes is the size of the buffer between a body and its file.
const copyBytes = 256 << 10

// commit makes received bytes an object and answers with its metadata.
func (b *bucket) commit(c *call, k backend, o object, sums *sums, want conditions) error {
	o.Size, o.CRC32C = sums.size, &sums.crc
	if sums.md5 != nil {
		o.MD5 = sums.md5.Sum(nil)
	}
	made, err := k.commit(o, want)
	if err != nil {
		return err
	}
	return c.answer(made.resource(b.name, c.self()))
}

// corrupt changes the byte in the middle of an object's data, as a failing disk does. Its description stays.
func corrupt(k backend, o object) error {
	file, err := os.OpenFile(k.dataPath(o.Data), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("corrupt an object: %w", err)
	}
	var b [1]byte
	stat, err := file.Stat()
	if err == nil && stat.Size() > 0 {
		if _, err = file.ReadAt(b[:], stat.Size()/2); err == nil {
			b[0] ^= 1
			_, err = file.WriteAt(b[:], stat.Size()/2)
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("corrupt an object: %w", err)
	}
	return nil
}
