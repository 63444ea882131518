package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// problem is an answer that is not a success, as Google gives it.
type problem struct {
	status  int
	word    string
	message string
}

// Error implements error.
func (p *problem) Error() string { return p.message }

func invalid(format string, values ...any) error {
	return &problem{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, values...)}
}

func precondition(format string, values ...any) error {
	return &problem{http.StatusBadRequest, "FAILED_PRECONDITION", fmt.Sprintf(format, values...)}
}

func notFound(name string) error {
	return &problem{http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Resource '%s' was not found", name)}
}

// call is a request whose method is known and whose parameters and body are of the right types.
type call struct {
	*http.Request

	method *apidesc.Method
	values map[string]string // of the path
	body   []byte
}

// name is a resource's name in full, or its parent's: the path without what follows it.
func (c *call) name(without string) string {
	return strings.TrimSuffix(strings.TrimPrefix(c.URL.Path, "/v2/"), without)
}

// into reads the body.
func (c *call) into(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return invalid("Invalid JSON payload received. %v", err)
	}
	return nil
}

const bodyBytes = 1 << 20

// serve checks a request, has it answered, and checks the answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c, selected, err := s.read(w, r)
	var answer any
	var kind string
	if err == nil {
		answer, kind, err = s.answer(c)
	}
	var body []byte
	if err == nil {
		body, err = s.write(answer, kind, selected)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(body) // the caller may be gone
}

// read holds a request against the description.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (*call, mask, error) {
	method, values := s.api.Find(r.Method, r.URL.EscapedPath())
	if method == nil {
		return nil, nil, &problem{http.StatusNotFound, "NOT_FOUND", "Method not found."}
	}
	if err := method.CheckQuery(r.URL.Query()); err != nil {
		return nil, nil, invalid("%v", err)
	}
	var selected mask
	if fields := r.URL.Query().Get("fields"); fields != "" {
		m, err := parseMask(fields)
		if err != nil {
			return nil, nil, invalid("%v", err)
		}
		selected = m
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytes))
	if err != nil {
		return nil, nil, invalid("The body cannot be read: %v", err)
	}
	if err := method.CheckBody(body); err != nil {
		return nil, nil, invalid("%v", err)
	}
	return &call{Request: r, method: method, values: values, body: body}, selected, nil
}

// answer is the table of methods: what is answered, and the name of its type.
func (s *Server) answer(c *call) (answer any, kind string, err error) {
	switch strings.TrimPrefix(c.method.ID, "projects.locations.") {
	case "jobs.get":
		answer, err = s.getJob(c)
		return answer, "GoogleCloudRunV2Job", err
	case "jobs.run":
		answer, err = s.run(c)
		return answer, "GoogleLongrunningOperation", err
	case "jobs.executions.get":
		answer, err = s.getExecution(c)
		return answer, "GoogleCloudRunV2Execution", err
	case "jobs.executions.list":
		answer, err = s.listExecutions(c)
		return answer, "GoogleCloudRunV2ListExecutionsResponse", err
	case "jobs.executions.cancel":
		answer, err = s.cancel(c)
		return answer, "GoogleLongrunningOperation", err
	case "jobs.executions.delete":
		answer, err = s.deleteExecution(c)
		return answer, "GoogleLongrunningOperation", err
	case "jobs.executions.tasks.list":
		answer, err = s.listTasks(c)
		return answer, "GoogleCloudRunV2ListTasksResponse", err
	case "jobs.executions.tasks.get":
		answer, err = s.getTask(c)
		return answer, "GoogleCloudRunV2Task", err
	case "operations.get", "operations.wait":
		answer, err = s.getOperation(c)
		return answer, "GoogleLongrunningOperation", err
	}
	return nil, "", &problem{http.StatusNotImplemented, "UNIMPLEMENTED", "The stand-in of Cloud Run has no method " + c.method.ID + "."}
}

// write is an answer as JSON, held against the description, and what is selected of it.
func (s *Server) write(answer any, kind string, selected mask) ([]byte, error) {
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	if err := s.api.Check(kind, body); err != nil {
		return nil, fmt.Errorf("our own answer is not a %s: %w", kind, err)
	}
	if selected == nil {
		return body, nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, err
	}
	return json.Marshal(selected.apply(value))
}

// refuse answers in Google's form of errors.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	p := (*problem)(nil)
	if !errors.As(err, &p) {
		s.options.Log.Error("a call of the Cloud Run Admin API failed", "error", err)
		p = &problem{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": p.status, "message": p.message, "status": p.word}})
}

// page cuts a page out of a list whose items have falling numbers: of those below the token's, as many
// as asked for. The token of the next page is empty if there is none.
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
