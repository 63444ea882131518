package apidesc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CheckQuery refuses parameters that the method does not have, and values that are not of their type.
// extra names parameters that a stand-in knows besides, like upload_id. The error is a [*Problem].
func (m *Method) CheckQuery(query url.Values, extra ...string) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		s := m.parameters[name]
		if s == nil || s.Location == "path" {
			s = m.api.common[name]
		}
		switch {
		case slices.Contains(extra, name):
			continue
		case s == nil:
			return refuse(name, "Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field %q could not be found in request message.", name, name)
		case len(query[name]) > 1 && !s.Repeated:
			return refuse(name, "Parameter %s is given %d times.", name, len(query[name]))
		}
		for _, value := range query[name] {
			if err := s.checkText(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkText checks a parameter's value, which is text whatever its type.
func (s *schema) checkText(where, value string) error {
	bad := refuse(where, "Invalid value for parameter %s: %q.", where, value)
	switch s.Type {
	case "boolean":
		if value != "true" && value != "false" {
			return bad
		}
	case "integer", "number":
		if !json.Valid([]byte(value)) {
			return bad
		}
		return s.check(where, json.Number(value), nil)
	case "string":
		return s.checkString(where, value)
	}
	return nil
}

// CheckBody refuses a body that is not what the method takes. The error is a [*Problem].
func (m *Method) CheckBody(body []byte) error {
	if m.request == nil {
		if len(bytes.TrimSpace(body)) > 0 {
			return refuse("", "The request takes no body.")
		}
		return nil
	}
	return m.api.checkJSON(m.request, body)
}

// Check refuses JSON that is not of a type of the description: for a stand-in's own answers.
func (a *API) Check(typeName string, body []byte) error {
	return a.checkJSON(&schema{Ref: typeName}, body)
}

func (a *API) checkJSON(s *schema, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil // an empty body is an empty object
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil && !errors.Is(decoder.Decode(new(any)), io.EOF) {
		err = errors.New("something follows the value")
	}
	if err != nil {
		return refuse("", "Parse Error: %v", err)
	}
	return s.check("", value, a)
}

func (s *schema) check(where string, value any, a *API) error {
	if s.Ref != "" {
		s = a.schemas[s.Ref]
	}
	if s == nil || value == nil || s.Type == "any" {
		return nil // null means the field's default
	}
	bad := func() error { // made only if wanted: every field of every call passes here
		return refuse(where, "Invalid value at %q (%s): %v", where, strings.TrimSpace(s.Type+" "+s.Format), value)
	}
	switch s.Type {
	case "object":
		fields, ok := value.(map[string]any)
		if !ok {
			return bad()
		}
		return s.checkFields(where, fields, a)
	case "array":
		items, ok := value.([]any)
		if !ok {
			return bad()
		}
		for i, item := range items {
			if err := s.Items.check(fmt.Sprintf("%s[%d]", where, i), item, a); err != nil {
				return err
			}
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return bad()
		}
	case "integer":
		number, ok := value.(json.Number)
		if !ok || !fits(number.String(), s.Format) {
			return bad()
		}
	case "number":
		if _, ok := value.(json.Number); !ok {
			return bad()
		}
	case "string":
		text, ok := value.(string)
		if number, isNumber := value.(json.Number); isNumber && strings.HasSuffix(s.Format, "int64") {
			text, ok = number.String(), true // Google takes both
		}
		if !ok {
			return bad()
		}
		return s.checkString(where, text)
	}
	return nil
}

func (s *schema) checkFields(where string, fields map[string]any, a *API) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := strings.TrimPrefix(where+"."+name, ".")
		field := s.Properties[name]
		if field == nil {
			field = s.Additional
		}
		if field == nil {
			return refuse(at, "Invalid JSON payload received. Unknown name %q at %q: Cannot find field.", name, where)
		}
		if err := field.check(at, fields[name], a); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) checkString(where, text string) error {
	ok := true
	switch s.Format {
	case "int64", "uint64":
		ok = fits(text, s.Format)
	case "date-time", "google-datetime":
		_, err := time.Parse(time.RFC3339Nano, text)
		ok = err == nil
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		ok = err == nil
	case "byte":
		ok = isBase64(text)
	}
	if !ok {
		return refuse(where, "Invalid value at %q (%s): %q", where, s.Format, text)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		return refuse(where, "Invalid value at %q: %q. Allowed values: [%s]", where, text, strings.Join(s.Enum, ", "))
	}
	return nil
}

func isBase64(text string) bool {
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if _, err := e.DecodeString(text); err == nil {
			return true
		}
	}
	return false
}

func fits(text, format string) bool {
	bits := 64
	if strings.HasSuffix(format, "32") {
		bits = 32
	}
	if strings.HasPrefix(format, "u") {
		_, err := strconv.ParseUint(text, 10, bits)
		return err == nil
	}
	_, err := strconv.ParseInt(text, 10, bits)
	return err == nil
}
