package storage

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	raw "google.golang.org/api/storage/v1"
)

// bucket is one bucket. Its objects lie in an objectStore. A bucket that is mapped to a folder
// has the objects of that folder as well.
type bucket struct {
	name    string
	created time.Time
	objects *objectStore
	folder  *mountedFolder // nil: none
	uploads *uploads
}

// backend stores objects. [objectStore] and [mountedFolder] implement it.
type backend interface {
	temp() (file *os.File, data string, err error) // the file of a future object
	dataPath(data string) string
	find(name string) (*object, error) // nil: none
	open(name string, want conditions, bucket string) (*object, content, error)
	commit(o object, want conditions) (*object, error) // o.Data under o.Name, in one step
	change(name string, want conditions, bucket string, edit func(*object) error) (*object, error)
	remove(name string, want conditions, bucket string) error
	// in order; yield returns false at its end
	walk(prefix, from string, yield func(*object) bool) error
}

// content is the bytes of one generation of an object.
type content interface {
	io.ReadSeeker
	io.Closer
}

// openBucket opens the state of a bucket under dir. mapped is the folder of its files; empty for
// none.
func openBucket(name, dir, mapped string, opts Options) (*bucket, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	b := &bucket{name: name, created: opts.Now()}
	if err := b.describe(dir); err != nil {
		return nil, err
	}
	var err error
	if b.uploads, err = openUploads(filepath.Join(dir, "uploads"), opts.Now()); err != nil {
		return nil, err
	}
	keep := b.uploads.data()
	if b.objects, err = openObjectStore(dir, keep, opts.Now, opts.Log); err != nil {
		return nil, err
	}
	if mapped != "" {
		if b.folder, err = openMountedFolder(
			mapped, filepath.Join(dir, "about"), keep,
		); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// describe reads when the bucket was created, and records it for a new bucket.
func (b *bucket) describe(dir string) error {
	const file = "bucket.json"
	var kept struct{ Created time.Time }
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err == nil && json.Unmarshal(text, &kept) == nil {
		b.created = kept.Created
		return nil
	}
	kept.Created = b.created
	return writeFile(dir, file, kept)
}

// close releases the mapped folder.
func (b *bucket) close() error {
	if b.folder == nil {
		return nil
	}
	return b.folder.close()
}

// backend returns the store that a name belongs to. Names that no file can have are refused.
func (b *bucket) backend(name string) (backend, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if b.folder == nil {
		return b.objects, nil
	}
	if err := checkPath(name); err != nil {
		return nil, err
	}
	if hidden(name) {
		return b.objects, nil
	}
	return b.folder, nil
}

// walk yields the objects of both stores in the order of their names.
func (b *bucket) walk(prefix, from string, yield func(*object) bool) error {
	if b.folder == nil {
		return b.objects.walk(prefix, from, yield)
	}
	var shelved []*object // few: uploads that have not become segments
	err := b.objects.walk(prefix, from, func(o *object) bool {
		shelved = append(shelved, o)
		return true
	})
	more := true
	upTo := func(name string) bool {
		for more && len(shelved) > 0 && (name == "" || shelved[0].Name < name) {
			more = yield(shelved[0])
			shelved = shelved[1:]
		}
		return more
	}
	if err == nil {
		err = b.folder.walk(prefix, from, func(o *object) bool {
			more = upTo(o.Name) && yield(o)
			return more
		})
	}
	upTo("")
	return err
}

// resource returns the bucket as the API shows it.
func (b *bucket) resource() *raw.Bucket {
	created := b.created.UTC().Format(time.RFC3339Nano)
	return &raw.Bucket{
		Kind:           "storage#bucket",
		Id:             b.name,
		Name:           b.name,
		Location:       "LOCAL",
		LocationType:   "region",
		StorageClass:   "STANDARD",
		TimeCreated:    created,
		Updated:        created,
		Metageneration: 1,
		ProjectNumber:  1,
		Etag:           "CAE=",
		IamConfiguration: &raw.BucketIamConfiguration{
			UniformBucketLevelAccess: &raw.BucketIamConfigurationUniformBucketLevelAccess{Enabled: true},
			PublicAccessPrevention:   "enforced",
		},
	}
}

// named returns the object name in a parameter of the path, and the store it belongs to.
func (b *bucket) named(c *call, parameter string) (string, backend, error) {
	name := c.path[parameter]
	k, err := b.backend(name)
	return name, k, err
}

// remove answers objects.delete.
func (b *bucket) remove(c *call) error {
	name, k, err := b.named(c, "object")
	if err == nil {
		err = k.remove(name, c.conditions("if", "generation"), b.name)
	}
	if err == nil {
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// patch answers objects.patch and objects.update.
func (b *bucket) patch(c *call) error {
	name, k, err := b.named(c, "object")
	if err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, bodyBytes))
	if err != nil {
		return invalid("read the body: %v", err)
	}
	var sent raw.Object
	if err := c.decodeBytes(body, &sent); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(body, &fields) // it was decoded above
	o, err := k.change(name, c.conditions("if", "generation"), b.name, func(o *object) error {
		return o.edit(&sent, fields, c.method.ID == "objects.update")
	})
	if err != nil {
		return err
	}
	return c.answer(o.resource(b.name, c.self()))
}

// edit applies a patch. Fields of the body, also null and empty ones, replace; metadata is merged
// key by key. An update (whole) replaces everything. The custom time, once set, can only be moved
// forward (https://cloud.google.com/storage/docs/metadata#custom-time).
func (o *object) edit(sent *raw.Object, fields map[string]json.RawMessage, whole bool) error {
	fresh := draft(o.Name, sent)
	if _, sent := fields["customTime"]; (sent || whole) && fresh.customTime().Before(o.customTime()) {
		return invalid("Custom time cannot be removed or set to an earlier time.")
	}
	for field, target := range map[string][2]*string{
		"contentType":     {&o.Attributes.ContentType, &fresh.Attributes.ContentType},
		"contentEncoding": {&o.Attributes.ContentEncoding, &fresh.Attributes.ContentEncoding},
		"contentDisposition": {
			&o.Attributes.ContentDisposition, &fresh.Attributes.ContentDisposition,
		},
		"contentLanguage": {&o.Attributes.ContentLanguage, &fresh.Attributes.ContentLanguage},
		"cacheControl":    {&o.Attributes.CacheControl, &fresh.Attributes.CacheControl},
		"customTime":      {&o.Attributes.CustomTime, &fresh.Attributes.CustomTime},
	} {
		if _, sent := fields[field]; sent || whole {
			*target[0] = *target[1]
		}
	}
	patched, isSent := fields["metadata"]
	var keys map[string]*string // nil: remove
	if !isSent || json.Unmarshal(patched, &keys) != nil || keys == nil || whole {
		if isSent || whole {
			o.Metadata = fresh.Metadata
		}
		return nil
	}
	merged := map[string]string{}
	for key, value := range o.Metadata {
		merged[key] = value
	}
	for key, value := range keys {
		delete(merged, key)
		if value != nil {
			merged[key] = *value
		}
	}
	o.Metadata = merged
	return nil
}

// self returns the address that the caller reached the API by, without the API's own paths. Links
// in answers keep the prefix that the handler is mounted under.
func (c *call) self() string {
	path, _, _ := strings.Cut(c.RequestURI, "?")
	if u, err := url.Parse(path); err == nil { // a proxy's request names the host as well
		path = u.EscapedPath()
	}
	for _, own := range []string{
		"/resumable/upload/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/", "/storage/v1/",
	} {
		if at := strings.Index(path, own); at >= 0 {
			path = path[:at]
			break
		}
	}
	return fmt.Sprintf("http://%s%s", c.Host, path)
}
