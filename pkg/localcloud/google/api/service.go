package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// UserHeader names the caller. A call without it may see and do everything.
const UserHeader = "X-Workspace-User"

const bodyBytes = 4 << 20 // the most that a JSON body may take

// Service answers the calls of one API.
type Service struct {
	description *apidesc.API
	handlers    map[string]Handler
	defaults    map[string]string // what is answered without fields, by method
	log         *slog.Logger
}

// Handler answers a method. A nil Answer without an error means that the handler has written the
// answer.
type Handler func(*Call) (*Answer, error)

// Call is a request that was checked.
type Call struct {
	Request *http.Request
	Writer  http.ResponseWriter
	Method  *apidesc.Method
	Path    map[string]string // the parameters in the path
	Query   url.Values
	// checked, without what Google ignores; nil for uploads and methods without a body
	Body   Object
	Raw    Object // the body as it came
	User   string // the caller's address; "" may do everything
	Upload bool

	service *Service
	fields  apidesc.Fields // what the answer is to hold; nil: all
}

// Answer is the answer of a method.
type Answer struct {
	Status int    // 0: 200, or 204 without a body
	Body   Object // whole; the service cuts it to the fields that were asked for
	Header http.Header
}

// OK returns an answer with a body.
func OK(body Object) (*Answer, error) {
	return &Answer{Body: body}, nil
}

// Done returns an answer without a body.
func Done() (*Answer, error) {
	return &Answer{}, nil
}

// NewService returns the service of an API: drive, calendar or classroom. Handlers are named by
// methods, like files.create. defaults are the fields that a method answers with when the call
// selects none; a method without defaults answers with all fields.
func NewService(
	name string, handlers map[string]Handler, defaults map[string]string, log *slog.Logger,
) (*Service, error) {
	d, err := apidesc.Load(name)
	if err != nil {
		return nil, err
	}
	return &Service{
		description: d,
		handlers:    handlers,
		defaults:    defaults,
		log:         log,
	}, nil
}

// MethodOf names the method that a request calls, or returns "". It is meant for
// [faults.Table.Wrap].
func (s *Service) MethodOf(r *http.Request) string {
	if found, _ := s.find(r); found.Method != nil {
		return found.Method.ID
	}
	return ""
}

// find returns the method that a request calls. It reports whether the path is known.
func (s *Service) find(r *http.Request) (found apidesc.Match, known bool) {
	return s.description.Find(r.Method, r.URL.EscapedPath(), r.URL.Query())
}

// ServeHTTP implements http.Handler. The request's path begins with the service path of the
// description.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, answer, err := s.call(w, r)
	if err == nil && answer != nil {
		err = s.write(c, answer)
	}
	if err == nil {
		return
	}
	e := refusal(err)
	if e.Status == http.StatusInternalServerError && r.Context().Err() == nil {
		s.log.ErrorContext(
			r.Context(),
			"a stand-in of Google failed",
			"api",
			s.description.Name,
			"method",
			s.MethodOf(r),
			"error",
			err,
		)
	}
	writeJSON(w, e.Status, e.body(), true)
}

// call answers a request after it was checked.
func (s *Service) call(w http.ResponseWriter, r *http.Request) (*Call, *Answer, error) {
	found, known := s.find(r)
	if !known {
		return nil, nil, Refuse(http.StatusNotFound, "notFound",
			"The requested URL %s was not found on this server.", r.URL.Path)
	}
	if found.Method == nil {
		return nil, nil, Refuse(http.StatusMethodNotAllowed, "httpMethodNotAllowed",
			"%s does not work on %s.", r.Method, r.URL.Path)
	}
	handler := s.handlers[found.Method.ID]
	if handler == nil {
		return nil, nil, Refuse(http.StatusNotImplemented, "notImplemented",
			"%s.%s is not part of this stand-in.", s.description.Name, found.Method.ID)
	}
	c, err := s.newCall(w, r, found)
	if err != nil {
		return nil, nil, err
	}
	answer, err := handler(c)
	return c, answer, err
}

// newCall checks a request and reads its body, unless it is an upload.
func (s *Service) newCall(
	w http.ResponseWriter, r *http.Request, found apidesc.Match,
) (*Call, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, Invalid("", "Malformed query: %s", err)
	}
	c := &Call{
		Request: r,
		Writer:  w,
		Method:  found.Method,
		Path:    found.Path,
		Query:   query,
		User:    r.Header.Get(UserHeader),
		Upload:  found.Upload,
		service: s,
	}
	if err := c.Method.CheckQuery(query, c.Upload); err != nil {
		return nil, err
	}
	if err := c.selectFields(); err != nil {
		return nil, err
	}
	alt := query.Get("alt")
	if alt == "proto" || alt == "media" && !c.Method.Download {
		return nil, Invalid("alt", "alt=%s does not work with %s.", alt, c.Method.ID)
	}
	if c.Method.TakesBody() && !c.Upload {
		return c, c.readBody()
	}
	return c, nil
}

// selectFields reads the selection of fields and checks it against the method's answer.
func (c *Call) selectFields() error {
	text := c.Query.Get("fields")
	if text == "" {
		text = c.service.defaults[c.Method.ID]
	}
	selected, err := apidesc.ParseFields(text)
	if err != nil {
		return err
	}
	c.fields = selected
	return c.Method.CheckFields(selected)
}

// readBody reads and checks a JSON body.
func (c *Call) readBody() error {
	body, err := apidesc.DecodeObject(http.MaxBytesReader(c.Writer, c.Request.Body, bodyBytes))
	if err != nil {
		return err
	}
	return c.TakeBody(body)
}

// TakeBody checks a body that a handler read itself, as of an upload, and sets Raw and Body.
func (c *Call) TakeBody(body Object) error {
	if err := c.Method.CheckBody(body); err != nil {
		return err
	}
	c.Raw = body
	c.Body = c.Method.Writable(body)
	return nil
}

// Flag returns a boolean parameter.
func (c *Call) Flag(name string) bool {
	return c.Query.Get(name) == "true"
}

// Int returns an integer parameter, or otherwise if it is missing.
func (c *Call) Int(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.Query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

// write writes the selected fields of an answer after it was checked.
func (s *Service) write(c *Call, answer *Answer) error {
	status := answer.Status
	body := answer.Body
	for name, values := range answer.Header {
		c.Writer.Header()[name] = values
	}
	if body == nil {
		if status == 0 {
			status = http.StatusNoContent
		}
		c.Writer.WriteHeader(status)
		return nil
	}
	if status == 0 {
		status = http.StatusOK
	}
	body = c.fields.SelectObject(body)
	if err := c.Method.CheckAnswer(body); err != nil {
		return err
	}
	writeJSON(c.Writer, status, body, c.Query.Get("prettyPrint") != "false")
	return nil
}

// writeJSON writes a JSON body.
func writeJSON(w http.ResponseWriter, status int, body Object, pretty bool) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if pretty {
		encoder.SetIndent("", "  ")
	}
	if err := encoder.Encode(body); err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the caller may be gone
}
