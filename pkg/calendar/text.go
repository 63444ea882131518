package calendar

import (
	"encoding/base64"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/homoglyph"
)

const (
	maxTag         = 2048     // bytes of a tag; what is longer is text
	maxDescription = 64 << 10 // bytes; Calendar's own limit is 8192 characters
	minBareCode    = 3        // characters of a code that stands alone
	maxCode        = 200      // characters
)

// OptOut reports whether a description asks for no recording.
func OptOut(description string) bool {
	text := homoglyph.Fold(strings.Join(Lines(description), " "))
	for _, words := range []string{homoglyph.Fold("без записи"), homoglyph.Fold("no recording")} {
		for at := 0; ; {
			i := strings.Index(text[at:], words)
			if i < 0 {
				break
			}
			before, _ := utf8.DecodeLastRuneInString(text[:at+i]) // RuneError at the beginning, which is no letter
			if !unicode.IsLetter(before) {
				return true
			}
			at += i + len(words)
		}
	}
	return false
}

// CourseCode finds the course that a description names: a row "поток: CODE" or "course: CODE" (named is
// true), else a code alone on the first line, which may also be any other word.
func CourseCode(description string) (code string, named bool) {
	lines := Lines(description)
	for _, line := range lines {
		if code = afterKeyword(line); code != "" {
			return code, true
		}
	}
	if len(lines) == 0 {
		return "", false
	}
	code = cleanCode(lines[0])
	if n := utf8.RuneCountInString(code); n < minBareCode || n > maxCode/2 || strings.IndexFunc(code, notInBareCode) >= 0 {
		return "", false
	}
	return code, false
}

func notInBareCode(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./", r)
}

// afterKeyword gives the code of a row like "• Поток: CODE"; empty if it is no such row.
func afterKeyword(line string) string {
	line = strings.TrimLeftFunc(line, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	at := strings.IndexAny(line, ":：") // the second is the full-width colon
	if at < 0 {
		return ""
	}
	_, size := utf8.DecodeRuneInString(line[at:])
	word := homoglyph.Fold(strings.Trim(line[:at], "*_ \u00a0\t"))
	if word != homoglyph.Fold("поток") && word != homoglyph.Fold("course") {
		return ""
	}
	return cleanCode(line[at+size:])
}

// cleanCode takes off what people put around a code, and writes it in one alphabet.
func cleanCode(text string) string {
	text = strings.Join(strings.Fields(strings.Map(visible, text)), " ")
	text = strings.Trim(text, " \t\"'`*_«»“”„<>()[]{}.,;:!")
	if id, ok := courseOfLink(text); ok {
		return id
	}
	if utf8.RuneCountInString(text) > maxCode {
		return ""
	}
	return homoglyph.Canonicalize(text)
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.IsControl(r), r == utf8.RuneError:
		return -1
	}
	return r
}

// courseOfLink reads a link to a course, whose last part is the course's id in base 64.
func courseOfLink(text string) (id string, ok bool) {
	_, path, ok := strings.Cut(text, "://classroom.google.com/")
	if !ok {
		return "", false
	}
	_, part, ok := strings.Cut("/"+path, "/c/")
	if !ok {
		return "", false
	}
	part, _, _ = strings.Cut(part, "/")
	part, _, _ = strings.Cut(part, "?")
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil || len(raw) == 0 || strings.Trim(string(raw), "0123456789") != "" {
		return "", false
	}
	return string(raw), true
}

// Lines gives the rows of a description as a reader sees them: tags and entities resolved, no row
// that shows nothing.
func Lines(description string) []string {
	if len(description) > maxDescription {
		description = description[:maxDescription]
	}
	text := strings.ToValidUTF8(stripTags(description), "")
	var lines []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\v'
	}) {
		if strings.TrimFunc(line, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
		}) != "" {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// stripTags resolves entities and removes the tags that calendars write; those that end a row become
// a line break. Any other "<" is text: plain descriptions hold them too.
func stripTags(text string) string {
	var out strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			break
		}
		out.WriteString(html.UnescapeString(text[:at]))
		text = text[at:]
		name, size := tag(text)
		switch {
		case size == 0:
			out.WriteByte('<')
			size = 1
		case breaksRow(name):
			out.WriteByte('\n')
		}
		text = text[size:]
	}
	out.WriteString(html.UnescapeString(text))
	return out.String()
}

// tag reads the tag or comment that text begins with; size is 0 if it is none that we know.
func tag(text string) (name string, size int) {
	bounded := text[:min(len(text), maxTag)]
	if strings.HasPrefix(bounded, "<!--") {
		if end := strings.Index(bounded, "-->"); end > 0 {
			return "", end + len("-->")
		}
		return "", 0
	}
	start := 1
	if strings.HasPrefix(bounded, "</") {
		start = 2
	}
	end := start
	for end < len(bounded) && isASCIIAlphanumeric(bounded[end]) {
		end++
	}
	name = strings.ToLower(bounded[start:end])
	if !breaksRow(name) && !isInline(name) {
		return "", 0
	}
	var quote byte
	for i := end; i < len(bounded); i++ {
		switch c := bounded[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return name, i + 1
		}
	}
	return "", 0
}

func isASCIIAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// The tags of descriptions, each between spaces.
const (
	rowTags    = " br p div li ul ol tr table tbody thead h1 h2 h3 h4 h5 h6 hr blockquote pre section article body html head "
	inlineTags = " a b i u s em strong span font small big sub sup code tt strike del ins td th img wbr label mark abbr cite q nobr center meta style o "
)

func breaksRow(name string) bool {
	return strings.Contains(rowTags, " "+name+" ")
}

func isInline(name string) bool {
	return strings.Contains(inlineTags, " "+name+" ")
}
