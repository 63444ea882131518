package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkQuery holds a request's query parameters against the method's.
func (d *Description) checkQuery(m *Method, query url.Values, upload bool) error {
	for name, values := range query {
		s := m.Parameters[name]
		if s == nil {
			s = d.Parameters[name]
		}
		switch {
		case upload && (name == "upload_id" || name == "uploadType"):
			continue
		case s == nil || s.Location == "path":
			return Invalid(name, "Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field %q could not be found in request message.", name, name)
		case len(values) > 1 && !s.Repeated:
			return Invalid(name, "Parameter %q is given %d times and may be given once.", name, len(values))
		}
		for _, value := range values {
			if err := checkText(s, value); err != nil {
				return Invalid(name, "Invalid value for parameter %q: %s", name, err)
			}
		}
	}
	for name, s := range m.Parameters {
		if s.Required && s.Location == "query" && !query.Has(name) {
			e := Invalid(name, "Required parameter: %s", name)
			e.Reason = "required"
			return e
		}
	}
	return nil
}

// checkText checks a value that is written as text whatever its type.
func checkText(s *Schema, value string) error {
	switch s.Type {
	case "boolean":
		if value != "true" && value != "false" {
			return fmt.Errorf("%q is not a boolean", value)
		}
	case "integer":
		return checkInteger(s, value)
	case "number":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("%q is not a number", value)
		}
	case "string":
		return checkString(s, value)
	}
	return nil
}

func checkInteger(s *Schema, value string) error {
	bits := 64
	if s.Format == "int32" {
		bits = 32
	}
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		return fmt.Errorf("%q is not an integer of %d bits", value, bits)
	}
	if low, err := strconv.ParseInt(s.Minimum, 10, 64); err == nil && n < low {
		return fmt.Errorf("%d is below %d", n, low)
	}
	if high, err := strconv.ParseInt(s.Maximum, 10, 64); err == nil && n > high {
		return fmt.Errorf("%d is above %d", n, high)
	}
	return nil
}

func checkString(s *Schema, value string) error {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Errorf("%q is none of %s", value, strings.Join(s.Enum, ", "))
	}
	var err error
	switch s.Format {
	case "date-time", "google-datetime":
		if _, err = time.Parse(time.RFC3339, value); err != nil {
			err = fmt.Errorf("%q is not a time of RFC 3339 with an offset", value)
		}
	case "date":
		if _, err = time.Parse(time.DateOnly, value); err != nil {
			err = fmt.Errorf("%q is not a date", value)
		}
	case "int64":
		err = checkInteger(&Schema{Format: s.Format}, value)
	case "byte":
		if _, err = base64.StdEncoding.DecodeString(value); err != nil {
			_, err = base64.URLEncoding.DecodeString(value)
		}
	}
	return err
}

// checker walks a value along its schema.
type checker struct {
	description *Description
	method      string // with the API's name; for fields that only some methods want; "" for answers
	partial     bool   // a patch wants nothing
}

// check refuses unknown fields, wrong types, values outside an enumeration and missing fields.
func (c *checker) check(s *Schema, value any, at string) error {
	if s == nil || value == nil {
		return nil // null means: as if it was not there
	}
	s = c.description.resolve(s)
	switch s.Type {
	case "object":
		object, ok := value.(Object)
		if !ok {
			return wrongType(at, "an object")
		}
		return c.checkObject(s, object, at)
	case "array":
		list, ok := value.([]any)
		if !ok {
			return wrongType(at, "an array")
		}
		for i, item := range list {
			if err := c.check(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case "string":
		return c.checkStringValue(s, value, at)
	case "boolean":
		if _, ok := value.(bool); !ok {
			return wrongType(at, "a boolean")
		}
	case "integer", "number":
		text, ok := numberText(value)
		if !ok {
			return wrongType(at, "a number")
		}
		if err := checkText(s, text); err != nil {
			return Invalid(at, "Invalid value at '%s': %s", at, err)
		}
	}
	return nil
}

func (c *checker) checkStringValue(s *Schema, value any, at string) error {
	text, ok := value.(string)
	if number, isNumber := numberText(value); !ok && isNumber && s.Format == "int64" && c.method != "" {
		text, ok = number, true // Google takes both forms and answers with text
	}
	if !ok {
		return wrongType(at, "a string")
	}
	// A date-time beside a time zone may lack its offset; whoever reads it checks more closely.
	if s.Format == "date-time" && c.description.Name == "calendar" {
		s = &Schema{Enum: s.Enum}
	}
	if err := checkString(s, text); err != nil {
		return Invalid(at, "Invalid value at '%s': %s", at, err)
	}
	return nil
}

func (c *checker) checkObject(s *Schema, object Object, at string) error {
	for name, value := range object {
		field := s.Properties[name]
		if field == nil {
			field = s.Additional
		}
		if field == nil {
			return Invalid(name, "Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, at)
		}
		if err := c.check(field, value, at+"."+name); err != nil {
			return err
		}
	}
	if c.partial {
		return nil
	}
	for name, field := range s.Properties {
		if object[name] == nil && slices.Contains(field.Annotations.Required, c.method) {
			e := Invalid(at+"."+name, "Required field: %s", name)
			e.Reason = "required"
			return e
		}
	}
	return nil
}

func wrongType(at, want string) error {
	return Invalid(at, "Invalid value at '%s': want %s.", at, want)
}

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

// strip returns a value without the fields that Google ignores in requests.
func (d *Description) strip(s *Schema, value any) any {
	s = d.resolve(s)
	switch v := value.(type) {
	case Object:
		kept := Object{}
		for name, field := range v {
			property := s.Properties[name]
			if property == nil {
				property = s.Additional
			}
			if !property.outputOnly() {
				kept[name] = d.strip(property, field)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, item := range v {
			kept[i] = d.strip(s.Items, item)
		}
		return kept
	}
	return value
}

// checkAnswer holds a stand-in's own answer against the method's description.
func (d *Description) checkAnswer(m *Method, body Object) error {
	c := &checker{description: d, partial: true}
	if err := c.check(m.Response, body, m.ID); err != nil {
		// Not wrapped: it is our fault, no refusal of the caller's.
		return fmt.Errorf("the stand-in's answer to %s is not as described: %s", m.ID, err.Error())
	}
	return nil
}

// CheckBody checks a request's body, which is then without what Google ignores.
func (d *Description) CheckBody(m *Method, body Object) (Object, error) {
	partial := m.HTTPMethod == http.MethodPatch
	c := &checker{description: d, method: d.Name + "." + m.ID, partial: partial}
	if err := c.check(m.Request, body, strings.ToLower(d.resolve(m.Request).ID)); err != nil {
		return nil, err
	}
	return d.strip(m.Request, body).(Object), nil
}
