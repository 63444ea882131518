package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// problem is an error that the caller gets in Google's form.
type problem struct {
	status  int
	word    string
	message string
}

// Error implements error.
func (p *problem) Error() string {
	return p.message
}

// invalid is a refusal with status 400 and INVALID_ARGUMENT.
func invalid(format string, values ...any) error {
	return &problem{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, values...)}
}

// precondition is a refusal with status 400 and FAILED_PRECONDITION.
func precondition(format string, values ...any) error {
	return &problem{http.StatusBadRequest, "FAILED_PRECONDITION", fmt.Sprintf(format, values...)}
}

// notFound is the refusal of a call for a resource that does not exist.
func notFound(name string) error {
	return &problem{
		http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Resource '%s' was not found", name),
	}
}

// call is a request that was checked against the description.
type call struct {
	*http.Request

	method *apidesc.Method
	values map[string]string // of the path
	body   []byte
	fields apidesc.Fields // nil: all
}

// name returns the full name of a resource or of its parent: the path without its end.
func (c *call) name(without string) string {
	return strings.TrimSuffix(strings.TrimPrefix(c.URL.Path, "/v2/"), without)
}

// into decodes the request's body.
func (c *call) into(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return invalid("Invalid JSON payload received. %v", err)
	}
	return nil
}

// bodyBytes bounds a request's body.
const bodyBytes = 1 << 20

// serve checks a request, answers it, and checks the answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := s.respond(w, r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(body) // the caller may be gone
}

// respond returns the body of the answer to a request.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c, err := s.read(w, r)
	if err != nil {
		return nil, err
	}
	answer, err := s.answer(c)
	if err != nil {
		return nil, err
	}
	return c.encode(answer)
}

// read checks a request against the description.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (*call, error) {
	query := r.URL.Query()
	found, _ := s.api.Find(r.Method, r.URL.EscapedPath(), query)
	method := found.Method
	if method == nil {
		return nil, &problem{http.StatusNotFound, "NOT_FOUND", "Method not found."}
	}
	if err := method.CheckQuery(query, found.Upload); err != nil {
		return nil, invalid("%v", err)
	}
	selected, err := apidesc.ParseFields(query.Get("fields"))
	if err == nil {
		err = method.CheckFields(selected)
	}
	if err != nil {
		return nil, invalid("%v", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytes))
	if err != nil {
		return nil, invalid("The body cannot be read: %v", err)
	}
	sent, err := apidesc.DecodeObject(bytes.NewReader(body))
	if err == nil {
		err = method.CheckBody(sent)
	}
	if err != nil {
		return nil, invalid("%v", err)
	}
	return &call{
		Request: r,
		method:  method,
		values:  found.Path,
		body:    body,
		fields:  selected,
	}, nil
}

// answer calls the handler of the request's method. The answer is a type of the client library.
func (s *Server) answer(c *call) (any, error) {
	switch strings.TrimPrefix(c.method.ID, "projects.locations.") {
	case "jobs.get":
		return s.getJob(c)
	case "jobs.run":
		return s.run(c)
	case "jobs.executions.get":
		return s.getExecution(c)
	case "jobs.executions.list":
		return s.listExecutions(c)
	case "jobs.executions.cancel":
		return s.cancel(c)
	case "jobs.executions.delete":
		return s.deleteExecution(c)
	case "jobs.executions.tasks.list":
		return s.listTasks(c)
	case "jobs.executions.tasks.get":
		return s.getTask(c)
	case "operations.get", "operations.wait":
		return s.getOperation(c)
	}
	message := "The stand-in of Cloud Run has no method " + c.method.ID + "."
	return nil, &problem{http.StatusNotImplemented, "UNIMPLEMENTED", message}
}

// encode returns the selected fields of an answer as JSON, after it was checked.
func (c *call) encode(answer any) ([]byte, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	body, err := apidesc.DecodeObject(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := c.method.CheckAnswer(body); err != nil {
		return nil, err
	}
	if c.fields == nil {
		return text, nil
	}
	return json.Marshal(c.fields.SelectObject(body))
}

// refuse answers in Google's form of errors. Other errors are logged and answered with status
// 500.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	p := (*problem)(nil)
	if !errors.As(err, &p) {
		s.options.Log.Error("a call of the Cloud Run Admin API failed", "error", err)
		p = &problem{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"error": map[string]any{
			"code":    p.status,
			"message": p.message,
			"status":  p.word,
		},
	})
}

// page returns one page of a list whose items have descending numbers: as many as asked for of
// those below the token's number. The token of the next page is empty on the last one.
func page[T any](c *call, all []T, number func(T) int64) (items []T, next string, err error) {
	const most = 100
	query := c.URL.Query()
	size := most
	if text := query.Get("pageSize"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 0 {
			return nil, "", invalid("page size %s is not valid", text)
		}
		if size == 0 || size > most {
			size = most
		}
	}
	below := int64(1<<63 - 1)
	if token := query.Get("pageToken"); token != "" {
		if below, err = strconv.ParseInt(token, 36, 64); err != nil {
			return nil, "", invalid("page token %q is not valid", token)
		}
	}
	for _, item := range all {
		if number(item) >= below {
			continue
		}
		if len(items) == size {
			return items, strconv.FormatInt(number(items[size-1]), 36), nil
		}
		items = append(items, item)
	}
	return items, "", nil
}
