package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/api/googleapi"
)

// ChunkUnit is what the length of every chunk but the last is a multiple of.
const ChunkUnit = googleapi.MinUploadChunkSize

// Upload is a file to be. The library's own uploader would keep the session to itself, and so could not
// go on after a crash.
type Upload struct {
	FileID      string // generated and stored before
	Parent      string // folder; not used by Replace
	Name        string
	MIME        string
	Size        int64
	Description string
	Properties  map[string]string
	Record      int64 // whose video it is: decides who uploads
	Replace     bool  // the file exists: give it this content, under the same id and address
}

// Uploader is who uploads the video of a record: always the same one, and each as many as the others.
func (s *Subjects) Uploader(record int64) string {
	if len(s.Uploaders) == 0 {
		return s.Drive
	}
	return s.Uploaders[uint64(record)%uint64(len(s.Uploaders))] // a negative id maps to a user, too
}

// StartUpload opens a session. Store it before the first byte is sent, never log it: its owner may
// write. [ErrExists]: the file is there already, look at it; [ErrNotFound]: the folder, or the file to
// be replaced, is gone.
func (c *Client) StartUpload(ctx context.Context, u Upload) (session string, err error) {
	if err := checkID("file", u.FileID); err != nil {
		return "", err
	}
	method, address, metadata := http.MethodPost, c.uploadBase(), map[string]any{
		"name":          u.Name,
		"mimeType":      u.MIME,
		"description":   u.Description,
		"appProperties": u.Properties,
	}
	if u.Replace {
		method, address = http.MethodPatch, address+"/"+url.PathEscape(u.FileID)
	} else {
		if err := checkID("folder", u.Parent); err != nil {
			return "", err
		}
		metadata["id"], metadata["parents"] = u.FileID, []string{u.Parent}
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return "", fmt.Errorf("write the metadata of file %s: %w", u.FileID, err)
	}
	user := c.options.Subjects.Uploader(u.Record)
	seat, err := c.as(ctx, user)
	if err == nil {
		err = c.uploadAllowed(user)
	}
	if err != nil {
		return "", err
	}
	// A session whose answer is lost is never used and ends by itself: opening one is safe to repeat.
	err = c.do(ctx, "drive.files.upload", "open an upload of file "+u.FileID, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(
			ctx,
			method,
			address+"?uploadType=resumable&supportsAllDrives=true&fields=id",
			bytes.NewReader(body),
		)
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json; charset=UTF-8")
		request.Header.Set("X-Upload-Content-Type", u.MIME)
		request.Header.Set("X-Upload-Content-Length", strconv.FormatInt(u.Size, 10))
		response, err := seat.http.Do(request)
		if err != nil {
			return redactURL(err)
		}
		defer drain(response)
		if err := googleapi.CheckResponse(response); err != nil {
			return err
		}
		at, err := response.Location()
		if err != nil {
			return errors.New("the answer names no session")
		}
		session = at.String()
		return nil
	})
	return session, c.noteUploadResult(ctx, user, err)
}

// drain lets the connection be used again.
func drain(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}

// UploadedBytes asks how much of a session Drive has. done: the file is there.
// [ErrSessionGone]: open a new one with the same id; [ErrExists]: the file is there, from elsewhere.
func (c *Client) UploadedBytes(ctx context.Context, session string, total int64) (n int64, done bool, err error) {
	err = c.do(ctx, "drive.files.upload", "ask for the state of an upload", func(ctx context.Context) (err error) {
		n, done, err = c.put(ctx, session, nil, fmt.Sprintf("bytes */%d", total), 0, total)
		return err
	})
	return n, done, err
}

// SendChunk sends bytes [off, off+n) of total; body's are those, from its beginning. kept is how many
// bytes of the file Drive has then: continue from there. What Drive did not keep, or may not have, is
// asked for and sent again from body. done: the file is there. Errors are those of [Client.UploadedBytes].
func (c *Client) SendChunk(ctx context.Context, session string, body io.ReadSeeker, off, n, total int64) (kept int64, done bool, err error) {
	kept, sure := off, true
	for !done && kept < off+n {
		before := kept
		// The wrapper's patience starts again with each stretch that Drive keeps.
		err = c.do(ctx, "drive.files.upload", "send a chunk of an upload", func(ctx context.Context) error {
			if !sure {
				kept, done, err = c.put(
					ctx,
					session,
					nil,
					fmt.Sprintf("bytes */%d", total),
					0,
					total,
				)
				if sure = err == nil; !sure || done || kept != before {
					return err
				}
			}
			if _, err := body.Seek(kept-off, io.SeekStart); err != nil {
				return fmt.Errorf("go back in the chunk: %w", err)
			}
			left := off + n - kept
			kept, done, err = c.put(
				ctx,
				session,
				io.LimitReader(body, left),
				fmt.Sprintf("bytes %d-%d/%d", kept, off+n-1, total),
				left,
				total,
			)
			if sure = err == nil; sure && !done && kept == before {
				return errors.New("nothing of it was kept")
			}
			return err
		})
		if err != nil {
			return before, false, err
		}
		if kept < off {
			return kept, false, nil // Drive has lost what it had: the caller has the bytes
		}
	}
	if kept == total && !done {
		return c.UploadedBytes(ctx, session, total)
	}
	return kept, done, nil
}

// Put makes a small file hold content, in one request after the opening. What was begun and not ended ends
// by itself.
func (c *Client) Put(ctx context.Context, u Upload, content []byte) error {
	session, err := c.StartUpload(ctx, u)
	if err != nil {
		return err
	}
	n := int64(len(content))
	_, done, err := c.SendChunk(ctx, session, bytes.NewReader(content), 0, n, n)
	if err == nil && !done {
		err = errors.New("drive asks for more than there is")
	}
	return err
}

// put sends one request of a session: content, or a question if body is nil.
func (c *Client) put(ctx context.Context, session string, body io.Reader, contentRange string, length, total int64) (kept int64, done bool, err error) {
	lent := &lent{from: body}
	defer lent.end()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, session, lent)
	if err != nil {
		return 0, false, errors.New("the stored session is not an address")
	}
	if request.ContentLength = length; length == 0 {
		request.Body = http.NoBody
	}
	request.Header.Set("Content-Range", contentRange)
	response, err := c.bare.Do(request)
	if err != nil {
		return 0, false, redactURL(err)
	}
	defer drain(response)
	switch status := response.StatusCode; {
	case status == http.StatusOK, status == http.StatusCreated:
		return total, true, nil
	case status == http.StatusPermanentRedirect:
		kept, err = keptBytes(response.Header.Get("Range"))
		return kept, false, err
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusBadRequest:
		// 400: this session takes nothing any more; a new one costs bytes, not the video.
		return 0, false, fmt.Errorf("%w (status %d)", ErrSessionGone, status)
	}
	return 0, false, googleapi.CheckResponse(response)
}

// lent is a body that is not read any more once the call is over: the transport may still be writing
// when the answer, or an error, has come.
type lent struct {
	mu   sync.Mutex
	from io.Reader
	over bool
}

// Read implements [io.Reader].
func (l *lent) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0, io.ErrClosedPipe
	}
	return l.from.Read(p)
}

func (l *lent) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// keptBytes reads "bytes=0-N"; no range means that nothing is kept.
func keptBytes(header string) (int64, error) {
	if header == "" {
		return 0, nil
	}
	last, ok := strings.CutPrefix(header, "bytes=0-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || n < 0 || n == 1<<63-1 {
		return 0, fmt.Errorf("read the range %q that Drive has", header)
	}
	return n + 1, nil
}
