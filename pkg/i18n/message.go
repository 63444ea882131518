package i18n

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
)

// message is a text with placeholders, or one text a plural form of the argument count.
type message struct {
	pieces []piece
	count  string // name of the argument that chooses the form; empty if the text has no forms
	forms  map[plural.Form][]piece
}

// piece is literal text, or a placeholder if name is not empty.
type piece struct {
	text   string
	name   string
	format string
}

// parseMessage reads a text of a locale file: a string, or an object with plural forms.
func parseMessage(value any) (message, error) {
	switch value := value.(type) {
	case string:
		pieces, err := parsePieces(value)
		return message{pieces: pieces}, err
	case map[string]any:
		return parsePlural(value)
	}
	return message{}, fmt.Errorf("neither a text nor an object: %v", value)
}

func parsePlural(object map[string]any) (message, error) {
	count, ok := object["plural"].(string)
	if !ok {
		return message{}, fmt.Errorf("plural names no argument")
	}
	m := message{count: count, forms: map[plural.Form][]piece{}}
	known := forms()
	for name, value := range object {
		if name == "plural" {
			continue
		}
		form, ok := known[name]
		text, isText := value.(string)
		if !ok || !isText {
			return message{}, fmt.Errorf("plural form %q is unknown or no text", name)
		}
		pieces, err := parsePieces(text)
		if err != nil {
			return message{}, err
		}
		m.forms[form] = pieces
	}
	if m.forms[plural.Other] == nil {
		return message{}, fmt.Errorf("plural form %q is missing", "other")
	}
	return m, nil
}

// parsePieces splits a text at its placeholders.
func parsePieces(text string) ([]piece, error) {
	pieces := []piece{}
	for text != "" {
		start := strings.IndexByte(text, '{')
		if start < 0 {
			return append(pieces, piece{text: text}), nil
		}
		if strings.HasPrefix(text[start:], "{{") {
			pieces = append(pieces, piece{text: text[:start+1]})
			text = text[start+2:]
			continue
		}
		end := strings.IndexByte(text[start:], '}')
		if end < 0 {
			return nil, fmt.Errorf("placeholder without an end in %q", text)
		}
		if start > 0 {
			pieces = append(pieces, piece{text: text[:start]})
		}
		name, format, _ := strings.Cut(text[start+1:start+end], "|")
		if name == "" {
			return nil, fmt.Errorf("placeholder without a name in %q", text)
		}
		pieces = append(pieces, piece{name: name, format: format})
		text = text[start+end+1:]
	}
	return pieces, nil
}

// names returns the arguments that the message uses, sorted.
func (m message) names() []string {
	var names []string
	add := func(pieces []piece) {
		for _, p := range pieces {
			if p.name != "" {
				names = append(names, p.name)
			}
		}
	}
	add(m.pieces)
	for _, pieces := range m.forms {
		add(pieces)
	}
	if m.count != "" {
		names = append(names, m.count)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
