// Package apidesc holds requests against Google's own API descriptions (the discovery documents
// that google.golang.org/api ships), so that a stand-in refuses what Google would refuse: an unknown
// parameter, an unknown field, a wrong type, a value outside an enum.
//
// It knows the form of a description and no service. What descriptions do not say (limits, what is
// required, what depends on what) is each stand-in's own business. Start with [Parse].
package apidesc

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// API is one description.
type API struct {
	base    string // path before the methods', like storage/v1/
	common  map[string]*schema
	schemas map[string]*schema
	methods []*Method
}

// Method is one method of an API.
type Method struct {
	ID   string // without the API's name: objects.insert
	Verb string // GET, POST, ...

	api        *API
	segments   []string // of the path, below the base
	parameters map[string]*schema
	request    *schema // nil: no body
}

// Problem is why Google would answer 400.
type Problem struct {
	Where   string // parameter or field
	Message string
}

// Error implements error.
func (p *Problem) Error() string { return p.Message }

func refuse(where, format string, values ...any) error {
	return &Problem{Where: where, Message: fmt.Sprintf(format, values...)}
}

// document is what is read of a description.
type document struct {
	Name        string             `json:"name"`
	ServicePath string             `json:"servicePath"`
	Parameters  map[string]*schema `json:"parameters"`
	Schemas     map[string]*schema `json:"schemas"`
	tree
}

type tree struct {
	Methods   map[string]*describedMethod `json:"methods"`
	Resources map[string]*tree            `json:"resources"`
}

type describedMethod struct {
	ID         string             `json:"id"`
	HTTPMethod string             `json:"httpMethod"`
	Path       string             `json:"path"`
	FlatPath   string             `json:"flatPath"`
	Parameters map[string]*schema `json:"parameters"`
	Request    *schema            `json:"request"`
}

// schema is a type, a parameter or a reference to a type.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Location   string             `json:"location"`
	Repeated   bool               `json:"repeated"`
	Enum       []string           `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Additional *schema            `json:"additionalProperties"`
	Items      *schema            `json:"items"`
}

// Parse reads a description.
func Parse(description []byte) (*API, error) {
	var doc document
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, fmt.Errorf("read an API description: %w", err)
	}
	if doc.Name == "" || len(doc.Schemas) == 0 {
		return nil, fmt.Errorf("read an API description: it names no API or no types")
	}
	api := &API{base: doc.ServicePath, common: doc.Parameters, schemas: doc.Schemas}
	api.collect(doc.Name+".", &doc.tree)
	// Literal segments win over parameters: b/{bucket}/iam before b/{bucket}/{anything}.
	slices.SortFunc(api.methods, func(a, b *Method) int {
		if a.wildcards() != b.wildcards() {
			return a.wildcards() - b.wildcards()
		}
		return strings.Compare(a.ID, b.ID)
	})
	return api, nil
}

func (a *API) collect(prefix string, t *tree) {
	for _, m := range t.Methods {
		path := m.Path
		if m.FlatPath != "" { // spells out what {+name} may be
			path = m.FlatPath
		}
		a.methods = append(a.methods, &Method{
			ID: strings.TrimPrefix(m.ID, prefix), Verb: m.HTTPMethod, api: a,
			segments: strings.Split(path, "/"), parameters: m.Parameters, request: m.Request,
		})
	}
	for _, sub := range t.Resources {
		a.collect(prefix, sub)
	}
}

func (m *Method) wildcards() int {
	n := 0
	for _, s := range m.segments {
		if strings.HasPrefix(s, "{") {
			n++
		}
	}
	return n
}

// Methods lists the methods.
func (a *API) Methods() []*Method { return a.methods }

// Method finds a method by its ID; nil if there is none.
func (a *API) Method(id string) *Method {
	for _, m := range a.methods {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// Find tells which method a request calls, by its verb and its path: still escaped, below the host,
// like storage/v1/b/work/o/a%2Fb. The path's parameters come back unescaped; nil is no such method.
func (a *API) Find(verb, escapedPath string) (*Method, map[string]string) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(escapedPath, "/"), a.base)
	if !ok {
		return nil, nil
	}
	segments := strings.Split(rest, "/")
	for _, m := range a.methods {
		if m.Verb != verb || len(m.segments) != len(segments) {
			continue
		}
		if values, ok := m.match(segments); ok {
			return m, values
		}
	}
	return nil, nil
}

// match compares segment by segment; a segment may be {name}, or {name}:verb as in jobs/{job}:run.
func (m *Method) match(segments []string) (map[string]string, bool) {
	values := map[string]string{}
	for i, pattern := range m.segments {
		name, after, isParameter := strings.Cut(strings.TrimPrefix(pattern, "{"), "}")
		if !strings.HasPrefix(pattern, "{") || !isParameter {
			if pattern != segments[i] {
				return nil, false
			}
			continue
		}
		escaped, ok := strings.CutSuffix(segments[i], after)
		if !ok || after == "" && strings.HasPrefix(m.api.base, "v") && strings.Contains(escaped, ":") {
			return nil, false
		}
		value, err := url.PathUnescape(escaped)
		if err != nil || value == "" {
			return nil, false
		}
		values[strings.TrimPrefix(name, "+")] = value
	}
	return values, true
}
