package drive

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	// Bounds of pageSize: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
	pageSize    = 100 // the default
	maxPageSize = 1000
)

// list answers files.list.
func (d *Drive) list(c *api.Call) (*api.Answer, error) {
	wanted, err := parseQuery(c.Query.Get("q"))
	if err != nil {
		return nil, err
	}
	order, err := parseOrder(c.Query.Get("orderBy"))
	if err != nil {
		return nil, err
	}
	if err := checkCorpora(c); err != nil {
		return nil, err
	}
	size := c.Int("pageSize", pageSize)
	if size < 1 || size > maxPageSize {
		return nil, api.Invalid(
			"pageSize",
			"Invalid value '%d'. Values must be within the range: [1, %d]",
			size,
			maxPageSize,
		)
	}
	body := api.Object{
		"kind":             "drive#fileList",
		"incompleteSearch": d.isIncomplete(c),
	}
	d.db.View(func() {
		found := d.search(c, wanted)
		slices.SortFunc(found, order)
		from, to, next, pageErr := api.Page(c, len(found), size)
		if err = pageErr; err != nil {
			return
		}
		shown := make([]any, 0, to-from)
		for _, f := range found[from:to] {
			shown = append(shown, d.show(f, c.User))
		}
		body["files"] = shown
		if next != "" {
			body["nextPageToken"] = next
		}
	})
	if err != nil {
		return nil, err
	}
	return api.OK(body)
}

// isIncomplete reports whether the script cuts a listing short.
func (d *Drive) isIncomplete(c *api.Call) bool {
	script := d.o.Script
	if script.ManyDrives && c.Query.Get("corpora") == "allDrives" {
		return true
	}
	return script.Incomplete != nil && script.Incomplete(c.Query.Get("q"))
}

// checkCorpora refuses combinations of corpora, driveId and the like that Drive refuses.
func checkCorpora(c *api.Call) error {
	corpora, drive := c.Query.Get("corpora"), c.Query.Get("driveId")
	switch {
	case !slices.Contains([]string{"", "user", "domain", "drive", "allDrives"}, corpora):
		return api.Invalid("corpora", "Invalid value %q", corpora)
	case drive != "" && corpora != "drive", corpora == "drive" && drive == "":
		return api.Invalid("driveId", "driveId and corpora=drive must be given together.")
	case (corpora == "drive" || corpora == "allDrives") &&
		!(c.Flag("includeItemsFromAllDrives") && c.Flag("supportsAllDrives")):
		return api.Invalid(
			"corpora",
			"With corpora=%s, includeItemsFromAllDrives and supportsAllDrives must be true.",
			corpora,
		)
	}
	for space := range strings.SplitSeq(c.Query.Get("spaces"), ",") {
		if !slices.Contains([]string{"", "drive", "appDataFolder"}, space) {
			return api.Invalid("spaces", "Invalid value %q", space)
		}
	}
	return nil
}

// search returns the files that a query finds and the caller may see.
func (d *Drive) search(c *api.Call, wanted condition) []*file {
	drive := c.Query.Get("driveId")
	user := c.Query.Get("corpora") == "user"
	var found []*file
	for _, f := range d.files.All() {
		if drive != "" && d.sharedDrive(f) != drive &&
			!d.ancestors(f, func(folder *file) bool { return folder.id() == drive }) {
			continue
		}
		if user && d.sharedDrive(f) != "" {
			continue
		}
		if wanted(d, f, c.User) && d.role(f, c.User, true) > nothing {
			found = append(found, f)
		}
	}
	return found
}

// ordering compares two files, as [slices.SortFunc] needs it.
type ordering func(a, b *file) int

// parseOrder reads orderBy: keys separated by commas, each optionally followed by desc.
func parseOrder(text string) (ordering, error) {
	if text == "" {
		text = "modifiedTime desc"
	}
	var keys []ordering
	for item := range strings.SplitSeq(text, ",") {
		name, way, _ := strings.Cut(strings.TrimSpace(item), " ")
		key := orderKey(name)
		if key == nil || way != "" && way != "desc" {
			return nil, api.Invalid("orderBy", "Invalid value %q", item)
		}
		if way == "desc" {
			forward := key
			key = func(a, b *file) int { return forward(b, a) }
		}
		keys = append(keys, key)
	}
	return func(a, b *file) int {
		for _, key := range keys {
			if n := key(a, b); n != 0 {
				return n
			}
		}
		return strings.Compare(a.id(), b.id())
	}, nil
}

// orderKey returns the ordering of a key, or nil for an unknown key.
func orderKey(name string) ordering {
	switch name {
	case "name", "name_natural":
		return func(a, b *file) int {
			return strings.Compare(strings.ToLower(a.name()), strings.ToLower(b.name()))
		}
	case "createdTime", "modifiedTime", "viewedByMeTime":
		return func(a, b *file) int {
			return strings.Compare(api.Text(a.Resource, name), api.Text(b.Resource, name))
		}
	case "recency", "modifiedByMeTime", "sharedWithMeTime":
		return orderKey("modifiedTime")
	case "folder":
		return func(a, b *file) int {
			return truth(b.isFolder()) - truth(a.isFolder())
		}
	case "starred":
		return func(a, b *file) int {
			return truth(api.True(b.Resource, name)) - truth(api.True(a.Resource, name))
		}
	case "quotaBytesUsed":
		return func(a, b *file) int {
			return cmp.Compare(a.bytes(), b.bytes())
		}
	}
	return nil
}

// truth returns 1 for true and 0 for false, to compare booleans.
func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bytes returns the size of the file's content in bytes.
func (f *file) bytes() int64 {
	if f.Content == nil {
		return 0
	}
	return f.Content.Size
}
