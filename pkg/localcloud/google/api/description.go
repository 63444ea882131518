package api

import (
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed descriptions
var descriptions embed.FS

// Description is what Google says about one of its APIs.
type Description struct {
	Name        string              `json:"name"`
	ServicePath string              `json:"servicePath"`
	Parameters  map[string]*Schema  `json:"parameters"`
	Schemas     map[string]*Schema  `json:"schemas"`
	Resources   map[string]resource `json:"resources"`

	methods []*Method
}

type resource struct {
	Methods   map[string]*Method  `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

// Method is one method of an API.
type Method struct {
	ID         string             `json:"id"` // without the API's name: files.create
	HTTPMethod string             `json:"httpMethod"`
	Path       string             `json:"path"`
	Parameters map[string]*Schema `json:"parameters"`
	Request    *Schema            `json:"request"`
	Response   *Schema            `json:"response"`
	Media      *struct {
		Protocols map[string]struct {
			Path string `json:"path"`
		} `json:"protocols"`
	} `json:"mediaUpload"`
	Download bool `json:"supportsMediaDownload"`

	segments []string // of the path below the API's root, with {name} for a parameter
	upload   []string // the same for uploads; nil if the method takes none
}

// Schema is the type of a parameter, a field or a resource.
type Schema struct {
	ID          string             `json:"id"`
	Type        string             `json:"type"`
	Format      string             `json:"format"`
	Ref         string             `json:"$ref"`
	Enum        []string           `json:"enum"`
	Minimum     string             `json:"minimum"`
	Maximum     string             `json:"maximum"`
	Required    bool               `json:"required"`
	Repeated    bool               `json:"repeated"`
	Location    string             `json:"location"`
	Description string             `json:"description"`
	Properties  map[string]*Schema `json:"properties"`
	Items       *Schema            `json:"items"`
	Additional  *Schema            `json:"additionalProperties"`
	Annotations struct {
		Required []string `json:"required"` // methods that want this field, with the API's name
	} `json:"annotations"`
}

// Describe reads the description of an API: drive, calendar or classroom.
func Describe(name string) (*Description, error) {
	file, err := descriptions.Open("descriptions/" + name + "-api.json.gz")
	if err != nil {
		return nil, fmt.Errorf("find the description of %s: %w", name, err)
	}
	defer func() { _ = file.Close() }()
	text, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("unpack the description of %s: %w", name, err)
	}
	d := &Description{}
	if err := json.NewDecoder(text).Decode(d); err != nil {
		return nil, fmt.Errorf("read the description of %s: %w", name, err)
	}
	// The description calls these output only; permissions.create lives by them.
	for _, field := range []string{"emailAddress", "domain"} {
		if p := d.Schemas["Permission"]; p != nil && p.Properties[field] != nil {
			p.Properties[field].Description = ""
		}
	}
	d.collect(d.Resources)
	// Literal segments before parameters: files/generateIds is not a file.
	slices.SortFunc(d.methods, func(a, b *Method) int {
		if n := strings.Count(a.Path, "{") - strings.Count(b.Path, "{"); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return d, nil
}

func (d *Description) collect(resources map[string]resource) {
	for _, r := range resources {
		d.collect(r.Resources)
		for _, m := range r.Methods {
			m.ID = strings.TrimPrefix(m.ID, d.Name+".")
			m.segments = strings.Split(d.ServicePath+m.Path, "/")
			if m.Media != nil {
				m.upload = strings.Split(strings.Trim(m.Media.Protocols["simple"].Path, "/"), "/")
			}
			d.methods = append(d.methods, m)
		}
	}
}

// call is a request whose method was found.
type call struct {
	method *Method
	path   map[string]string
	upload bool
}

// find tells which method a request calls. The path is below the API's root. known is whether the path
// means anything at all, with another HTTP method perhaps.
func (d *Description) find(r *http.Request) (found call, known bool) {
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for _, m := range d.methods {
		for _, pattern := range [][]string{m.segments, m.upload} {
			path, ok := match(pattern, segments)
			if !ok {
				continue
			}
			known = true
			upload := len(m.upload) > 0 && &pattern[0] == &m.upload[0]
			// Chunks are sent to a session with PUT, or with POST by Google's own client for Go.
			session := upload && r.URL.Query().Has("upload_id")
			if m.HTTPMethod == r.Method || session {
				return call{method: m, path: path, upload: upload}, true
			}
		}
	}
	return call{}, known
}

func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) == 0 || len(pattern) != len(segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, want := range pattern {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		name, isParameter := strings.CutPrefix(want, "{")
		if !isParameter {
			if got != want {
				return nil, false
			}
			continue
		}
		name, verb, _ := strings.Cut(name, "}")
		value, ends := strings.CutSuffix(got, verb)
		if !ends || value == "" {
			return nil, false
		}
		values[name] = value
	}
	return values, true
}

// resolve follows a reference to a schema.
func (d *Description) resolve(s *Schema) *Schema {
	if s != nil && s.Ref != "" {
		return d.Schemas[s.Ref]
	}
	return s
}

// outputOnly is whether Google ignores a field in requests.
func (s *Schema) outputOnly() bool {
	return strings.HasPrefix(s.Description, "Output only") || strings.Contains(s.Description, "Read-only.")
}
