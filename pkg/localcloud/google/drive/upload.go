package drive

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// metadataBytes bounds the metadata of an upload.
const metadataBytes = 1 << 20 // the most that the metadata of an upload may take

// upload answers files.create or, with a target, files.update under /upload/.
func (d *Drive) upload(c *api.Call, target string) (*api.Answer, error) {
	if c.Query.Has("upload_id") {
		return d.resume(c)
	}
	switch c.Query.Get("uploadType") {
	case "media":
		if err := c.TakeBody(api.Object{}); err != nil {
			return nil, err
		}
		return d.uploadWhole(c, target, c.Request.Header.Get("Content-Type"), c.Request.Body)
	case "multipart":
		return d.uploadParts(c, target)
	case "resumable":
		return d.startSession(c, target)
	}
	return nil, api.Invalid(
		"uploadType",
		"Invalid value %q. Valid values are: [media, multipart, resumable]",
		c.Query.Get("uploadType"),
	)
}

// uploadParts takes a body of two parts: the metadata, then the bytes.
func (d *Drive) uploadParts(c *api.Call, target string) (*api.Answer, error) {
	kind, params, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "" {
		return nil, refuseUpload("want a multipart/related body with a boundary")
	}
	parts := multipart.NewReader(c.Request.Body, params["boundary"])
	first, err := parts.NextRawPart()
	if err != nil {
		return nil, refuseUpload("the part of the metadata: %s", err)
	}
	body, err := apidesc.DecodeObject(http.MaxBytesReader(nil, io.NopCloser(first), metadataBytes))
	if err == nil {
		err = c.TakeBody(body)
	}
	if err != nil {
		return nil, err
	}
	second, err := parts.NextRawPart()
	if err != nil {
		return nil, refuseUpload("the part of the content: %s", err)
	}
	var bytes io.Reader = second
	if strings.EqualFold(second.Header.Get("Content-Transfer-Encoding"), "base64") {
		bytes = base64.NewDecoder(base64.StdEncoding, second)
	}
	return d.uploadWhole(c, target, second.Header.Get("Content-Type"), bytes)
}

// refuseUpload is the refusal of a body that is no upload.
func refuseUpload(format string, args ...any) error {
	return api.Refuse(http.StatusBadRequest, "badRequest", "Malformed upload: "+format, args...)
}

// uploadWhole takes all bytes in one request.
func (d *Drive) uploadWhole(
	c *api.Call, target, uploadType string, bytes io.Reader,
) (*api.Answer, error) {
	s := &session{
		Target: target,
		Body:   c.Body,
		Type:   uploadType,
		User:   c.User,
		Moves:  moves{c.Query.Get("addParents"), c.Query.Get("removeParents")},
	}
	if err := d.mayUpload(s); err != nil {
		return nil, err
	}
	got, err := d.receive(bytes)
	if err != nil {
		return nil, refuseUpload("%s", err) // the sender went away
	}
	made, err := d.finish(s, "", got)
	if err != nil {
		d.dropBlobs(got.Blob)
		return nil, err
	}
	return api.OK(made)
}

// mayUpload refuses before the bytes are sent what finish would refuse afterwards.
func (d *Drive) mayUpload(s *session) error {
	var err error
	d.db.View(func() {
		if s.Target == "" {
			_, err = d.chosenID(s.Body)
		} else {
			_, err = d.find(s.Target, s.User, writer)
		}
	})
	return err
}

// finish creates the file of an upload, or gives a file its new bytes. key is the session, or "".
func (d *Drive) finish(s *session, key string, bytes *content) (api.Object, error) {
	var made api.Object
	var old string
	err := d.db.Update(func() error {
		var f *file
		var err error
		if key != "" && d.sessions.Get(key) == nil {
			return api.Refuse(http.StatusNotFound, "notFound", "The upload session does not exist.")
		}
		if s.Target == "" {
			f, err = d.add(s.Body, s.User, bytes, s.Type)
		} else {
			if before := d.files.Get(s.Target); before != nil && before.Content != nil {
				old = before.Content.Blob
			}
			f, err = d.changeFile(s.Target, s.User, s.Body, bytes, s.Moves)
		}
		if err != nil {
			return err
		}
		if key != "" {
			done := *s
			done.Result = f.id()
			d.sessions.Put(key, &done)
		}
		made = d.show(f, s.User)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("finish an upload: %w", err)
	}
	d.dropBlobs(old)
	return made, nil
}
