package storage

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	raw "google.golang.org/api/storage/v1"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

const (
	// uploadLife is how long Google keeps a resumable upload.
	uploadLife = 7 * 24 * time.Hour // Google forgets a resumable upload after a week
	grainBytes = 256 << 10          // every chunk but the last is a multiple of this
)

// uploads are the resumable uploads of a bucket, one file each. The bytes that arrived are in a
// file of the backend. The length of that file is how much was received.
type uploads struct {
	dir string
	mu  sync.Mutex
	all map[string]*upload
}

// upload is one resumable upload.
type upload struct {
	ID       string     `json:"id"`
	Object   object     `json:"object"` // what it will become; Data is where the bytes go
	Want     conditions `json:"want"`
	Expected expected   `json:"expected"`
	Started  time.Time  `json:"started"`

	mu      sync.Mutex // a broken request may still be read while the next one comes
	sums    *sums      // of what was kept; nil: not known since the start of the process
	corrupt bool       // a fault struck one of its requests
}

// openUploads reads the uploads and removes those that are broken or older than a week.
func openUploads(dir string, now time.Time) (*uploads, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	us := &uploads{dir: dir, all: map[string]*upload{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		u := &upload{}
		text, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(text, u) != nil || u.ID+".json" != entry.Name() ||
			now.Sub(u.Started) > uploadLife {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
			continue
		}
		us.all[u.ID] = u
	}
	return us, nil
}

// data names the files that uploads still need.
func (us *uploads) data() map[string]bool {
	names := map[string]bool{}
	for _, u := range us.all {
		names[u.Object.Data] = true
	}
	return names
}

// add registers an upload. It is on disk when add returns.
func (us *uploads) add(u *upload) error {
	us.mu.Lock()
	defer us.mu.Unlock()
	us.all[u.ID] = u
	return writeFile(us.dir, u.ID+".json", u)
}

// find returns an upload, or nil.
func (us *uploads) find(id string) *upload {
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.all[id]
}

// drop forgets an upload. The object that it became is found by its name.
func (us *uploads) drop(u *upload) {
	us.mu.Lock()
	defer us.mu.Unlock()
	delete(us.all, u.ID)
	_ = os.Remove(filepath.Join(us.dir, u.ID+".json")) // else it is forgotten in a week
}

// startUpload answers with the address that the bytes go to. The address holds the object's name,
// so that an upload whose last answer was lost is found by the object it became.
func (b *bucket) startUpload(c *call) error {
	sent := &raw.Object{}
	if err := c.decode(sent); err != nil {
		return err
	}
	if sent.ContentType == "" {
		sent.ContentType = c.Header.Get("X-Upload-Content-Type")
	}
	o, k, err := b.target(c, sent)
	if err != nil {
		return err
	}
	u := &upload{
		ID:       rand.Text(),
		Object:   o,
		Want:     c.conditions("if", ""),
		sums:     newSums(),
		Started:  b.objects.now(),
		Expected: expected{CRC32C: sent.Crc32c, MD5: sent.Md5Hash}.with(c.Header),
		corrupt:  faults.Corrupts(c.Context()),
	}
	if err := precheck(k, o.Name, u.Want); err != nil {
		return err
	}
	file, data, err := k.temp()
	if err == nil {
		err = file.Close()
	}
	u.Object.Data = data
	u.Object.Upload = u.ID
	if err == nil {
		err = b.uploads.add(u)
	}
	if err != nil {
		return fmt.Errorf("start an upload: %w", err)
	}
	address := url.Values{
		"uploadType": {"resumable"},
		"name":       {o.Name},
		"upload_id":  {u.ID},
	}
	c.w.Header().Set(
		"Location", c.self()+"/upload/storage/v1/b/"+url.PathEscape(b.name)+"/o?"+address.Encode(),
	)
	c.w.Header().Set("X-Guploader-Uploadid", u.ID)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// upload takes a chunk of a resumable upload, or answers how much of it was received.
func (b *bucket) upload(c *call) error {
	id, name := c.query.Get("upload_id"), c.query.Get("name")
	k, err := b.backend(name)
	if err != nil {
		return err
	}
	u := b.uploads.find(id)
	if u == nil {
		return b.uploaded(c, k, id, name)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if b.uploads.find(id) == nil {
		return b.uploaded(c, k, id, name) // finished while this request waited
	}
	if done, err := u.committed(k); err != nil {
		return err
	} else if done {
		b.uploads.drop(u)
		return b.uploaded(c, k, id, name)
	}
	if c.Method == http.MethodDelete {
		b.uploads.drop(u)
		_ = os.Remove(k.dataPath(u.Object.Data)) // otherwise the next start removes it
		c.w.WriteHeader(499)                     // what Google answers: client closed request
		return nil
	}
	u.corrupt = u.corrupt || faults.Corrupts(c.Context())
	if err := u.remember(k); err != nil {
		return b.uploaded(c, k, id, name)
	}
	chunk, err := readChunk(c.Request)
	if err != nil {
		return err
	}
	if err := u.take(k, chunk, c.Body); err != nil {
		return err
	}
	if chunk.total < 0 || u.sums.size < chunk.total {
		u.incomplete(c)
		return nil
	}
	if u.sums.size > chunk.total {
		return invalid(
			"the upload has %d bytes, more than the %d announced", u.sums.size, chunk.total,
		)
	}
	return b.finish(c, k, u)
}

// finish commits an upload that is complete. A failed condition ends it.
func (b *bucket) finish(c *call, k backend, u *upload) error {
	err := u.Expected.with(c.Header).check(u.sums)
	if err == nil && u.corrupt {
		err = corrupt(k, u.Object)
	}
	if err == nil {
		err = b.commit(c, k, u.Object, u.sums, u.Want)
	}
	var refused *failure
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	b.uploads.drop(u)
	if err != nil {
		_ = os.Remove(k.dataPath(u.Object.Data)) // otherwise the next start removes it
	}
	return err
}

// uploaded answers for an upload that no longer exists: with the object that it became, if there
// is one.
func (b *bucket) uploaded(c *call, k backend, id, name string) error {
	o, err := k.find(name)
	if err != nil {
		return err
	}
	if o == nil || o.Upload != id {
		return &failure{http.StatusGone, "uploadNotFound", "The upload is unknown or was ended."}
	}
	return c.answer(o.resource(b.name, c.self()))
}

// committed reports whether an earlier process committed the upload and ended before it forgot
// it. The data then belongs to the object, and may be neither changed nor removed.
func (u *upload) committed(k backend) (bool, error) {
	if u.sums != nil { // it is of this process, which forgets what it commits
		return false, nil
	}
	o, err := k.find(u.Object.Name)
	return o != nil && o.Upload == u.ID, err
}

// remember computes the checksums of what an earlier process received. It fails if the upload was
// committed, because its file is gone.
func (u *upload) remember(k backend) error {
	if u.sums != nil {
		return nil
	}
	file, err := os.Open(k.dataPath(u.Object.Data))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sums := newSums()
	if _, err := io.CopyBuffer(
		struct{ io.Writer }{sums}, file, make([]byte, copyBytes),
	); err != nil {
		return err
	}
	u.sums = sums
	return nil
}

// chunk is what a request says it carries of an upload.
type chunk struct {
	from  int64
	size  int64 // 0: none, the request asks how things stand
	total int64 // below 0: not known yet
}

// readChunk reads Content-Range and Content-Length of a request.
func readChunk(r *http.Request) (chunk, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		if r.ContentLength < 0 {
			return chunk{}, invalid("an upload needs Content-Range or Content-Length")
		}
		return chunk{size: r.ContentLength, total: r.ContentLength}, nil
	}
	bad := invalid("Failed to parse Content-Range header: %q", text)
	span, totalText, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok || !strings.HasPrefix(text, "bytes ") {
		return chunk{}, bad
	}
	p := chunk{total: -1}
	var err error
	if totalText != "*" {
		if p.total, err = strconv.ParseInt(totalText, 10, 64); err != nil || p.total < 0 {
			return chunk{}, bad
		}
	}
	if span == "*" {
		return p, nil
	}
	first, last, _ := strings.Cut(span, "-")
	from, errFrom := strconv.ParseInt(first, 10, 64)
	to, errTo := strconv.ParseInt(last, 10, 64)
	if errFrom != nil || errTo != nil || from < 0 || to < from || p.total >= 0 && to >= p.total {
		return chunk{}, bad
	}
	p.from, p.size = from, to-from+1
	if p.total < 0 && p.size%grainBytes != 0 {
		return chunk{}, invalid("a chunk of %d bytes is not a multiple of %d", p.size, grainBytes)
	}
	return p, nil
}

// take appends the new bytes of a chunk. Bytes that were received before are skipped.
func (u *upload) take(k backend, p chunk, body io.Reader) error {
	if p.size == 0 {
		return nil
	}
	if p.from > u.sums.size {
		return invalid("the chunk starts at %d, but only %d bytes are there", p.from, u.sums.size)
	}
	body = io.LimitReader(body, p.size)
	skip := min(u.sums.size-p.from, p.size)
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		return invalid("the chunk broke off: %v", err)
	}
	file, err := os.OpenFile(k.dataPath(u.Object.Data), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	// What a full disk left half written was not summed up and is no part of it.
	if err := file.Truncate(u.sums.size); err != nil {
		return errors.Join(err, file.Close())
	}
	n, err := io.CopyBuffer(
		struct{ io.Writer }{io.MultiWriter(file, u.sums)}, body, make([]byte, copyBytes),
	)
	if err == nil && n < p.size-skip {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = invalid("the chunk broke off: %v", err)
	}
	return errors.Join(err, file.Close())
}

// incomplete answers how much was received: with status 308, or with what the Go client asks for
// in its place.
func (u *upload) incomplete(c *call) {
	status := http.StatusPermanentRedirect
	if c.Header.Get("X-GUploader-No-308") == "yes" {
		status = http.StatusOK
		c.w.Header().Set("X-Http-Status-Code-Override", "308")
	}
	if u.sums.size > 0 {
		c.w.Header().Set("Range", "bytes=0-"+strconv.FormatInt(u.sums.size-1, 10))
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
}
