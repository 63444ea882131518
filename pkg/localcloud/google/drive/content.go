package drive

import (
	"crypto/md5" // #nosec G501 -- Drive has MD5 of every file; nothing is protected by it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
	"github.com/nvr-miem/merger/pkg/mp4"
)

const (
	// what Drive takes until a video can be played, divided by the scale
	processing  = 60 * time.Second
	streamBytes = 256 << 10 // what is held of an upload at a time
)

// sums computes the checksums of the bytes written to it.
type sums struct{ md5, sha256 hash.Hash }

// newSums returns empty sums.
func newSums() *sums {
	return &sums{md5: md5.New(), sha256: sha256.New()} // #nosec G401 -- see the import
}

// Write implements io.Writer.
func (s *sums) Write(p []byte) (int, error) {
	_, _ = s.md5.Write(p)
	return s.sha256.Write(p)
}

// content returns the content that the bytes written so far make.
func (s *sums) content(blob string, size int64) *content {
	return &content{
		Blob:     blob,
		Size:     size,
		Revision: newID(false),
		MD5:      hex.EncodeToString(s.md5.Sum(nil)),
		SHA256:   hex.EncodeToString(s.sha256.Sum(nil)),
	}
}

// receive streams a whole content to the disk.
func (d *Drive) receive(r io.Reader) (*content, error) {
	blob := newName()
	f, err := os.OpenFile(d.blobPath(blob), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin a content: %w", err)
	}
	s := newSums()
	size, err := io.CopyBuffer(io.MultiWriter(f, s), r, make([]byte, streamBytes))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("receive a content: %w", err), os.Remove(f.Name()))
	}
	return s.content(blob, size), nil
}

// watchVideo sets what Drive shows of a video, and when: 60 s after an upload, divided by the
// scale.
func (d *Drive) watchVideo(f *file) {
	if f.Content == nil || !strings.HasPrefix(f.mimeType(), "video/") || f.Content.Video != nil {
		return
	}
	bytes := *f.Content
	bytes.ReadyAt = d.o.Now().Add(time.Duration(float64(processing) / max(d.o.Scale, 1e-9)))
	bytes.Video = d.probe(bytes)
	f.Content = &bytes
}

// probe returns size and length of a video. A file that is no MP4 gets default values: callers
// wait for the metadata to appear, not for their accuracy.
func (d *Drive) probe(c content) api.Object {
	width := 1280
	height := 720
	length := time.Second
	if f, err := os.Open(d.blobPath(c.Blob)); err == nil {
		defer func() { _ = f.Close() }()
		if video, err := mp4.ReadFinished(f, c.Size); err == nil {
			for i := range video.Tracks {
				track := &video.Tracks[i]
				first, some := track.First()
				last, _ := track.Last()
				if track.Width > 0 && some {
					width = track.Width
					height = track.Height
					length = last.Duration() - first.Duration()
				}
			}
		}
	}
	return api.Object{
		"width":          width,
		"height":         height,
		"durationMillis": strconv.FormatInt(length.Milliseconds(), 10),
	}
}

// get answers files.get: with metadata, or with the bytes.
func (d *Drive) get(c *api.Call) (*api.Answer, error) {
	var f *file
	var shown api.Object
	var err error
	d.db.View(func() {
		if f, err = d.find(c.Path["fileId"], c.User, reader); err == nil {
			shown = d.show(f, c.User)
		}
	})
	if err != nil {
		return nil, err
	}
	if c.Query.Get("alt") != "media" {
		return api.OK(shown)
	}
	if f.Content == nil {
		return nil, api.Refuse(
			http.StatusForbidden,
			"fileNotDownloadable",
			"Only files with binary content can be downloaded. Use Export with Docs Editors files.",
		)
	}
	return nil, d.send(c.Writer, c.Request, f)
}

// send streams the bytes of a file, or the range that the request asks for.
func (d *Drive) send(w http.ResponseWriter, r *http.Request, f *file) error {
	blob, err := os.Open(d.blobPath(f.Content.Blob))
	if err != nil {
		return fmt.Errorf("open the content of %s: %w", f.id(), err)
	}
	defer func() { _ = blob.Close() }()
	header := w.Header()
	header.Set("Content-Type", f.mimeType())
	header.Set("ETag", `"`+f.Content.Revision+`"`)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, blob)
	return nil
}

// ServeView serves a file to a browser, by range. webViewLink leads here. Its headers keep
// uploaded files from running as pages of this origin.
func (d *Drive) ServeView(w http.ResponseWriter, r *http.Request) {
	var f *file
	d.db.View(func() { f = d.files.Get(r.PathValue("file")) })
	if f == nil || f.Content == nil {
		http.NotFound(w, r)
		return
	}
	kind, _, _ := strings.Cut(f.mimeType(), "/")
	disposition := "inline"
	playable := kind == "video" || kind == "audio"
	if !playable {
		w.Header().Set(
			"Content-Security-Policy",
			"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'",
		)
	}
	readable := playable || kind == "image" || f.mimeType() == "application/pdf" ||
		f.mimeType() == "text/plain"
	if !readable || r.URL.Query().Has("download") {
		disposition = "attachment"
	}
	w.Header().Set(
		"Content-Disposition",
		mime.FormatMediaType(disposition, map[string]string{"filename": f.name()}),
	)
	if err := d.send(w, r, f); err != nil {
		d.o.Log.ErrorContext(r.Context(), "a file could not be shown", "file", f.id(), "error", err)
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
	}
}
