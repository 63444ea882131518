package apidesc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// CheckQuery refuses parameters that the method does not have, values that are not of their type,
// and missing required parameters. upload allows the parameters of an upload session. An error is
// a [*Problem].
func (m *Method) CheckQuery(query url.Values, upload bool) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if upload && slices.Contains([]string{"upload_id", "uploadType", "upload_protocol"}, name) {
			continue
		}
		if err := m.checkParameter(name, query[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.parameters)) {
		s := m.parameters[name]
		if s.Required && s.Location == "query" && !query.Has(name) {
			return &Problem{
				Location: name,
				Reason:   reasonRequired,
				Message:  "Required parameter: " + name,
			}
		}
	}
	return nil
}

// checkParameter checks one query parameter. A parameter that the method does not describe may be one of
// those that all methods have, such as fields. Messages are Google's own.
func (m *Method) checkParameter(name string, values []string) error {
	s := m.parameters[name]
	if s == nil || s.Location == "path" {
		s = m.api.common[name]
	}
	if s == nil {
		const message = "Invalid JSON payload received. Unknown name %q: " +
			"Cannot bind query parameter. Field %q could not be found in request message."
		return invalid(name, message, name, name)
	}
	if len(values) > 1 && !s.Repeated {
		return invalid(
			name, "Parameter %q is given %d times and may be given once.", name, len(values),
		)
	}
	for _, value := range values {
		if err := s.checkText(value); err != nil {
			return invalid(name, "Invalid value for parameter %q: %s", name, err)
		}
	}
	return nil
}

// DecodeObject reads one JSON object. Nothing counts as an empty object. Numbers are
// [json.Number]. An error is a [*Problem], or a [*http.MaxBytesError] of the reader.
func DecodeObject(r io.Reader) (map[string]any, error) {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	var object map[string]any
	err := decoder.Decode(&object)
	if errors.Is(err, io.EOF) {
		return map[string]any{}, nil
	}
	if err == nil && !errors.Is(decoder.Decode(new(any)), io.EOF) {
		err = errors.New("more than one value")
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		return nil, &Problem{
			Reason:  reasonParse,
			Message: "Invalid JSON payload received. " + err.Error(),
		}
	}
	if object == nil { // null
		object = map[string]any{}
	}
	return object, nil
}

// CheckBody refuses a body that the method does not take. A patch may lack required fields. An
// error is a [*Problem].
func (m *Method) CheckBody(body map[string]any) error {
	if m.request == nil {
		if len(body) > 0 {
			return invalid("", "The request takes no body.")
		}
		return nil
	}
	c := &checker{
		api:     m.api,
		method:  m.api.Name + "." + m.ID,
		partial: m.isPatch(),
	}
	return c.check(m.request, body, strings.ToLower(m.api.resolve(m.request).ID))
}

// Writable returns a checked body without the fields that Google ignores in requests.
func (m *Method) Writable(body map[string]any) map[string]any {
	return m.api.writableObject(m.api.resolve(m.request), body)
}

// writableObject returns the fields of an object that a client may set. Google ignores the others.
func (a *API) writableObject(s *schema, object map[string]any) map[string]any {
	kept := map[string]any{}
	for name, value := range object {
		if field := s.field(name); !field.outputOnly() {
			kept[name] = a.writable(field, value)
		}
	}
	return kept
}

// writable returns what of a value a client may set.
func (a *API) writable(s *schema, value any) any {
	s = a.resolve(s)
	switch v := value.(type) {
	case map[string]any:
		return a.writableObject(s, v)
	case []any:
		kept := make([]any, len(v))
		for i, item := range v {
			kept[i] = a.writable(s.Items, item)
		}
		return kept
	}
	return value
}

// CheckAnswer refuses an answer of a stand-in that Google would not give. The error is none of
// the caller's request, and no [*Problem].
func (m *Method) CheckAnswer(body map[string]any) error {
	c := &checker{api: m.api, partial: true}
	if err := c.check(m.response, body, m.ID); err != nil {
		return fmt.Errorf("the stand-in's answer to %s is not as described: %s", m.ID, err.Error())
	}
	return nil
}

// checker compares a value with its schema.
type checker struct {
	api     *API
	method  string // with the API's name, for the fields that it needs; empty for answers
	partial bool   // required fields may be missing
}

// check refuses unknown fields, wrong types, values outside an enumeration and missing fields. at
// is the value's place, for the error.
func (c *checker) check(s *schema, value any, at string) error {
	s = c.api.resolve(s)
	if s == nil || value == nil {
		return nil // null has the same effect as an absent field
	}
	switch s.Type {
	case "object":
		return c.checkObject(s, value, at)
	case "array":
		return c.checkArray(s, value, at)
	case "string":
		return c.checkString(s, value, at)
	case "boolean":
		if _, ok := value.(bool); !ok {
			return wrongType(at, "a boolean")
		}
	case "integer", "number":
		return checkNumber(s, value, at)
	}
	return nil
}

// checkArray checks a JSON array and its items.
func (c *checker) checkArray(s *schema, value any, at string) error {
	list, ok := value.([]any)
	if !ok {
		return wrongType(at, "an array")
	}
	for i, item := range list {
		if err := c.check(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

// checkString checks a JSON string. Integers of 64 bits are strings, too, because JSON numbers in JavaScript
// hold 53 bits.
func (c *checker) checkString(s *schema, value any, at string) error {
	text, ok := value.(string)
	isRequest := c.method != ""
	if !ok && isRequest && strings.HasSuffix(s.Format, "int64") {
		text, ok = numberText(value) // Google takes a number, too, and answers with a string
	}
	if !ok {
		return wrongType(at, "a string")
	}
	if err := s.checkText(text); err != nil {
		return invalid(at, "Invalid value at '%s': %s", at, err)
	}
	return nil
}

// checkNumber checks a JSON number, integers included.
func checkNumber(s *schema, value any, at string) error {
	text, ok := numberText(value)
	if !ok {
		return wrongType(at, "a number")
	}
	if err := s.checkText(text); err != nil {
		return invalid(at, "Invalid value at '%s': %s", at, err)
	}
	return nil
}

// checkObject checks an object, its fields and, unless it is partial, that required fields are there. Like
// Google, it refuses unknown fields.
func (c *checker) checkObject(s *schema, value any, at string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(at, "an object")
	}
	for name, value := range object {
		field := s.field(name)
		if field == nil {
			const message = "Invalid JSON payload received. Unknown name %q at '%s': Cannot find field."
			return invalid(name, message, name, at)
		}
		if err := c.check(field, value, at+"."+name); err != nil {
			return err
		}
	}
	if c.partial {
		return nil
	}
	return c.checkRequired(s, object, at)
}

// checkRequired checks the fields that the description marks as required for the method.
func (c *checker) checkRequired(s *schema, object map[string]any, at string) error {
	for name, field := range s.Properties {
		if object[name] == nil && slices.Contains(field.Annotations.Required, c.method) {
			return &Problem{
				Location: at + "." + name,
				Reason:   reasonRequired,
				Message:  "Required field: " + name,
			}
		}
	}
	return nil
}

// field returns the schema of a field of an object, or nil if it may not have the field.
func (s *schema) field(name string) *schema {
	if field := s.Properties[name]; field != nil {
		return field
	}
	return s.Additional
}

// wrongType returns the problem of a value of another JSON type.
func wrongType(at, want string) error {
	return invalid(at, "Invalid value at '%s': want %s.", at, want)
}

// numberText returns a number as it stands in JSON. It reports whether the value is a number.
func numberText(value any) (string, bool) {
	switch n := value.(type) {
	case json.Number:
		return n.String(), true
	case int:
		return strconv.Itoa(n), true
	case int64:
		return strconv.FormatInt(n, 10), true
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64), true
	}
	return "", false
}
