// Package drive is a stand-in of Google Drive (API v3). Its state is a folder with the rows, and
// beside them the contents of files, which are streamed and never held in memory.
//
// It knows the rules of Drive that NVR Merger relies on: ids that are generated first, resumable
// uploads that keep less than was sent, queries, pages, permissions, contents by range. A folder
// is created when it is first used as a parent. The package knows no calendar and no course.
// Stored rows are not changed in place. A kill may leave contents that no row names; the next
// start removes them. Start with [New].
//
// The reference of the API: https://developers.google.com/workspace/drive/api/reference/rest/v3
package drive

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

// Options configure a [Drive].
type Options struct {
	Dir string
	// what the outside sees before /drive/v3/: of links and upload sessions
	BaseURL string
	Scale   float64          // divides the time that Drive takes to process a video
	Now     func() time.Time // the clock
	Log     *slog.Logger
	Strict  bool // a call without fields gets the few fields that Google answers with, not all
	Script  Script
}

// Script makes the drive behave in rare ways that Google allows itself. All fields may be nil.
type Script struct {
	// how many bytes of a chunk are kept; Google keeps multiples of 256 KiB
	Keep       func(session string, sent int64) int64
	Incomplete func(q string) bool // whether a listing says incompleteSearch
	ManyDrives bool                // every listing over all drives says incompleteSearch
}

// MIME types of what has no bytes. All types of Google's own begin with googleTypes.
const (
	folderType   = "application/vnd.google-apps.folder"
	shortcutType = "application/vnd.google-apps.shortcut"
	googleTypes  = "application/vnd.google-apps."
)

// Drive is the stand-in. Close it.
type Drive struct {
	o       Options
	service *api.Service

	db          *state.DB
	files       *state.Table[file]
	sessions    *state.Table[session]
	uploads     *uploads
	contentsDir string
}

// New opens the state under Options.Dir, or creates it.
func New(o Options) (*Drive, error) {
	d := &Drive{
		o:           o,
		contentsDir: filepath.Join(o.Dir, "contents"),
		uploads:     newUploads(),
	}
	d.db = state.New(o.Dir)
	d.files = state.NewTable[file](d.db, "files")
	d.sessions = state.NewTable[session](d.db, "sessions")
	if err := os.MkdirAll(d.contentsDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of contents: %w", err)
	}
	if err := d.db.Open(); err != nil {
		return nil, fmt.Errorf("open the drive: %w", err)
	}
	if err := d.sweep(); err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	defaults := map[string]string{}
	if o.Strict {
		file := "kind,id,name,mimeType,resourceKey"
		defaults["files.get"] = file
		defaults["files.create"] = file
		defaults["files.update"] = file
		defaults["files.copy"] = file
		defaults["files.list"] = "kind,incompleteSearch,nextPageToken,files(" + file + ")"
		permission := "kind,id,type,role"
		defaults["permissions.get"] = permission
		defaults["permissions.create"] = permission
		defaults["permissions.update"] = permission
		defaults["permissions.list"] = "kind,nextPageToken,permissions(" + permission + ")"
	}
	var err error
	d.service, err = api.NewService("drive", map[string]api.Handler{
		"about.get":          d.about,
		"files.generateIds":  d.generateIDs,
		"files.create":       d.create,
		"files.get":          d.get,
		"files.list":         d.list,
		"files.update":       d.update,
		"files.delete":       d.remove,
		"files.copy":         d.copy,
		"files.emptyTrash":   d.emptyTrash,
		"permissions.create": d.share,
		"permissions.list":   d.listPermissions,
		"permissions.get":    d.getPermission,
		"permissions.update": d.updatePermission,
		"permissions.delete": d.unshare,
		"revisions.list":     d.listRevisions,
		"revisions.delete":   d.deleteRevision,
	}, defaults, o.Log)
	if err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	return d, nil
}

// Service returns the handler of /drive/v3/… and /upload/drive/v3/….
func (d *Drive) Service() *api.Service {
	return d.service
}

// Close closes the state.
func (d *Drive) Close() error {
	return d.db.Close()
}

// sweep removes expired sessions, and contents that no row names: a kill during an upload leaves
// them.
func (d *Drive) sweep() error {
	named := map[string]bool{}
	err := d.db.Update(func() error {
		for key, s := range d.sessions.All() {
			if d.o.Now().Sub(s.Begun) > sessionLives {
				d.sessions.Delete(key)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end old upload sessions: %w", err)
	}
	d.db.View(func() {
		for _, f := range d.files.All() {
			if f.Content != nil {
				named[f.Content.Blob] = true
			}
		}
		for _, s := range d.sessions.All() {
			named[s.Blob] = true
		}
	})
	entries, err := os.ReadDir(d.contentsDir)
	if err != nil {
		return fmt.Errorf("list the contents: %w", err)
	}
	for _, entry := range entries {
		if !named[entry.Name()] {
			if err := os.Remove(d.blobPath(entry.Name())); err != nil {
				return fmt.Errorf("remove a content without a file: %w", err)
			}
		}
	}
	return nil
}

// blobPath returns the path of a content.
func (d *Drive) blobPath(blob string) string {
	return filepath.Join(d.contentsDir, blob)
}

// dropBlobs removes contents that no row names any more. A running read of one continues.
func (d *Drive) dropBlobs(blobs ...string) {
	for _, blob := range blobs {
		used := blob == ""
		d.db.View(func() {
			for _, f := range d.files.All() {
				used = used || f.Content != nil && f.Content.Blob == blob
			}
		})
		if used {
			continue
		}
		if err := os.Remove(d.blobPath(blob)); err != nil && !errors.Is(err, os.ErrNotExist) {
			d.o.Log.Warn(
				"a content is left behind until the next start", "content", blob, "error", err,
			)
		}
	}
}

// about answers about.get.
func (d *Drive) about(c *api.Call) (*api.Answer, error) {
	if c.Query.Get("fields") == "" {
		return nil, &api.Error{
			Status:   http.StatusBadRequest,
			Reason:   "required",
			Message:  "The 'fields' parameter is required for this method.",
			Location: "fields",
		}
	}
	user := person(c.User)
	user["me"] = true
	return api.OK(api.Object{
		"kind": "drive#about",
		"user": user,
		"storageQuota": api.Object{
			"limit":             "5497558138880",
			"usage":             "0",
			"usageInDrive":      "0",
			"usageInDriveTrash": "0",
		},
		"canCreateDrives": true,
		"maxUploadSize":   "5497558138880",
	})
}

// rfc3339 formats an instant as Drive does: UTC, with milliseconds.
func rfc3339(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// sameAddress reports whether two e-mail addresses are equal. Case does not matter.
func sameAddress(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
