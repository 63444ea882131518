package run

import (
	"fmt"
	"strings"
)

// mask is what the parameter fields selects: names, and what of them; an empty one selects all.
type mask map[string]mask

// parseMask reads "name,metadata(a,b/c)".
func parseMask(text string) (mask, error) {
	m, rest, err := parseList(strings.ReplaceAll(text, " ", ""))
	if err == nil && rest != "" {
		err = fmt.Errorf("unexpected %q", rest)
	}
	if err != nil {
		return nil, fmt.Errorf("Invalid field selection: %w", err) //nolint:staticcheck // it is shown as Google shows it
	}
	return m, nil
}

func parseList(text string) (mask, string, error) {
	m := mask{}
	for {
		name, sub, rest, err := parseItem(text)
		if err != nil {
			return nil, "", err
		}
		m[name] = sub
		if !strings.HasPrefix(rest, ",") {
			return m, rest, nil
		}
		text = rest[1:]
	}
}

// parseItem reads a name and what of it: a(b,c), a/b, or all.
func parseItem(text string) (name string, sub mask, rest string, err error) {
	end := strings.IndexAny(text, ",()/")
	if end < 0 {
		end = len(text)
	}
	name, rest = text[:end], text[end:]
	switch {
	case name == "":
		return "", nil, "", fmt.Errorf("a name is missing before %q", text)
	case strings.HasPrefix(rest, "/"):
		inner, deeper, after, err := parseItem(rest[1:])
		return name, mask{inner: deeper}, after, err
	case strings.HasPrefix(rest, "("):
		if sub, rest, err = parseList(rest[1:]); err != nil {
			return "", nil, "", err
		}
		after, closed := strings.CutPrefix(rest, ")")
		if !closed {
			return "", nil, "", fmt.Errorf("a bracket is not closed before %q", rest)
		}
		return name, sub, after, nil
	}
	return name, mask{}, rest, nil
}

// apply keeps what is selected of a value out of JSON.
func (m mask) apply(value any) any {
	if len(m) == 0 || m["*"] != nil {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, sub := range m {
			if field, ok := v[name]; ok {
				kept[name] = sub.apply(field)
			}
		}
		return kept
	case []any:
		for i := range v {
			v[i] = m.apply(v[i])
		}
	}
	return value
}
