package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	grainBytes = 256 << 10 // a chunk that is not the last is kept in multiples of this
	// sessionLives is how long a session can be resumed, as Drive documents it:
	// https://developers.google.com/workspace/drive/api/guides/manage-uploads
	sessionLives = 7 * 24 * time.Hour
)

// session is the row of a resumable upload.
type session struct {
	Target string     `json:"target,omitempty"` // the file that gets new bytes; "": a new file
	Body   api.Object `json:"body,omitempty"`   // its metadata
	Type   string     `json:"type,omitempty"`
	User   string     `json:"user,omitempty"`
	Moves  moves      `json:"moves,omitzero"`
	Total  int64      `json:"total"` // -1: not known yet
	Blob   string     `json:"blob,omitempty"`
	Begun  time.Time  `json:"begun,omitzero"`
	Result string     `json:"result,omitempty"` // the file, once all bytes are there
}

// uploads are the sessions that receive bytes in this process. Received bytes are on the disk.
type uploads struct {
	mu   sync.Mutex
	open map[string]*progress
}

// progress is how far a session has come. One request at a time holds it.
type progress struct {
	turn chan struct{} // holds one token
	sums *sums         // of what is kept; nil: not known after a restart
	kept int64         // valid if sums are
}

// newUploads returns uploads without sessions.
func newUploads() *uploads {
	return &uploads{open: map[string]*progress{}}
}

// enter waits until no other request of the session runs. The caller calls leave.
func (u *uploads) enter(ctx context.Context, key string) (p *progress, leave func(), err error) {
	u.mu.Lock()
	p = u.open[key]
	if p == nil {
		p = &progress{turn: make(chan struct{}, 1)}
		p.turn <- struct{}{}
		u.open[key] = p
	}
	u.mu.Unlock()
	select {
	case <-p.turn:
		return p, func() { p.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// forget drops the progress of a session that has ended.
func (u *uploads) forget(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, key)
}

// startSession answers with the address that the bytes go to.
func (d *Drive) startSession(c *api.Call, target string) (*api.Answer, error) {
	body, err := apidesc.DecodeObject(http.MaxBytesReader(c.Writer, c.Request.Body, metadataBytes))
	if err == nil {
		err = c.TakeBody(body)
	}
	if err != nil {
		return nil, err
	}
	s := &session{
		Target: target,
		Body:   c.Body,
		User:   c.User,
		Total:  -1,
		Blob:   newName(),
		Begun:  d.o.Now(),
		Type:   c.Request.Header.Get("X-Upload-Content-Type"),
		Moves:  moves{c.Query.Get("addParents"), c.Query.Get("removeParents")},
	}
	if length := c.Request.Header.Get("X-Upload-Content-Length"); length != "" {
		if s.Total, err = strconv.ParseInt(length, 10, 64); err != nil || s.Total < 0 {
			return nil, api.Invalid("X-Upload-Content-Length", "Invalid value %q", length)
		}
	}
	if err := d.mayUpload(s); err != nil {
		return nil, err
	}
	key := newName()
	if err := d.db.Update(func() error { d.sessions.Put(key, s); return nil }); err != nil {
		return nil, err
	}
	query := c.Query
	query.Set("upload_id", key)
	at := d.o.BaseURL + c.Request.URL.EscapedPath() + "?" + query.Encode()
	return &api.Answer{
		Status: http.StatusOK,
		Header: http.Header{"Location": {at}, "X-Guploader-Uploadid": {key}},
	}, nil
}

// resume takes a chunk, answers how much was received, or ends a session.
func (d *Drive) resume(c *api.Call) (*api.Answer, error) {
	key := c.Query.Get("upload_id")
	p, leave, err := d.uploads.enter(c.Request.Context(), key)
	if err != nil {
		return nil, err
	}
	defer leave()
	var s *session
	d.db.View(func() { s = d.sessions.Get(key) })
	if s == nil || s.Target != c.Path["fileId"] || d.o.Now().Sub(s.Begun) > sessionLives {
		d.uploads.forget(key)
		return nil, api.Refuse(
			http.StatusNotFound, "notFound", "The upload session does not exist.",
		)
	}
	if s.Result != "" {
		// a chunk that was sent again after its answer was lost
		_, _ = io.Copy(io.Discard, c.Request.Body)
		return d.finished(s)
	}
	if c.Request.Method == http.MethodDelete {
		return d.cancel(key, s), nil
	}
	sent, err := parseSent(c.Request)
	if err != nil {
		return nil, err
	}
	if s.Total >= 0 && sent.total >= 0 && s.Total != sent.total {
		return nil, refuseUpload(
			"the session is for %d bytes, the Content-Range says %d", s.Total, sent.total,
		)
	}
	if sent.total < 0 && s.Total >= 0 && !sent.asksOnly {
		sent.total = s.Total
	}
	if sent.total < 0 && sent.to < 0 && !sent.empty {
		return nil, api.Refuse(
			http.StatusLengthRequired,
			"lengthRequired",
			"The upload has neither a Content-Range nor a Content-Length.",
		)
	}
	if err := d.keep(c, key, s, p, sent); err != nil {
		return nil, err
	}
	if p.kept != sent.total || sent.asksOnly {
		return unfinished(c.Request, p.kept), nil
	}
	got := p.sums.content(s.Blob, p.kept)
	made, err := d.finish(s, key, got)
	var refused *api.Error
	if errors.As(err, &refused) {
		d.dropSession(key, s)
	}
	if err != nil {
		return nil, err
	}
	d.uploads.forget(key)
	return api.OK(made)
}

// unfinished is the answer that asks for more bytes: status 308, or what Google's client for Go
// asks for in its place.
func unfinished(r *http.Request, kept int64) *api.Answer {
	a := &api.Answer{Status: http.StatusPermanentRedirect, Header: http.Header{}}
	if kept > 0 {
		a.Header.Set("Range", fmt.Sprintf("bytes=0-%d", kept-1))
	}
	if r.Header.Get("X-GUploader-No-308") == "yes" {
		a.Status = http.StatusOK
		a.Header.Set("X-Http-Status-Code-Override", "308")
	}
	return a
}

// finished answers for a session whose file exists.
func (d *Drive) finished(s *session) (*api.Answer, error) {
	var made api.Object
	var err error
	d.db.View(func() {
		var f *file
		if f, err = d.find(s.Result, s.User, reader); err == nil {
			made = d.show(f, s.User)
		}
	})
	if err != nil {
		return nil, err
	}
	return api.OK(made)
}

// cancel ends a session at the caller's request.
func (d *Drive) cancel(key string, s *session) *api.Answer {
	const clientClosed = 499 // what Google answers to a session that was cancelled
	d.dropSession(key, s)
	return &api.Answer{Status: clientClosed}
}

// dropSession deletes a session and its bytes.
func (d *Drive) dropSession(key string, s *session) {
	if err := d.db.Update(func() error { d.sessions.Delete(key); return nil }); err != nil {
		d.o.Log.Warn("an upload session is left behind", "error", err)
		return
	}
	d.uploads.forget(key)
	d.dropBlobs(s.Blob)
}

// ForgetSessions drops all upload sessions, as Google does when it loses them. Their addresses
// then answer 404.
func (d *Drive) ForgetSessions() error {
	var gone []string
	err := d.db.Update(func() error {
		for key, s := range d.sessions.All() {
			if s.Result == "" {
				gone = append(gone, s.Blob)
			}
			d.sessions.Delete(key)
		}
		return nil
	})
	d.dropBlobs(gone...)
	return err
}

// chunk is the part of a content that a request sends.
type chunk struct {
	from, to int64 // bytes [from, to) of the content; to is -1 if the request does not say
	total    int64 // -1: not known yet
	empty    bool  // no bytes: tells the total, or asks
	asksOnly bool  // bytes */*: never finishes
}

// parseSent reads a request's Content-Range: a-b/total, a-b/*, */total or */*.
func parseSent(r *http.Request) (chunk, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return chunk{to: -1, total: r.ContentLength}, nil // all of it at once
	}
	c, err := parseContentRange(text)
	if err != nil {
		return c, refuseUpload("Content-Range %q: %s", text, err)
	}
	if !c.empty && r.ContentLength >= 0 && r.ContentLength != c.to-c.from {
		return c, refuseUpload(
			"Content-Range %q names %d bytes, the body has %d", text, c.to-c.from, r.ContentLength,
		)
	}
	return c, nil
}

// parseContentRange reads the value of a Content-Range header.
func parseContentRange(text string) (chunk, error) {
	c := chunk{total: -1}
	span, total, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok || !strings.HasPrefix(text, "bytes ") {
		return c, errors.New("want bytes a-b/total")
	}
	var err error
	if total != "*" {
		if c.total, err = strconv.ParseInt(total, 10, 64); err != nil || c.total < 0 {
			return c, errors.New("the total is no number")
		}
	}
	if span == "*" {
		c.empty = true
		c.asksOnly = c.total < 0
		return c, nil
	}
	first, last, _ := strings.Cut(span, "-")
	var errTo error
	c.from, err = strconv.ParseInt(first, 10, 64)
	c.to, errTo = strconv.ParseInt(last, 10, 64)
	c.to++
	if err != nil || errTo != nil || c.from < 0 || c.to <= c.from ||
		c.total >= 0 && c.to > c.total {
		return c, errors.New("the range is none")
	}
	return c, nil
}

// keep reads the progress from the disk if it is not known, and stores the new bytes of a chunk.
func (d *Drive) keep(c *api.Call, key string, s *session, p *progress, sent chunk) error {
	f, err := os.OpenFile(d.blobPath(s.Blob), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the content of an upload: %w", err)
	}
	defer func() { _ = f.Close() }()
	if p.sums == nil {
		if err := p.recall(f, sent.total); err != nil {
			return fmt.Errorf("read what is kept of an upload: %w", err)
		}
	}
	if sent.empty {
		return nil
	}
	if sent.from > p.kept {
		return refuseUpload(
			"According to the Content-Range header, the upload offset is %d byte(s), "+
				"which exceeds already uploaded size of %d byte(s).",
			sent.from,
			p.kept,
		)
	}
	body := io.Reader(c.Request.Body)
	if sent.to >= 0 {
		body = io.LimitReader(body, sent.to-sent.from)
	}
	if _, err := io.CopyN(io.Discard, body, p.kept-sent.from); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // all of it is here already
		}
		return refuseUpload("%s", err)
	}
	limit := int64(-1)
	if d.o.Script.Keep != nil && sent.to > p.kept {
		limit = p.kept + d.o.Script.Keep(key, sent.to-p.kept)
	}
	if err := p.take(f, body, sent, limit); err != nil {
		return refuseUpload("%s", err)
	}
	_, err = io.Copy(io.Discard, body)
	if err != nil {
		return refuseUpload("%s", err)
	}
	return nil
}

// recall computes after a restart how much of an upload was received, and its checksums.
func (p *progress) recall(f *os.File, total int64) error {
	at, err := f.Stat()
	if err != nil {
		return err
	}
	p.kept = at.Size()
	if p.kept != total {
		p.kept -= p.kept % grainBytes
	}
	p.sums = newSums()
	if _, err := io.CopyN(p.sums, f, p.kept); err != nil {
		p.sums = nil
		return err
	}
	return nil
}

// take writes a chunk in multiples of 256 KiB. A remainder is stored only at the end of the
// content.
func (p *progress) take(f *os.File, body io.Reader, sent chunk, limit int64) error {
	if err := f.Truncate(p.kept); err != nil {
		return err
	}
	grain := make([]byte, grainBytes)
	for limit < 0 || p.kept+grainBytes <= limit || limit == sent.total {
		n, err := io.ReadFull(body, grain)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return err
		}
		last := p.kept+int64(n) == sent.total
		if ended && !last {
			return nil
		}
		if _, err := f.WriteAt(grain[:n], p.kept); err != nil {
			return err
		}
		_, _ = p.sums.Write(grain[:n])
		p.kept += int64(n)
		if ended || last {
			return nil
		}
	}
	return nil
}
