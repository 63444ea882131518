package apidesc

import "strings"

// Fields is what the parameter fields selects of an answer: names, and what of them. Nil, and one
// without entries, selects all.
type Fields map[string]Fields

// fieldsDepth bounds the nesting of a selection. No answer is as deep.
const fieldsDepth = 30

// every is the name that selects every field.
const every = "*"

// ParseFields reads a selection: a,b/c,d(e,f/g),*. The empty text selects all. An error is a
// [*Problem].
func ParseFields(text string) (Fields, error) {
	if text == "" {
		return nil, nil
	}
	p := &fieldsParser{text: text}
	selected := Fields{}
	if err := p.list(selected, 0); err != nil {
		return nil, err
	}
	if p.at < len(text) {
		return nil, invalidFields(text)
	}
	return selected, nil
}

// invalidFields returns Google's answer to a fields parameter that it cannot parse, or that selects an
// unknown field.
func invalidFields(text string) error {
	return &Problem{
		Location: "fields",
		Reason:   reasonParameter,
		Message:  "Invalid field selection " + text,
	}
}

// fieldsParser parses a partial response's fields parameter, for example "files(id,name),nextPageToken".
type fieldsParser struct {
	text string
	at   int // offset of the next byte
}

// next returns the next byte, or 0 at the end.
func (p *fieldsParser) next() byte {
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// list reads paths separated by commas.
func (p *fieldsParser) list(into Fields, depth int) error {
	for {
		if err := p.path(into, depth); err != nil {
			return err
		}
		if p.next() != ',' {
			return nil
		}
		p.at++
	}
}

// path reads a/b/c or a/b(...).
func (p *fieldsParser) path(into Fields, depth int) error {
	for ; ; depth++ {
		name := p.name()
		if name == "" || depth > fieldsDepth {
			return invalidFields(p.text)
		}
		inner := into.enter(name)
		switch p.next() {
		case '/', '.':
			p.at++
			into = inner
		case '(':
			return p.group(inner, depth+1)
		default:
			clear(inner) // all of it
			return nil
		}
	}
}

// enter returns the selection below a name. It stays complete if all of the name was selected
// before.
func (f Fields) enter(name string) Fields {
	inner, seen := f[name]
	switch {
	case !seen:
		inner = Fields{}
	case len(inner) == 0:
		inner = Fields{every: Fields{}}
	}
	f[name] = inner
	return inner
}

// group reads a list in parentheses.
func (p *fieldsParser) group(into Fields, depth int) error {
	p.at++
	if err := p.list(into, depth); err != nil {
		return err
	}
	if p.next() != ')' {
		return invalidFields(p.text)
	}
	p.at++
	return nil
}

// name reads a field name up to the next delimiter. It may be empty.
func (p *fieldsParser) name() string {
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune("/.,()", rune(p.text[p.at])) {
		p.at++
	}
	return strings.TrimSpace(p.text[start:p.at])
}

// CheckFields refuses fields that the method's answer cannot have. An error is a [*Problem].
func (m *Method) CheckFields(selected Fields) error {
	return m.api.checkFields(m.response, selected)
}

// checkFields checks that selected fields exist. A selection within an array is about its items.
func (a *API) checkFields(s *schema, selected Fields) error {
	s = a.resolve(s)
	for s != nil && s.Type == "array" {
		s = a.resolve(s.Items)
	}
	for name, inner := range selected {
		if err := a.checkField(s, name, inner); err != nil {
			return err
		}
	}
	return nil
}

// checkField checks one name of a selection and what is selected below it.
func (a *API) checkField(s *schema, name string, inner Fields) error {
	if s == nil {
		return invalidFields(name)
	}
	if s.Type == "any" {
		return nil // it may hold whatever is selected
	}
	if name == every {
		if len(inner) == 0 || s.Additional == nil {
			return nil
		}
		return a.checkFields(s.Additional, inner)
	}
	field := s.field(name)
	if field == nil {
		return invalidFields(name)
	}
	return a.checkFields(field, inner)
}

// Select returns the selected fields of a JSON value. It does not change the value.
func (f Fields) Select(value any) any {
	if len(f) == 0 {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		return f.SelectObject(v)
	case []any:
		kept := make([]any, len(v))
		for i, item := range v {
			kept[i] = f.Select(item)
		}
		return kept
	}
	return value
}

// SelectObject returns the selected fields of an object. It does not change the object.
func (f Fields) SelectObject(object map[string]any) map[string]any {
	if len(f) == 0 {
		return object
	}
	kept := map[string]any{}
	for name, value := range object {
		inner, wanted := f[name]
		if !wanted {
			inner, wanted = f[every]
		}
		if wanted {
			kept[name] = inner.Select(value)
		}
	}
	return kept
}
