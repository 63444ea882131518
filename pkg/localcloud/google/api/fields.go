package api

import (
	"net/http"
	"strings"
)

// mask says which fields of an answer are wanted. A nil mask, and one without entries, wants all.
type mask map[string]mask

const maskDepth = 30 // deeper than any answer

// parseMask reads Google's field selections: a,b/c,d(e,f/g),*.
func parseMask(text string) (mask, error) {
	p := &maskParser{text: text}
	m := mask{}
	if err := p.list(m, 0); err != nil {
		return nil, err
	}
	if p.at < len(text) {
		return nil, p.fail()
	}
	return m, nil
}

type maskParser struct {
	text string
	at   int
}

func (p *maskParser) fail() error {
	e := Refuse(http.StatusBadRequest, "invalidParameter", "Invalid field selection %s", p.text)
	e.Location = "fields"
	return e
}

func (p *maskParser) list(into mask, depth int) error {
	for {
		if err := p.path(into, depth); err != nil {
			return err
		}
		if p.at >= len(p.text) || p.text[p.at] != ',' {
			return nil
		}
		p.at++
	}
}

// path reads a/b/c or a/b(…) into the mask.
func (p *maskParser) path(into mask, depth int) error {
	for ; ; depth++ {
		name := p.name()
		if name == "" || depth > maskDepth {
			return p.fail()
		}
		inner, seen := into[name]
		if inner == nil {
			inner = mask{}
		}
		next := byte(0)
		if p.at < len(p.text) {
			next = p.text[p.at]
		}
		if seen && len(into[name]) == 0 {
			inner = mask{"*": mask{}} // all of it was asked for before
		}
		into[name] = inner
		switch next {
		case '/', '.':
			p.at++
			into = inner
		case '(':
			p.at++
			if err := p.list(inner, depth+1); err != nil {
				return err
			}
			if p.at >= len(p.text) || p.text[p.at] != ')' {
				return p.fail()
			}
			p.at++
			return nil
		default:
			clear(inner)
			return nil
		}
	}
}

func (p *maskParser) name() string {
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune("/.,()", rune(p.text[p.at])) {
		p.at++
	}
	return strings.TrimSpace(p.text[start:p.at])
}

// checkMask refuses fields that the answer cannot have.
func (d *Description) checkMask(s *Schema, m mask) error {
	s = d.resolve(s)
	for s != nil && s.Type == "array" {
		s = d.resolve(s.Items)
	}
	for name, inner := range m {
		if s == nil {
			return noField(name)
		}
		if name == "*" {
			if len(inner) == 0 {
				continue
			}
			if s.Additional != nil {
				if err := d.checkMask(s.Additional, inner); err != nil {
					return err
				}
			}
			continue
		}
		field := s.Properties[name]
		if field == nil {
			field = s.Additional
		}
		if field == nil && s.Type != "any" {
			return noField(name)
		}
		if err := d.checkMask(field, inner); err != nil {
			return err
		}
	}
	return nil
}

func noField(name string) error {
	e := Refuse(http.StatusBadRequest, "invalidParameter", "Invalid field selection %s", name)
	e.Location = "fields"
	return e
}

// cut returns what the mask wants of a value.
func (m mask) cut(value any) any {
	if len(m) == 0 {
		return value
	}
	switch v := value.(type) {
	case Object:
		kept := Object{}
		for name, field := range v {
			inner, wanted := m[name]
			every, all := m["*"]
			if !wanted && all {
				inner, wanted = every, true
			}
			if !wanted {
				continue
			}
			kept[name] = inner.cut(field)
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, item := range v {
			kept[i] = m.cut(item)
		}
		return kept
	}
	return value
}
