package drive

import (
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// Entry is a file or a folder as a page shows it.
type Entry struct {
	ID, Name, Type string
	Folder         bool
	Video          bool
	Trashed        bool
	Size           int64 // bytes
	Files          int   // in a folder
	ChangedAt      time.Time
	SharedWith     []string
	Record         string // the record that the merger notes in appProperties
}

// Folders returns the folders that contain files.
func (d *Drive) Folders() []Entry {
	var entries []Entry
	d.db.View(func() {
		count := map[string]int{}
		for _, f := range d.files.All() {
			for _, parent := range f.parents() {
				count[parent]++
			}
		}
		for id, f := range d.files.All() {
			if f.isFolder() && count[id] > 0 {
				e := d.entry(f)
				e.Files = count[id]
				entries = append(entries, e)
			}
		}
	})
	sortEntries(entries)
	return entries
}

// Folder returns a folder and its files. It reports whether the folder exists.
func (d *Drive) Folder(id string) (folder Entry, inside []Entry, ok bool) {
	d.db.View(func() {
		f := d.files.Get(id)
		if f == nil || !f.isFolder() {
			return
		}
		folder, ok = d.entry(f), true
		for _, other := range d.files.All() {
			if slices.Contains(other.parents(), id) {
				inside = append(inside, d.entry(other))
			}
		}
	})
	sortEntries(inside)
	return folder, inside, ok
}

// entry returns a file as a page shows it.
func (d *Drive) entry(f *file) Entry {
	changed, _ := time.Parse(time.RFC3339, api.Text(f.Resource, "modifiedTime"))
	e := Entry{
		ID:        f.id(),
		Name:      f.name(),
		Type:      f.mimeType(),
		Folder:    f.isFolder(),
		Trashed:   d.trashed(f),
		Size:      f.bytes(),
		ChangedAt: changed,
		Video:     f.Content != nil && strings.HasPrefix(f.mimeType(), "video/"),
		Record:    api.Text(api.Child(f.Resource, "appProperties"), "nvrRecord"),
	}
	for _, p := range f.Permissions {
		e.SharedWith = append(e.SharedWith, api.Text(p, "emailAddress")+" "+api.Text(p, "role"))
	}
	return e
}

// sortEntries sorts folders first, then by name.
func sortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Folder != b.Folder {
			return truth(b.Folder) - truth(a.Folder)
		}
		if n := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
}
