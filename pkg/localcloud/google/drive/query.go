package drive

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// condition reports whether a query finds a file. It runs inside a view.
type condition func(d *Drive, f *file, user string) bool

const queryDepth = 100 // of parentheses and nots

// parseQuery reads the parameter q of files.list: conditions, and, or, not, parentheses.
func parseQuery(q string) (condition, error) {
	if strings.TrimSpace(q) == "" {
		return func(*Drive, *file, string) bool { return true }, nil
	}
	words, ok := lexQuery(q)
	if !ok {
		return nil, badQuery()
	}
	p := &queryParser{words: words}
	found, ok := p.or(0)
	if !ok || p.at != len(words) {
		return nil, badQuery()
	}
	return found, nil
}

// badQuery is the refusal of a query.
func badQuery() error {
	return api.Invalid("q", "Invalid Value")
}

// word is a token of a query: a name, an operator, or a quoted text.
type word struct {
	text   string
	quoted bool
}

// lexQuery splits a query into tokens.
func lexQuery(q string) ([]word, bool) {
	var words []word
	for at := 0; at < len(q); {
		c := q[at]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			at++
		case c == '\'':
			text, length, ok := unquote(q[at:])
			if !ok {
				return nil, false
			}
			words = append(words, word{text, true})
			at += length
		case strings.IndexByte("(){}=", c) >= 0:
			words = append(words, word{q[at : at+1], false})
			at++
		case strings.IndexByte("<>!", c) >= 0:
			length := 1
			if at+1 < len(q) && q[at+1] == '=' {
				length = 2
			}
			words = append(words, word{q[at : at+length], false})
			at += length
		default:
			length := strings.IndexFunc(
				q[at:], func(r rune) bool {
					return !unicode.IsLetter(r) && r != '.'
				},
			)
			if length < 0 {
				length = len(q) - at
			}
			if length == 0 {
				return nil, false
			}
			words = append(words, word{q[at : at+length], false})
			at += length
		}
	}
	return words, true
}

// unquote reads a quoted text, in which \' stands for a quote and \\ for a backslash. It returns
// the number of bytes read.
func unquote(q string) (text string, length int, ok bool) {
	var b strings.Builder
	for at := 1; at < len(q); at++ {
		switch q[at] {
		case '\'':
			return b.String(), at + 1, true
		case '\\':
			at++
			if at == len(q) || q[at] != '\'' && q[at] != '\\' {
				return "", 0, false
			}
			b.WriteByte(q[at])
		default:
			b.WriteByte(q[at])
		}
	}
	return "", 0, false
}

// queryParser parses by recursive descent: or, and, not, term.
type queryParser struct {
	words []word
	at    int
}

// next takes the next token if it is the given unquoted one.
func (p *queryParser) next(text string) bool {
	if p.at < len(p.words) && !p.words[p.at].quoted && strings.EqualFold(p.words[p.at].text, text) {
		p.at++
		return true
	}
	return false
}

// take returns the next token.
func (p *queryParser) take() (word, bool) {
	if p.at == len(p.words) {
		return word{}, false
	}
	p.at++
	return p.words[p.at-1], true
}

// or parses conditions joined by or.
func (p *queryParser) or(depth int) (condition, bool) {
	left, ok := p.and(depth)
	for ok && p.next("or") {
		one := left
		other, good := p.and(depth)
		if !good {
			return nil, false
		}
		left = func(d *Drive, f *file, user string) bool {
			return one(d, f, user) || other(d, f, user)
		}
	}
	return left, ok
}

// and parses conditions joined by and.
func (p *queryParser) and(depth int) (condition, bool) {
	left, ok := p.not(depth)
	for ok && p.next("and") {
		one := left
		other, good := p.not(depth)
		if !good {
			return nil, false
		}
		left = func(d *Drive, f *file, user string) bool {
			return one(d, f, user) && other(d, f, user)
		}
	}
	return left, ok
}

// not parses a negation, a condition in parentheses or a term.
func (p *queryParser) not(depth int) (condition, bool) {
	if depth > queryDepth {
		return nil, false
	}
	if p.next("not") {
		inner, ok := p.not(depth + 1)
		return func(d *Drive, f *file, user string) bool {
			return !inner(d, f, user)
		}, ok
	}
	if p.next("(") {
		inner, ok := p.or(depth + 1)
		return inner, ok && p.next(")")
	}
	return p.term()
}

// term parses one condition: 'x' in parents, or a field, an operator and a value.
func (p *queryParser) term() (condition, bool) {
	first, ok := p.take()
	if !ok {
		return nil, false
	}
	if first.quoted {
		if !p.next("in") {
			return nil, false
		}
		collection, ok := p.take()
		return memberOf(
			first.text, collection.text,
		), ok && !collection.quoted && memberOf(first.text, collection.text) != nil
	}
	if first.text == "sharedWithMe" && !p.next("=") {
		return sharedWith, true
	}
	if first.text == "properties" || first.text == "appProperties" {
		return p.property(first.text)
	}
	operator, ok := p.take()
	if first.text == "sharedWithMe" {
		operator, p.at = word{text: "="}, p.at-1 // it was taken already
	}
	value, some := p.take()
	if !ok || !some || operator.quoted {
		return nil, false
	}
	found := compare(first.text, strings.ToLower(operator.text), value)
	return found, found != nil
}

// property parses: has { key='k' and value='v' }.
func (p *queryParser) property(field string) (condition, bool) {
	if !p.next("has") || !p.next("{") || !p.next("key") || !p.next("=") {
		return nil, false
	}
	key, ok := p.take()
	if !ok || !key.quoted || !p.next("and") || !p.next("value") || !p.next("=") {
		return nil, false
	}
	value, ok := p.take()
	if !ok || !value.quoted || !p.next("}") {
		return nil, false
	}
	return func(_ *Drive, f *file, _ string) bool {
		got, set := api.Child(f.Resource, field)[key.text].(string)
		return set && got == value.text
	}, true
}

// sharedWith reports whether a file was shared with a user who does not own it.
func sharedWith(d *Drive, f *file, user string) bool {
	return user != "" && !sameAddress(f.Owner, user) && d.role(f, user, true) > nothing
}

// memberOf returns the condition 'value' in collection.
func memberOf(value, collection string) condition {
	switch collection {
	case "parents":
		return func(_ *Drive, f *file, user string) bool {
			if value == "root" {
				return slices.Contains(f.parents(), rootOf(user))
			}
			return slices.Contains(f.parents(), value)
		}
	case "owners":
		return func(_ *Drive, f *file, _ string) bool {
			return sameAddress(f.Owner, value)
		}
	case "writers", "readers":
		least := roleOf(strings.TrimSuffix(collection, "s"))
		return func(_ *Drive, f *file, _ string) bool {
			return f.Owner != "" && f.given(value, true) >= least
		}
	}
	return nil
}

// compare returns the condition of a field, an operator and a value, or nil if Drive knows no
// such condition.
func compare(field, operator string, value word) condition {
	switch field {
	case "name", "mimeType", "fullText", "shortcutDetails.targetId":
		if !value.quoted {
			return nil
		}
		return compareText(field, operator, value.text)
	case "trashed", "starred", "sharedWithMe":
		if value.quoted || value.text != "true" && value.text != "false" ||
			operator != "=" && operator != "!=" {
			return nil
		}
		want := (value.text == "true") == (operator == "=")
		return func(d *Drive, f *file, user string) bool {
			switch field {
			case "trashed":
				return d.trashed(f) == want
			case "starred":
				return api.True(f.Resource, field) == want
			}
			return sharedWith(d, f, user) == want
		}
	case "createdTime", "modifiedTime", "viewedByMeTime":
		if !value.quoted {
			return nil
		}
		return compareTime(field, operator, value.text)
	}
	return nil
}

// compareText returns a condition on a text field.
func compareText(field, operator, value string) condition {
	read := func(f *file) string { return api.Text(f.Resource, field) }
	switch field {
	case "fullText":
		if operator != "contains" {
			return nil
		}
		read = func(f *file) string {
			return f.name() + " " + api.Text(f.Resource, "description")
		}
	case "shortcutDetails.targetId":
		read = func(f *file) string {
			return api.Text(api.Child(f.Resource, "shortcutDetails"), "targetId")
		}
	}
	switch operator {
	case "=":
		// Drive does not tell large letters from small ones in names.
		return func(_ *Drive, f *file, _ string) bool {
			return strings.EqualFold(read(f), value)
		}
	case "!=":
		return func(_ *Drive, f *file, _ string) bool {
			return !strings.EqualFold(read(f), value)
		}
	case "contains":
		return func(_ *Drive, f *file, _ string) bool {
			return containsWord(read(f), value)
		}
	}
	return nil
}

// containsWord reports whether a text contains a value at the beginning of a word, as Drive's
// contains does.
func containsWord(text, value string) bool {
	text, value = strings.ToLower(text), strings.ToLower(strings.TrimSpace(value))
	inWord := false
	for at, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if (!inWord || !letter) && strings.HasPrefix(text[at:], value) {
			return true
		}
		inWord = letter
	}
	return value == ""
}

// compareTime returns a condition on a time.
func compareTime(field, operator, value string) condition {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		if at, err = time.Parse("2006-01-02T15:04:05", value); err != nil {
			return nil
		}
	}
	wanted := map[string][]int{
		"=":  {0},
		"!=": {-1, 1},
		"<":  {-1},
		"<=": {-1, 0},
		">":  {1},
		">=": {0, 1},
	}[operator]
	if wanted == nil {
		return nil
	}
	return func(_ *Drive, f *file, _ string) bool {
		got, err := time.Parse(time.RFC3339, api.Text(f.Resource, field))
		return err == nil && slices.Contains(wanted, got.Compare(at))
	}
}
