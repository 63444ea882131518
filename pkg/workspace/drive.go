package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/drive/v3"
)

const (
	folderType   = "application/vnd.google-apps.folder"
	shortcutType = "application/vnd.google-apps.shortcut"

	fileFields = "id,name,mimeType,size,md5Checksum,webViewLink,trashed,parents,createdTime,modifiedTime,appProperties,videoMediaMetadata,driveId,capabilities/canAddChildren"
)

// File is a file of Drive.
type File struct {
	ID         string
	Name       string
	MIME       string
	Size       int64  // bytes
	MD5        string // hex; empty for what has no content of its own
	Link       string // where people open it
	Trashed    bool
	Parents    []string
	Created    time.Time
	Modified   time.Time
	Properties map[string]string // private to us
	Playable   bool              // Drive has processed the video, so that it can be watched
	Writable   bool              // a folder that the caller may put files into
}

func fileOf(f *drive.File) File {
	return File{
		ID:         f.Id,
		Name:       f.Name,
		MIME:       f.MimeType,
		Size:       f.Size,
		MD5:        f.Md5Checksum,
		Link:       f.WebViewLink,
		Trashed:    f.Trashed,
		Parents:    f.Parents,
		Created:    instant(f.CreatedTime),
		Modified:   instant(f.ModifiedTime),
		Properties: f.AppProperties,
		Playable:   f.VideoMediaMetadata != nil,
		Writable:   f.Capabilities != nil && f.Capabilities.CanAddChildren,
	}
}

// instant reads a time of Google's; zero if there is none.
func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// complete reports whether there is content: a file of this record without any is an upload that went wrong.
func (f *File) complete() bool {
	return f.Size > 0 && f.MD5 != ""
}

// FindFiles finds the files of exactly this name, wherever they lie, the newest complete one first. A
// shortcut stands for the file it points to. A search that Drive could not finish is an error, never
// "no such file".
func (c *Client) FindFiles(ctx context.Context, name string) ([]File, error) {
	query := "name = " + quoted(name) + " and trashed = false"
	found, err := c.list(ctx, "find files named "+name, query, everywhere())
	if err != nil {
		return nil, err
	}
	var files []File
	for _, f := range found {
		if f.Name != name || f.Trashed { // Drive's "=" may ignore case
			continue
		}
		if f.MimeType == shortcutType {
			if f, err = c.follow(ctx, f); err != nil {
				return nil, err
			}
		}
		if f != nil && f.MimeType != folderType {
			files = append(files, fileOf(f))
		}
	}
	slices.SortFunc(files, newestComplete)
	files = slices.CompactFunc(files, func(a, b File) bool { return a.ID == b.ID })
	if len(files) > 1 {
		c.options.Log.InfoContext(
			ctx, "several files of one name on Drive",
			"name", name,
			"count", len(files),
			"taken", files[0].ID,
		)
	}
	return files, nil
}

func newestComplete(a, b File) int {
	if a.complete() != b.complete() {
		if a.complete() {
			return -1
		}
		return 1
	}
	return cmp.Or(
		b.Modified.Compare(a.Modified),
		cmp.Compare(b.Size, a.Size),
		strings.Compare(a.ID, b.ID),
	)
}

// follow gives the file that a shortcut points to, or nil if that is gone or a shortcut again.
func (c *Client) follow(ctx context.Context, shortcut *drive.File) (*drive.File, error) {
	if shortcut.ShortcutDetails == nil {
		return nil, nil
	}
	target, err := c.file(ctx, shortcut.ShortcutDetails.TargetId)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case target.Trashed || target.MimeType == shortcutType:
		return nil, nil
	}
	return target, nil
}

// corpus is the set of files that a search covers.
type corpus struct {
	name  string // "allDrives", "user" or "drive"
	drive string // id of the shared drive; only with "drive"
}

// everywhere returns the corpus of everything that the subject sees.
func everywhere() corpus { return corpus{name: "allDrives"} }

// list runs a query over a corpus, all pages.
func (c *Client) list(ctx context.Context, what, query string, where corpus) ([]*drive.File, error) {
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return nil, err
	}
	var files []*drive.File
	for token := ""; ; {
		var page *drive.FileList
		err := c.do(ctx, "drive.files.list", what, func(ctx context.Context) (err error) {
			call := seat.drive.Files.List().Context(ctx).Q(query).PageSize(1000).PageToken(token).
				Corpora(where.name).IncludeItemsFromAllDrives(true).SupportsAllDrives(true).
				Fields(
					"nextPageToken",
					"incompleteSearch",
					"files("+fileFields+",shortcutDetails)",
				)
			if where.drive != "" {
				call.DriveId(where.drive)
			}
			page, err = call.Do()
			return err
		})
		if err != nil {
			return nil, err
		}
		if page.IncompleteSearch {
			return nil, fmt.Errorf("%s: Drive could not search everywhere", what)
		}
		files = append(files, page.Files...)
		if token = page.NextPageToken; token == "" {
			return files, nil
		}
	}
}

// Stat tells how a file stands. A file whose upload is not finished is not there yet.
func (c *Client) Stat(ctx context.Context, id string) (File, error) {
	f, err := c.file(ctx, id)
	if err != nil {
		return File{}, err
	}
	return fileOf(f), nil
}

func (c *Client) file(ctx context.Context, id string) (*drive.File, error) {
	if err := checkID("file", id); err != nil {
		return nil, err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return nil, err
	}
	var f *drive.File
	err = c.do(ctx, "drive.files.get", "look at file "+id, func(ctx context.Context) (err error) {
		f, err = seat.drive.Files.Get(id).Context(ctx).SupportsAllDrives(true).Fields(fileFields).Do()
		return err
	})
	return f, err
}

// Read reads n bytes of a file from off on. An end before that is an error. Checksums are the caller's.
func (c *Client) Read(ctx context.Context, id string, off, n int64) (io.ReadCloser, error) {
	if err := checkID("file", id); err != nil {
		return nil, err
	}
	if off < 0 || n <= 0 {
		return nil, fmt.Errorf("read file %s: no bytes at [%d, %d)", id, off, off+n)
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return nil, err
	}
	var body io.ReadCloser
	err = c.do(ctx, "drive.files.get", "read file "+id, func(ctx context.Context) error {
		call := seat.drive.Files.Get(id).Context(ctx).SupportsAllDrives(true)
		call.Header().Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
		response, err := call.Download()
		if err != nil {
			return err
		}
		if problem := checkRange(response, off); problem != nil {
			_ = response.Body.Close()
			return problem
		}
		body = response.Body
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &exact{body: body, left: n, id: id}, nil
}

// checkRange sees that the answer begins where it was asked to.
func checkRange(response *http.Response, off int64) error {
	if response.StatusCode == http.StatusOK && off == 0 {
		return nil
	}
	var first int64
	if response.StatusCode == http.StatusPartialContent {
		if n, _ := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &first); n == 1 && first == off {
			return nil
		}
	}
	return fmt.Errorf(
		"asked for bytes from %d, got status %d with range %q",
		off, response.StatusCode, response.Header.Get("Content-Range"),
	)
}

// exact gives exactly as many bytes as were asked for, or an error.
type exact struct {
	body io.ReadCloser
	left int64
	id   string
}

// Read implements [io.Reader].
func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.body.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && e.left > 0:
		return n, fmt.Errorf("read file %s: %d bytes short: %w", e.id, e.left, io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("read file %s: %w", e.id, redactURL(err))
	}
	return n, nil
}

// Close implements [io.Closer].
func (e *exact) Close() error {
	return e.body.Close()
}

// GenerateID gives the id of a file that is to be made: stored first, it makes the upload one file,
// however often it is begun. It is for the one who uploads the record, see [Subjects.Uploader].
func (c *Client) GenerateID(ctx context.Context, record int64) (string, error) {
	return c.generateID(ctx, c.options.Subjects.Uploader(record))
}

func (c *Client) generateID(ctx context.Context, subject string) (string, error) {
	seat, err := c.as(ctx, subject)
	if err != nil {
		return "", err
	}
	var id string
	err = c.do(ctx, "drive.files.generateIds", "generate a file id", func(ctx context.Context) error {
		ids, err := seat.drive.Files.GenerateIds().Context(ctx).Count(1).Space("drive").Type("files").Fields("ids").Do()
		if err == nil && len(ids.Ids) != 1 {
			err = fmt.Errorf("got %d ids", len(ids.Ids))
		}
		if err == nil {
			id = ids.Ids[0]
		}
		return err
	})
	return id, err
}

// ForgetRevisions deletes the former contents of the file of a record. The newest content stays.
func (c *Client) ForgetRevisions(ctx context.Context, record int64, id string) error {
	if err := checkID("file", id); err != nil {
		return err
	}
	seat, err := c.as(ctx, c.options.Subjects.Uploader(record))
	if err != nil {
		return err
	}
	var all []*drive.Revision // oldest first
	err = c.do(ctx, "drive.revisions.list", "list the revisions of file "+id, func(ctx context.Context) error {
		all = nil
		call := seat.drive.Revisions.List(id).Fields("nextPageToken,revisions(id)").PageSize(maxRevisions)
		return call.Pages(ctx, func(page *drive.RevisionList) error {
			all = append(all, page.Revisions...)
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i := range max(0, len(all)-1) {
		revision := all[i].Id
		err := c.do(ctx, "drive.revisions.delete", "delete a revision of file "+id, func(ctx context.Context) error {
			return seat.drive.Revisions.Delete(id, revision).Context(ctx).Do()
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// maxRevisions is how many revisions one page lists, at most.
const maxRevisions = 1000

// Trash puts a file into the bin. One that is gone is fine.
func (c *Client) Trash(ctx context.Context, id string) error {
	err := c.setTrashed(ctx, id, true, "trash file "+id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Untrash takes a file out of the trash. It returns [ErrNotFound] if the file is deleted.
func (c *Client) Untrash(ctx context.Context, id string) error {
	return c.setTrashed(ctx, id, false, "take file "+id+" out of the trash")
}

// setTrashed moves a file into the trash or out of it.
func (c *Client) setTrashed(ctx context.Context, id string, trashed bool, what string) error {
	if err := checkID("file", id); err != nil {
		return err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return err
	}
	change := &drive.File{Trashed: trashed, ForceSendFields: []string{"Trashed"}}
	return c.do(ctx, "drive.files.update", what, func(ctx context.Context) error {
		_, err := seat.drive.Files.Update(id, change).Context(ctx).SupportsAllDrives(true).Fields("id").Do()
		return err
	})
}
