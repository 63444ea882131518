package drive

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// maxDepth bounds folders inside folders, as Drive does.
const maxDepth = 100 // of folders in folders, as Drive has it

// file is the row of a file, a folder or a shortcut.
type file struct {
	Resource    api.Object   `json:"resource"`              // what callers set, and the times
	Owner       string       `json:"owner,omitempty"`       // an address; "": belongs to every user
	Permissions []api.Object `json:"permissions,omitempty"` // beyond the owner's
	Content     *content     `json:"content,omitempty"`     // none: a folder or a shortcut
	Former      []former     `json:"former,omitempty"`      // contents before this one, oldest first
	Version     int64        `json:"version"`
}

// content is the bytes of a file.
type content struct {
	Blob     string     `json:"blob"`
	Size     int64      `json:"size"`
	MD5      string     `json:"md5"`
	SHA256   string     `json:"sha256"`
	Revision string     `json:"revision"`
	Video    api.Object `json:"video,omitempty"`  // shown from ReadyAt on
	ReadyAt  time.Time  `json:"readyAt,omitzero"` // when Drive has processed a video
}

// settable returns the fields of a file that a caller sets and reads back.
func settable() []string {
	return []string{
		"appProperties", "copyRequiresWriterPermission", "createdTime", "description", "folderColorRgb", "id", "mimeType",
		"modifiedTime", "name", "originalFilename", "parents", "properties", "shortcutDetails", "starred", "trashed",
		"viewedByMeTime", "writersCanShare",
	}
}

// id returns the file's id.
func (f *file) id() string {
	return api.Text(f.Resource, "id")
}

// name returns the file's name.
func (f *file) name() string {
	return api.Text(f.Resource, "name")
}

// mimeType returns the file's MIME type.
func (f *file) mimeType() string {
	return api.Text(f.Resource, "mimeType")
}

// isFolder reports whether the row is a folder.
func (f *file) isFolder() bool {
	return f.mimeType() == folderType
}

// parents returns the ids of the file's folders.
func (f *file) parents() []string {
	var parents []string
	for _, parent := range api.List(f.Resource, "parents") {
		if id, ok := parent.(string); ok {
			parents = append(parents, id)
		}
	}
	return parents
}

// changed returns a copy of a file with another resource, to replace the row.
func (f *file) changed(resource api.Object) *file {
	next := *f
	next.Resource = resource
	next.Version = f.Version + 1
	return &next
}

// ancestors calls found for the folders that a file lies in, from the inside out, until it
// returns true. It reports whether found returned true.
func (d *Drive) ancestors(f *file, found func(*file) bool) bool {
	for range maxDepth { // folders may have been moved into each other
		parents := f.parents()
		if len(parents) == 0 {
			return false
		}
		if f = d.files.Get(parents[0]); f == nil {
			return false
		}
		if found(f) {
			return true
		}
	}
	return false
}

// sharedDrive returns the id of the shared drive in which a file lies, or "". Ids of shared drives begin with 0A,
// as at Google. The root folder of a shared drive has its id.
func (d *Drive) sharedDrive(f *file) string {
	isDrive := func(f *file) bool { return f.isFolder() && strings.HasPrefix(f.id(), "0A") }
	if isDrive(f) {
		return f.id()
	}
	drive := ""
	d.ancestors(f, func(folder *file) bool {
		if isDrive(folder) {
			drive = folder.id()
		}
		return drive != ""
	})
	return drive
}

// trashed reports whether a file or a folder above it is in the trash.
func (d *Drive) trashed(f *file) bool {
	return api.True(f.Resource, "trashed") ||
		d.ancestors(f, func(folder *file) bool { return api.True(folder.Resource, "trashed") })
}

// role is what a caller may do with a file. Higher roles include the lower ones.
type role int

// The roles, from the lowest. A caller with nothing does not even see the file.
const (
	nothing role = iota
	reader
	commenter
	writer
	owner
)

// roleOf returns the role of a permission.
func roleOf(name string) role {
	return role(slices.Index(
		[]string{"", "reader", "commenter", "writer", "owner"},
		strings.ReplaceAll(name, "fileOrganizer", "writer"),
	))
}

// role returns the role of a caller, by the permissions of the file and of the folders above it.
// listed leaves out files that are open to anyone with the link.
func (d *Drive) role(f *file, user string, listed bool) role {
	best := f.given(user, listed)
	if best == owner {
		return owner
	}
	d.ancestors(f, func(folder *file) bool {
		// A folder that was created by its first use belongs to every user; its files do not.
		if folder.Owner != "" {
			best = max(best, folder.given(user, listed))
		}
		return false
	})
	return best
}

// given returns the role that the file's own permissions give a caller.
func (f *file) given(user string, listed bool) role {
	if user == "" || f.Owner == "" || sameAddress(f.Owner, user) {
		return owner
	}
	best := nothing
	for _, p := range f.Permissions {
		_, domain, _ := strings.Cut(user, "@")
		applies := false
		switch api.Text(p, "type") {
		case "user", "group":
			applies = sameAddress(api.Text(p, "emailAddress"), user)
		case "domain":
			applies = strings.EqualFold(api.Text(p, "domain"), domain) &&
				(!listed || api.True(p, "allowFileDiscovery"))
		case "anyone":
			applies = !listed || api.True(p, "allowFileDiscovery")
		}
		if applies {
			best = max(best, roleOf(api.Text(p, "role")))
		}
	}
	return best
}

// find returns a file on which the caller has at least a role. It runs inside a view or an
// update.
func (d *Drive) find(id, user string, atLeast role) (*file, error) {
	if id == "root" {
		id = rootOf(user)
	}
	f := d.files.Get(id)
	if f == nil || d.role(f, user, false) == nothing {
		e := api.Refuse(http.StatusNotFound, "notFound", "File not found: %s.", id)
		e.Location = "fileId"
		return nil, e
	}
	if d.role(f, user, false) < atLeast {
		return nil, api.Refuse(
			http.StatusForbidden,
			"insufficientFilePermissions",
			"The user does not have sufficient permissions for file %s.",
			id,
		)
	}
	return f, nil
}

// Visible reports whether a user may see a file. Classroom asks it before a file becomes a
// material.
func (d *Drive) Visible(id, user string) bool {
	var err error
	d.db.View(func() { _, err = d.find(id, user, reader) })
	return err == nil
}

// CanShare reports whether a user may share a file, which a writer may.
func (d *Drive) CanShare(id, user string) bool {
	var err error
	d.db.View(func() { _, err = d.find(id, user, writer) })
	return err == nil
}

// Link returns what a link to a file shows. It reports whether the file exists.
func (d *Drive) Link(id string) (name, mimeType, link string, ok bool) {
	d.db.View(func() {
		if f := d.files.Get(id); f != nil {
			name, mimeType, link, ok = f.name(), f.mimeType(), d.viewLink(f), true
		}
	})
	return name, mimeType, link, ok
}

// viewLink returns the address of a file's page.
func (d *Drive) viewLink(f *file) string {
	if f.isFolder() {
		return d.o.BaseURL + "/drive/folders/" + f.id()
	}
	return d.o.BaseURL + "/file/d/" + f.id() + "/view"
}

// show returns a file with all fields, as a caller sees it. It runs inside a view or an update.
func (d *Drive) show(f *file, user string) api.Object {
	may := d.role(f, user, false)
	o := api.Merge(f.Resource, api.Object{
		"kind":              "drive#file",
		"spaces":            []any{"drive"},
		"version":           strconv.FormatInt(f.Version, 10),
		"trashed":           d.trashed(f),
		"explicitlyTrashed": api.True(f.Resource, "trashed"),
		"webViewLink":       d.viewLink(f),
		"isAppAuthorized":   true,
		"viewedByMe":        false,
		"hasThumbnail":      false,
		"ownedByMe":         f.Owner == "" || sameAddress(f.Owner, user),
		"shared":            len(f.Permissions) > 0,
		"capabilities": api.Object{
			"canDownload":      may >= reader,
			"canCopy":          may >= reader,
			"canEdit":          may >= writer,
			"canRename":        may >= writer,
			"canShare":         may >= writer,
			"canTrash":         may >= owner,
			"canDelete":        may >= owner,
			"canAddChildren":   f.isFolder() && may >= writer,
			"canListChildren":  f.isFolder(),
			"canModifyContent": may >= writer,
			"canComment":       may >= commenter,
		},
	})
	if drive := d.sharedDrive(f); drive != "" {
		o["driveId"] = drive
	}
	if f.Owner != "" {
		o["owners"] = []any{person(f.Owner)}
	}
	if may >= writer {
		permissions := []any{}
		ids := []any{}
		for _, p := range f.allPermissions() {
			permissions, ids = append(permissions, p), append(ids, p["id"])
		}
		o["permissions"] = permissions
		o["permissionIds"] = ids
	}
	if f.Content != nil {
		d.showContent(o, f)
	}
	return o
}

// showContent adds the fields of a file's content.
func (d *Drive) showContent(o api.Object, f *file) {
	extension := strings.TrimPrefix(path.Ext(f.name()), ".")
	size := strconv.FormatInt(f.Content.Size, 10)
	o["size"] = size
	o["quotaBytesUsed"] = size
	o["md5Checksum"] = f.Content.MD5
	o["sha256Checksum"] = f.Content.SHA256
	o["headRevisionId"] = f.Content.Revision
	o["fileExtension"] = extension
	o["fullFileExtension"] = extension
	o["webContentLink"] = d.o.BaseURL + "/file/d/" + f.id() + "/view?download=1"
	if _, named := o["originalFilename"]; !named {
		o["originalFilename"] = f.name()
	}
	if f.Content.Video != nil && !d.o.Now().Before(f.Content.ReadyAt) {
		o["videoMediaMetadata"] = f.Content.Video
	}
}

// person returns a user as Drive shows one.
func person(address string) api.Object {
	if address == "" {
		address = "everybody@localhost"
	}
	name, _, _ := strings.Cut(address, "@")
	return api.Object{
		"kind":         "drive#user",
		"displayName":  name,
		"emailAddress": address,
		"me":           false,
		"permissionId": permissionOf(address),
	}
}

// permissionOf returns the id of a user's permission. It is the same on every file.
func permissionOf(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:])|1<<63, 10)
}
