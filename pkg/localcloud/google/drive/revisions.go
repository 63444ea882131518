package drive

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// former is a content that a file had before its present one. Its bytes are not kept.
type former struct {
	ID       string `json:"id"`
	Size     int64  `json:"size"`
	MD5      string `json:"md5"`
	Modified string `json:"modified"`
}

// formerOf returns the present content of a file as a former one.
func formerOf(f *file) former {
	return former{
		ID:       f.Content.Revision,
		Size:     f.Content.Size,
		MD5:      f.Content.MD5,
		Modified: api.Text(f.Resource, "modifiedTime"),
	}
}

// show returns the resource of a revision.
func (r *former) show(f *file) api.Object {
	return api.Object{
		"kind":         "drive#revision",
		"id":           r.ID,
		"mimeType":     f.mimeType(),
		"modifiedTime": r.Modified,
		"keepForever":  false,
		"size":         strconv.FormatInt(r.Size, 10),
		"md5Checksum":  r.MD5,
	}
}

// listRevisions answers revisions.list, oldest first.
func (d *Drive) listRevisions(c *api.Call) (*api.Answer, error) {
	var shown []any
	var err error
	d.db.View(func() {
		var f *file
		if f, err = d.find(c.Path["fileId"], c.User, writer); err != nil || f.Content == nil {
			return
		}
		for _, r := range append(slices.Clone(f.Former), formerOf(f)) {
			shown = append(shown, r.show(f))
		}
	})
	if err != nil {
		return nil, err
	}
	return api.OK(api.Object{"kind": "drive#revisionList", "revisions": shown})
}

// deleteRevision answers revisions.delete. The present content cannot be deleted.
func (d *Drive) deleteRevision(c *api.Call) (*api.Answer, error) {
	id := c.Path["revisionId"]
	err := d.db.Update(func() error {
		f, err := d.find(c.Path["fileId"], c.User, writer)
		if err != nil {
			return err
		}
		if f.Content != nil && f.Content.Revision == id {
			return api.Refuse(
				http.StatusBadRequest,
				"cannotDeleteRevision",
				"The last remaining or the head revision cannot be deleted.",
			)
		}
		at := slices.IndexFunc(f.Former, func(r former) bool { return r.ID == id })
		if at < 0 {
			return api.Refuse(http.StatusNotFound, "notFound", "Revision not found: %s.", id)
		}
		next := *f
		next.Former = slices.Delete(slices.Clone(f.Former), at, at+1)
		d.files.Put(f.id(), &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.Done()
}
