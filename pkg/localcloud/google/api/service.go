package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
)

// UserHeader names the caller. A call without it sees and may do everything.
const UserHeader = "X-Workspace-User"

const bodyBytes = 4 << 20 // the most that a JSON body may take

// Service answers the calls of one API.
type Service struct {
	description *Description
	handlers    map[string]Handler
	defaults    map[string]string // what is answered without fields, by method
	log         *slog.Logger
}

// Handler answers a method. A nil Answer without an error means that it was written already.
type Handler func(*Call) (*Answer, error)

// Call is a request that was checked.
type Call struct {
	Request *http.Request
	Writer  http.ResponseWriter
	Method  *Method
	Path    map[string]string // the parameters in the path
	Query   url.Values
	Body    Object // checked, without what Google ignores; nil for uploads and methods without a body
	Raw     Object // the body as it came
	User    string // the caller's address; "" may do everything
	Upload  bool

	service *Service
}

// Answer is what a method says.
type Answer struct {
	Status int    // 0: 200, or 204 without a body
	Body   Object // whole; the service cuts it to the fields that were asked for
	Header http.Header
}

// OK is an answer with a body.
func OK(body Object) (*Answer, error) { return &Answer{Body: body}, nil }

// Done is an answer without a body.
func Done() (*Answer, error) { return &Answer{}, nil }

// NewService makes the service of an API: drive, calendar or classroom. The names of handlers are methods
// as Google calls them, like files.create. defaults are the fields that a method answers with when the
// caller named none; a method that is not there answers with all it knows.
func NewService(name string, handlers map[string]Handler, defaults map[string]string, log *slog.Logger) (*Service, error) {
	d, err := Describe(name)
	if err != nil {
		return nil, err
	}
	return &Service{description: d, handlers: handlers, defaults: defaults, log: log}, nil
}

// MethodOf names the method that a request calls, "" if none: what [faults.Table.Wrap] wants to know.
func (s *Service) MethodOf(r *http.Request) string {
	if found, _ := s.description.find(r); found.method != nil {
		return found.method.ID
	}
	return ""
}

// ServeHTTP implements http.Handler. The path begins with what the description calls the service's path.
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
		s.log.ErrorContext(r.Context(), "a stand-in of Google failed", "api", s.description.Name, "method", s.MethodOf(r), "error", err)
	}
	writeJSON(w, e.Status, e.body(), true)
}

func (s *Service) call(w http.ResponseWriter, r *http.Request) (*Call, *Answer, error) {
	found, known := s.description.find(r)
	switch {
	case !known:
		return nil, nil, Refuse(http.StatusNotFound, "notFound", "The requested URL %s was not found on this server.", r.URL.Path)
	case found.method == nil:
		return nil, nil, Refuse(http.StatusMethodNotAllowed, "httpMethodNotAllowed", "%s does not work on %s.", r.Method, r.URL.Path)
	}
	handler := s.handlers[found.method.ID]
	if handler == nil {
		return nil, nil, Refuse(http.StatusNotImplemented, "notImplemented", "%s.%s is not part of this stand-in.", s.description.Name, found.method.ID)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, Invalid("", "Malformed query: %s", err)
	}
	c := &Call{
		Request: r, Writer: w, Method: found.method, Path: found.path, Query: query,
		User: r.Header.Get(UserHeader), Upload: found.upload, service: s,
	}
	if err := s.description.checkQuery(c.Method, query, c.Upload); err != nil {
		return nil, nil, err
	}
	if _, err := c.fields(); err != nil {
		return nil, nil, err
	}
	if alt := query.Get("alt"); alt == "proto" || alt == "media" && !c.Method.Download {
		return nil, nil, Invalid("alt", "alt=%s does not work with %s.", alt, c.Method.ID)
	}
	if c.Method.Request != nil && !c.Upload {
		if err := c.readBody(); err != nil {
			return nil, nil, err
		}
	}
	answer, err := handler(c)
	return c, answer, err
}

func (c *Call) readBody() error {
	body, err := DecodeObject(http.MaxBytesReader(c.Writer, c.Request.Body, bodyBytes))
	if err != nil {
		return err
	}
	return c.TakeBody(body)
}

// TakeBody checks a body that a handler read itself, as of an upload.
func (c *Call) TakeBody(body Object) error {
	checked, err := c.service.description.CheckBody(c.Method, body)
	c.Raw, c.Body = body, checked
	return err
}

// DecodeObject reads one JSON object, or nothing, which counts as an empty one.
func DecodeObject(r io.Reader) (Object, error) {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	var body Object
	err := decoder.Decode(&body)
	if errors.Is(err, io.EOF) {
		return Object{}, nil
	}
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("more than one value")
	}
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = &Error{Status: http.StatusBadRequest, Reason: "parseError", Message: "Invalid JSON payload received. " + err.Error()}
	}
	if err == nil && body == nil {
		body = Object{}
	}
	return body, err
}

// fields reads the selection of fields, checked against what the method answers.
func (c *Call) fields() (mask, error) {
	text := c.Query.Get("fields")
	if text == "" {
		text = c.service.defaults[c.Method.ID]
	}
	if text == "" {
		return nil, nil
	}
	m, err := parseMask(text)
	if err != nil {
		return nil, err
	}
	return m, c.service.description.checkMask(c.Method.Response, m)
}

// Flag reads a boolean parameter.
func (c *Call) Flag(name string) bool { return c.Query.Get(name) == "true" }

// Int reads an integer parameter, which was checked before.
func (c *Call) Int(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.Query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

func (s *Service) write(c *Call, answer *Answer) error {
	status, body := answer.Status, answer.Body
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
	m, err := c.fields()
	if err != nil {
		return err
	}
	body = m.cut(body).(Object)
	if err := s.description.checkAnswer(c.Method, body); err != nil {
		return err
	}
	writeJSON(c.Writer, status, body, c.Query.Get("prettyPrint") != "false")
	return nil
}

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
