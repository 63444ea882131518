package storage

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	raw "google.golang.org/api/storage/v1"
)

// object describes one generation of an object. It is not changed; a change replaces it.
type object struct {
	Name           string  `json:"name"`
	Generation     int64   `json:"generation"`
	Metageneration int64   `json:"metageneration"`
	Size           int64   `json:"size"`
	CRC32C         *uint32 `json:"crc32c,omitempty"` // nil: not computed
	// nil: not known, as of a composed object
	MD5        []byte            `json:"md5,omitempty"`
	Components int64             `json:"components,omitempty"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	Attributes attributes        `json:"attributes"`
	Metadata   map[string]string `json:"metadata,omitempty"`

	Data   string `json:"data,omitempty"`   // the file with the bytes
	Upload string `json:"upload,omitempty"` // the resumable upload that made it
}

// attributes are the fields that a caller may set, apart from metadata.
type attributes struct {
	ContentType        string `json:"contentType,omitempty"`
	ContentEncoding    string `json:"contentEncoding,omitempty"`
	ContentDisposition string `json:"contentDisposition,omitempty"`
	ContentLanguage    string `json:"contentLanguage,omitempty"`
	CacheControl       string `json:"cacheControl,omitempty"`
	CustomTime         string `json:"customTime,omitempty"`
	StorageClass       string `json:"storageClass,omitempty"`
}

// draft returns an object with the fields that a caller sent. Generation, size and checksums are
// missing.
func draft(name string, sent *raw.Object) object {
	return object{
		Name:     name,
		Metadata: maps.Clone(sent.Metadata),
		Attributes: attributes{
			ContentType:        sent.ContentType,
			ContentEncoding:    sent.ContentEncoding,
			ContentDisposition: sent.ContentDisposition,
			ContentLanguage:    sent.ContentLanguage,
			CacheControl:       sent.CacheControl,
			CustomTime:         sent.CustomTime,
			StorageClass:       sent.StorageClass,
		},
	}
}

// resource returns the object as the API shows it. self is the API's address as the caller sees
// it.
func (o *object) resource(bucket, self string) *raw.Object {
	class := o.Attributes.StorageClass
	if class == "" {
		class = "STANDARD"
	}
	generation := strconv.FormatInt(o.Generation, 10)
	path := "/storage/v1/b/" + url.PathEscape(bucket) + "/o/" + url.PathEscape(o.Name)
	r := &raw.Object{
		Kind:                    "storage#object",
		Id:                      bucket + "/" + o.Name + "/" + generation,
		SelfLink:                self + path,
		MediaLink:               self + "/download" + path + "?generation=" + generation + "&alt=media",
		Name:                    o.Name,
		Bucket:                  bucket,
		Generation:              o.Generation,
		Metageneration:          o.Metageneration,
		ContentType:             o.Attributes.ContentType,
		ContentEncoding:         o.Attributes.ContentEncoding,
		ContentDisposition:      o.Attributes.ContentDisposition,
		ContentLanguage:         o.Attributes.ContentLanguage,
		CacheControl:            o.Attributes.CacheControl,
		CustomTime:              o.Attributes.CustomTime,
		StorageClass:            class,
		Size:                    uint64(o.Size),
		Metadata:                o.Metadata,
		Etag:                    o.etag(),
		ComponentCount:          o.Components,
		TimeCreated:             o.Created.UTC().Format(time.RFC3339Nano),
		Updated:                 o.Updated.UTC().Format(time.RFC3339Nano),
		TimeStorageClassUpdated: o.Created.UTC().Format(time.RFC3339Nano),
		Crc32c:                  o.crcText(),
	}
	if o.MD5 != nil {
		r.Md5Hash = base64.StdEncoding.EncodeToString(o.MD5)
	}
	if o.Size == 0 {
		r.ForceSendFields = []string{"Size"}
	}
	return r
}

// etag returns an entity tag that changes with generation and metageneration.
func (o *object) etag() string {
	sum := binary.AppendVarint(binary.AppendVarint(nil, o.Generation), o.Metageneration)
	return base64.StdEncoding.EncodeToString(sum)
}

// crcText returns the object's CRC32C as the API writes it, or "" if it is not known.
func (o *object) crcText() string {
	if o.CRC32C == nil {
		return ""
	}
	return crcText(*o.CRC32C)
}

// crcText returns a CRC32C as the API writes it: big-endian, in base64.
func crcText(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// castagnoli returns the table of CRC32C, which package crc32 computes once.
func castagnoli() *crc32.Table {
	return crc32.MakeTable(crc32.Castagnoli)
} // made once, by crc32

// checkName refuses object names that Cloud Storage refuses.
func checkName(name string) error {
	switch {
	case name == "":
		return &failure{400, "required", "Required: an object's name"}
	case len(name) > 1024, !utf8.ValidString(name), strings.ContainsAny(name, "\r\n"), name == ".", name == "..":
		return invalid("Invalid object name: %q", name)
	}
	return nil
}

// checkBucketName refuses bucket names that Cloud Storage refuses, as far as they matter for a
// folder's name.
func checkBucketName(name string) error {
	if len(name) < 3 || len(name) > 222 ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" ||
		strings.Trim(name, "-_.") != name {
		return invalid("Invalid bucket name: %q", name)
	}
	return nil
}

// bucketFolder returns the name of a bucket's folder.
func bucketFolder(name string) string {
	return url.PathEscape(name)
}

// conditions are the preconditions of a call. Nil fields are not checked.
type conditions struct {
	Generation   *int64 `json:"generation,omitempty"` // not a condition: selects a generation
	Match        *int64 `json:"match,omitempty"`
	NotMatch     *int64 `json:"notMatch,omitempty"`
	MetaMatch    *int64 `json:"metaMatch,omitempty"`
	MetaNotMatch *int64 `json:"metaNotMatch,omitempty"`
}

// conditions reads the preconditions of a call. prefix is "if" or "ifSource"; generation is the
// parameter that selects a generation.
func (c *call) conditions(prefix, generation string) conditions {
	number := func(name string) *int64 {
		n, err := strconv.ParseInt(c.query.Get(name), 10, 64)
		if err != nil {
			return nil // not there: what is there was checked
		}
		return &n
	}
	return conditions{
		Generation:   number(generation),
		Match:        number(prefix + "GenerationMatch"),
		NotMatch:     number(prefix + "GenerationNotMatch"),
		MetaMatch:    number(prefix + "MetagenerationMatch"),
		MetaNotMatch: number(prefix + "MetagenerationNotMatch"),
	}
}

// check returns an error with status 412 unless the conditions hold for an object. Nil means that
// there is no object.
func (c conditions) check(o *object) error {
	var generation, meta int64
	if o != nil {
		generation, meta = o.Generation, o.Metageneration
	}
	switch {
	case c.Match != nil && *c.Match != generation,
		c.NotMatch != nil && (*c.NotMatch == generation || o == nil),
		c.MetaMatch != nil && (*c.MetaMatch != meta || o == nil),
		c.MetaNotMatch != nil && *c.MetaNotMatch == meta:
		return conditionNotMet()
	}
	return nil
}

// find checks the conditions of a call that needs an object. A missing object or generation is an
// error with status 404.
func (c conditions) find(o *object, bucket, name string) error {
	if o == nil || c.Generation != nil && *c.Generation != o.Generation {
		return notFound(bucket, name)
	}
	return c.check(o)
}
