package apidesc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// document is a description as Google writes it, as far as it is used here.
type document struct {
	Name        string             `json:"name"`
	ServicePath string             `json:"servicePath"`
	Parameters  map[string]*schema `json:"parameters"`
	Schemas     map[string]*schema `json:"schemas"`
	resource
}

// resource groups methods; resources are nested.
type resource struct {
	Methods   map[string]*describedMethod `json:"methods"`
	Resources map[string]*resource        `json:"resources"`
}

// describedMethod is a method as a description writes it.
type describedMethod struct {
	ID         string             `json:"id"`
	HTTPMethod string             `json:"httpMethod"`
	Path       string             `json:"path"`
	FlatPath   string             `json:"flatPath"`
	Parameters map[string]*schema `json:"parameters"`
	Request    *schema            `json:"request"`
	Response   *schema            `json:"response"`
	Download   bool               `json:"supportsMediaDownload"`
	Media      struct {
		Protocols map[string]struct {
			Path string `json:"path"`
		} `json:"protocols"`
	} `json:"mediaUpload"`
}

// schema is the type of a parameter, a field or a resource, or a reference to a named type.
type schema struct {
	ID          string             `json:"id"`
	Ref         string             `json:"$ref"`
	Type        string             `json:"type"`
	Format      string             `json:"format"`
	Enum        []string           `json:"enum"`
	Minimum     string             `json:"minimum"`
	Maximum     string             `json:"maximum"`
	Required    bool               `json:"required"`
	Repeated    bool               `json:"repeated"`
	Location    string             `json:"location"`
	Description string             `json:"description"`
	Properties  map[string]*schema `json:"properties"`
	Items       *schema            `json:"items"`
	Additional  *schema            `json:"additionalProperties"`
	Annotations struct {
		Required []string `json:"required"` // methods that need this field, with the API's name
	} `json:"annotations"`
}

// Parse reads a description.
func Parse(description []byte) (*API, error) {
	var doc document
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, fmt.Errorf("read an API description: %w", err)
	}
	if doc.Name == "" || len(doc.Schemas) == 0 {
		return nil, errors.New("read an API description: no name or no types")
	}
	api := &API{
		Name:    doc.Name,
		common:  doc.Parameters,
		schemas: doc.Schemas,
	}
	api.collect(doc.ServicePath, &doc.resource)
	// Literal segments win over parameters: files/generateIds is not the file generateIds.
	slices.SortFunc(api.methods, func(a, b *Method) int {
		if n := a.parameterCount() - b.parameterCount(); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return api, nil
}

// collect adds the methods of a resource and of those below it.
func (a *API) collect(servicePath string, r *resource) {
	for _, described := range r.Methods {
		a.methods = append(a.methods, a.newMethod(servicePath, described))
	}
	for _, inner := range r.Resources {
		a.collect(servicePath, inner)
	}
}

// newMethod reads a method of a discovery document.
func (a *API) newMethod(servicePath string, described *describedMethod) *Method {
	path := described.Path
	if described.FlatPath != "" { // it spells out the segments of {+name}
		path = described.FlatPath
	}
	m := &Method{
		ID:         strings.TrimPrefix(described.ID, a.Name+"."),
		HTTPMethod: described.HTTPMethod,
		Download:   described.Download,
		api:        a,
		path:       strings.Split(servicePath+path, "/"),
		parameters: described.Parameters,
		request:    described.Request,
		response:   described.Response,
	}
	if upload := described.Media.Protocols["simple"].Path; upload != "" {
		m.uploadPath = strings.Split(strings.Trim(upload, "/"), "/")
	}
	return m
}

// parameterCount returns how many segments of the path are parameters.
func (m *Method) parameterCount() int {
	n := 0
	for _, segment := range m.path {
		if strings.HasPrefix(segment, "{") {
			n++
		}
	}
	return n
}

// resolve follows a reference to a named type.
func (a *API) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return a.schemas[s.Ref]
	}
	return s
}

// outputOnly reports whether Google ignores a field in requests. Only the prose of the
// description states it.
func (s *schema) outputOnly() bool {
	return strings.HasPrefix(s.Description, "Output only") ||
		strings.Contains(s.Description, "Read-only.")
}
