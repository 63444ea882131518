package drive

import (
	"net/http"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// maxCopyName bounds the name of a copy, in characters.
const maxCopyName = 300 // characters of a name

// create answers files.create: with metadata alone, or by an upload.
func (d *Drive) create(c *api.Call) (*api.Answer, error) {
	if c.Upload {
		return d.upload(c, "")
	}
	var made api.Object
	var empty *content
	if mime := api.Text(c.Body, "mimeType"); !strings.HasPrefix(mime, googleTypes) {
		var err error
		if empty, err = d.receive(strings.NewReader("")); err != nil {
			return nil, err
		}
	}
	err := d.db.Update(func() error {
		f, err := d.add(c.Body, c.User, empty, "")
		if err == nil {
			made = d.show(f, c.User)
		}
		return err
	})
	if err != nil {
		if empty != nil {
			d.dropBlobs(empty.Blob)
		}
		return nil, err
	}
	return api.OK(made)
}

// add stores a new file. It runs inside an update.
func (d *Drive) add(
	body api.Object, user string, bytes *content, uploadType string,
) (*file, error) {
	id, err := d.chosenID(body)
	if err != nil {
		return nil, err
	}
	now := rfc3339(d.o.Now())
	resource := api.Merge(
		api.Object{
			"createdTime":     now,
			"modifiedTime":    now,
			"starred":         false,
			"writersCanShare": true,
		},
		api.Only(body, settable()...),
	)
	resource["id"] = id
	if api.Text(resource, "name") == "" {
		resource["name"] = "Untitled"
	}
	resource["mimeType"] = typeOf(resource, uploadType)
	if err := d.place(resource, user); err != nil {
		return nil, err
	}
	if err := d.pointShortcut(resource, user); err != nil {
		return nil, err
	}
	f := &file{
		Resource: resource,
		Owner:    user,
		Content:  bytes,
		Version:  1,
	}
	d.watchVideo(f)
	d.files.Put(id, f)
	return f, nil
}

// typeOf returns the MIME type of a new file: of the metadata, else of the upload, else of the
// name.
func typeOf(resource api.Object, uploadType string) string {
	const unknown = "application/octet-stream"
	if mime := api.Text(resource, "mimeType"); mime != "" {
		return mime
	}
	mime, _, _ := strings.Cut(uploadType, ";")
	if mime = strings.TrimSpace(mime); mime != "" && mime != unknown {
		return mime
	}
	_, extension, _ := cutLast(api.Text(resource, "name"), ".")
	switch strings.ToLower(extension) {
	case "mp4", "m4v":
		return "video/mp4"
	case "json":
		return "application/json"
	case "txt":
		return "text/plain"
	case "pdf":
		return "application/pdf"
	}
	return unknown
}

// cutLast splits a text at the last separator. It reports whether there is one.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// place checks the folder of a new file. A folder that does not exist is created.
func (d *Drive) place(resource api.Object, user string) error {
	parents := api.List(resource, "parents")
	if len(parents) > 1 {
		return api.Refuse(
			http.StatusForbidden,
			"multipleParentsNotSupported",
			"A file can't have more than one parent.",
		)
	}
	if len(parents) == 0 {
		parents = []any{"root"}
	}
	id, _ := parents[0].(string)
	if id == "" {
		return api.Invalid("file.parents", "Invalid value for 'parents'.")
	}
	if id == "root" {
		id = rootOf(user)
	}
	resource["parents"] = []any{id}
	return d.openFolder(id, user)
}

// openFolder creates a folder at its first use as a parent.
func (d *Drive) openFolder(id, user string) error {
	if folder := d.files.Get(id); folder != nil {
		if !folder.isFolder() {
			return api.Refuse(
				http.StatusForbidden, "parentNotAFolder", "The specified parent is not a folder.",
			)
		}
		return nil
	}
	now := rfc3339(d.o.Now())
	folder := &file{Version: 1, Resource: api.Object{
		"id":           id,
		"name":         id,
		"mimeType":     folderType,
		"createdTime":  now,
		"modifiedTime": now,
	}}
	if id == rootOf(user) {
		folder.Resource["name"] = "My Drive"
		folder.Owner = user
	}
	d.files.Put(id, folder)
	return nil
}

// pointShortcut checks and completes the target of a shortcut.
func (d *Drive) pointShortcut(resource api.Object, user string) error {
	if api.Text(resource, "mimeType") != shortcutType {
		delete(resource, "shortcutDetails")
		return nil
	}
	target, err := d.find(
		api.Text(api.Child(resource, "shortcutDetails"), "targetId"), user, reader,
	)
	if err != nil {
		return err
	}
	resource["shortcutDetails"] = api.Object{
		"targetId":       target.id(),
		"targetMimeType": target.mimeType(),
	}
	return nil
}

// update answers files.update: it changes metadata, and bytes by an upload.
func (d *Drive) update(c *api.Call) (*api.Answer, error) {
	if c.Upload {
		return d.upload(c, c.Path["fileId"])
	}
	var made api.Object
	err := d.db.Update(func() error {
		f, err := d.change(c, c.Path["fileId"], c.Body, nil)
		if err == nil {
			made = d.show(f, c.User)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.OK(made)
}

// moves are the folders that a call adds to a file and removes from it.
type moves struct {
	Add    string `json:"add,omitempty"`
	Remove string `json:"remove,omitempty"`
}

// change patches a file, and replaces its bytes if bytes is not nil. It runs inside an update.
func (d *Drive) change(c *api.Call, id string, body api.Object, bytes *content) (*file, error) {
	return d.changeFile(
		id, c.User, body, bytes, moves{c.Query.Get("addParents"), c.Query.Get("removeParents")},
	)
}

// changeFile is change after the body and the moves were read.
func (d *Drive) changeFile(
	id, user string, body api.Object, bytes *content, to moves,
) (*file, error) {
	f, err := d.find(id, user, writer)
	if err != nil {
		return nil, err
	}
	if _, set := body["parents"]; set {
		return nil, api.Refuse(
			http.StatusForbidden,
			"fieldNotWritable",
			"The parents field is not directly writable in update requests. "+
				"Use the addParents and removeParents parameters instead.",
		)
	}
	if trashed, set := body["trashed"]; set && trashed != api.True(f.Resource, "trashed") &&
		d.role(f, user, false) < owner {
		return nil, api.Refuse(
			http.StatusForbidden,
			"insufficientFilePermissions",
			"The user does not have sufficient permissions for this file.",
		)
	}
	patch := api.Only(body, settable()...)
	delete(patch, "id")
	delete(patch, "shortcutDetails")
	resource := api.Merge(f.Resource, patch)
	if _, set := patch["modifiedTime"]; !set {
		resource["modifiedTime"] = rfc3339(d.o.Now())
	}
	if err := d.move(resource, f, user, to); err != nil {
		return nil, err
	}
	next := f.changed(resource)
	if bytes != nil {
		if f.Content == nil {
			return nil, api.Refuse(
				http.StatusForbidden,
				"fileNotDownloadable",
				"Only files with binary content can get new content.",
			)
		}
		next.Former = append(slices.Clone(f.Former), formerOf(f))
		next.Content = bytes
		d.watchVideo(next)
	}
	d.files.Put(id, next)
	return next, nil
}

// move changes the folder of a file. A file has exactly one.
func (d *Drive) move(resource api.Object, f *file, user string, to moves) error {
	parents := f.parents()
	for id := range strings.SplitSeq(to.Remove, ",") {
		parents = slices.DeleteFunc(
			parents, func(parent string) bool { return parent == strings.TrimSpace(id) },
		)
	}
	for id := range strings.SplitSeq(to.Add, ",") {
		id = strings.TrimSpace(id)
		if id == "root" {
			id = rootOf(user)
		}
		if id == "" || slices.Contains(parents, id) {
			continue
		}
		if err := d.openFolder(id, user); err != nil {
			return err
		}
		// A file has one folder: to be added to another is to be moved.
		parents = []string{id}
	}
	resource["parents"] = api.Anys(parents)
	return nil
}

// remove answers files.delete: the file and everything in a folder are gone for good.
func (d *Drive) remove(c *api.Call) (*api.Answer, error) {
	var blobs []string
	err := d.db.Update(func() error {
		f, err := d.find(c.Path["fileId"], c.User, owner)
		if err == nil {
			blobs = d.removeTree(f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d.dropBlobs(blobs...)
	return api.Done()
}

// removeTree deletes the rows of a file and of everything in it. It returns the contents that no
// row names any more.
func (d *Drive) removeTree(f *file) []string {
	gone := []*file{f}
	if f.isFolder() {
		for _, other := range d.files.All() {
			if d.ancestors(other, func(folder *file) bool { return folder.id() == f.id() }) {
				gone = append(gone, other)
			}
		}
	}
	var blobs []string
	for _, one := range gone {
		d.files.Delete(one.id())
		if one.Content != nil {
			blobs = append(blobs, one.Content.Blob)
		}
	}
	return blobs
}

// emptyTrash answers files.emptyTrash.
func (d *Drive) emptyTrash(c *api.Call) (*api.Answer, error) {
	var blobs []string
	err := d.db.Update(func() error {
		var trash []*file
		for _, f := range d.files.All() {
			if api.True(f.Resource, "trashed") && d.role(f, c.User, true) == owner {
				trash = append(trash, f)
			}
		}
		for _, f := range trash {
			blobs = append(blobs, d.removeTree(f)...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.dropBlobs(blobs...)
	return api.Done()
}

// copy answers files.copy. Copies share their bytes, which never change.
func (d *Drive) copy(c *api.Call) (*api.Answer, error) {
	var made api.Object
	err := d.db.Update(func() error {
		f, err := d.find(c.Path["fileId"], c.User, reader)
		if err != nil {
			return err
		}
		if f.isFolder() {
			return api.Refuse(
				http.StatusForbidden, "cannotCopyFile", "This file cannot be copied by the user.",
			)
		}
		name := []rune("Copy of " + f.name())
		base := api.Merge(f.Resource, api.Object{
			"name":         string(name[:min(len(name), maxCopyName)]),
			"id":           nil,
			"createdTime":  nil,
			"modifiedTime": nil,
			"trashed":      nil,
		})
		copied, err := d.add(
			api.Merge(base, api.Only(c.Body, settable()...)), c.User, f.Content, "",
		)
		if err == nil {
			made = d.show(copied, c.User)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.OK(made)
}
