// Package apidesc checks requests and answers against Google's own API descriptions.
//
// A description is the discovery document that google.golang.org/api ships with its client. The
// folder descriptions holds those of the stand-ins, packed and otherwise unchanged. A stand-in
// that checks with this package refuses what Google refuses: an unknown parameter, an unknown
// field, a wrong type, a value outside an enumeration, a required field that is missing. It also
// finds the method that a request calls, and selects fields of an answer.
//
// The package knows the form of a description. It knows the rules of no service: limits and
// dependencies between fields are checked by each stand-in. Start with [Load].
package apidesc

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

//go:embed descriptions
var descriptions embed.FS

// API is one description, ready for use. It is not changed after it was read.
type API struct {
	Name string // like drive

	common  map[string]*schema // parameters of every method
	schemas map[string]*schema
	methods []*Method // methods with fewer path parameters come first
}

// Method is one method of an API.
type Method struct {
	ID         string // without the API's name, like files.create
	HTTPMethod string
	Download   bool // alt=media answers with a file's content

	api        *API
	path       []string // segments below the host; a parameter is {name}
	uploadPath []string // the same for uploads; nil if the method takes none
	parameters map[string]*schema
	request    *schema // nil: no body
	response   *schema // nil: no body
}

// Problem is a request that Google would refuse with status 400, or an answer it would not give.
type Problem struct {
	Location string // the parameter or field; empty for the whole request
	Reason   string // Google's word, like invalid or required
	Message  string
}

// Error implements error.
func (p *Problem) Error() string {
	return p.Message
}

// Google's words for a problem.
const (
	reasonInvalid   = "invalid"
	reasonParameter = "invalidParameter"
	reasonParse     = "parseError"
	reasonRequired  = "required"
)

// invalid returns a [Problem] with the reason invalid.
func invalid(location, format string, args ...any) *Problem {
	return &Problem{
		Location: location,
		Reason:   reasonInvalid,
		Message:  fmt.Sprintf(format, args...),
	}
}

// Load returns the description of calendar, classroom, drive, run or storage.
func Load(name string) (*API, error) {
	packed, err := descriptions.ReadFile("descriptions/" + name + "-api.json.gz")
	if err != nil {
		return nil, fmt.Errorf("find the description of %s: %w", name, err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the description of %s: %w", name, err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("unpack the description of %s: %w", name, err)
	}
	api, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("description of %s: %w", name, err)
	}
	api.correct()
	return api, nil
}

// correct changes what a description states otherwise than the service behaves.
func (a *API) correct() {
	// The description of Drive calls these fields output only. permissions.create takes them.
	if permission := a.schemas["Permission"]; a.Name == "drive" && permission != nil {
		for _, field := range []string{"emailAddress", "domain"} {
			permission.Properties[field].Description = ""
		}
	}
	// Calendar takes a time without an offset if a time zone stands beside it.
	if when := a.schemas["EventDateTime"]; a.Name == "calendar" && when != nil {
		when.Properties["dateTime"].Format = ""
	}
}

// Method returns the method with an ID, or nil if there is none.
func (a *API) Method(id string) *Method {
	for _, m := range a.methods {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// Match is what a request calls.
type Match struct {
	Method *Method           // nil: the path exists only for other HTTP methods
	Path   map[string]string // unescaped parameters of the path
	Upload bool              // the request came by the method's upload path
}

// Find returns the method that a request calls. The path is escaped and begins below the host,
// like storage/v1/b/work/o/a%2Fb. Find reports whether the path is known for any HTTP method.
func (a *API) Find(httpMethod, escapedPath string, query url.Values) (found Match, known bool) {
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	for _, m := range a.methods {
		if path, ok := match(m.path, segments); ok {
			known = true
			if m.HTTPMethod == httpMethod {
				return Match{Method: m, Path: path}, true
			}
		}
		if path, ok := match(m.uploadPath, segments); ok {
			known = true
			// An upload session is addressed with PUT, POST or DELETE, whatever began it.
			if m.HTTPMethod == httpMethod || query.Has("upload_id") {
				return Match{Method: m, Path: path, Upload: true}, true
			}
		}
	}
	return Match{}, known
}

// match compares a path with a pattern and returns the unescaped parameters.
func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) == 0 || len(pattern) != len(segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, want := range pattern {
		parameter, isParameter := strings.CutPrefix(want, "{")
		if !isParameter {
			if segments[i] != want {
				return nil, false
			}
			continue
		}
		name, verb, _ := strings.Cut(parameter, "}") // jobs/{jobsId}:run ends in a verb
		segment, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		value, ok := strings.CutSuffix(segment, verb)
		if !ok || value == "" {
			return nil, false
		}
		values[name] = value
	}
	return values, true
}

// TakesBody reports whether the method's requests have a JSON body.
func (m *Method) TakesBody() bool {
	return m.request != nil
}

// isPatch reports whether a request's body holds only the fields to change.
func (m *Method) isPatch() bool {
	return m.HTTPMethod == http.MethodPatch
}
