package calendar

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/nvr-miem/merger/pkg/homoglyph"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	maxDescription = 64 << 10 // bytes; Calendar's own limit is 8192 characters
	minBareCode    = 3        // characters of a code that stands alone
	maxCode        = 200      // characters
)

// HasOptOutWords reports whether a description asks for no recording. The words count in a row of their own,
// alone or with words of courtesy. A sentence that merely holds them does not count: "entry without sign-up"
// is the same two words in Russian. A row may be broken between the words.
func HasOptOutWords(description string) bool {
	lines := Lines(description)
	for i, line := range lines {
		if asksNoRecording(line) || i > 0 && asksNoRecording(lines[i-1]+" "+line) {
			return true
		}
	}
	return false
}

// asksNoRecording reports whether a row consists of the words of an opt-out, at least once, and of courtesy.
func asksNoRecording(line string) bool {
	words := wordsOf(line)
	var rest []string
	for i := 0; i < len(words); i++ {
		if i+1 < len(words) && isOptOut(words[i], words[i+1]) {
			i++
			continue
		}
		rest = append(rest, words[i])
	}
	if len(rest) == len(words) {
		return false
	}
	return !slices.ContainsFunc(rest, func(word string) bool { return !isCourtesy(word) })
}

// wordsOf returns the words of a text, folded for comparison.
func wordsOf(text string) []string {
	return strings.FieldsFunc(homoglyph.Fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// isOptOut reports whether two folded words are those of an opt-out.
func isOptOut(first, second string) bool {
	both := first + " " + second
	return both == homoglyph.Fold("без записи") || both == homoglyph.Fold("no recording")
}

// courtesy are the words that may stand in the row of an opt-out.
const courtesy = `пожалуйста прошу просим просьба убедительная спасибо благодарю заранее и или
 проводить провести сделать вести проводим проводится пройдет состоится будет
 лекция лекцию занятие семинар пара пару встреча встречу событие мероприятие сегодня эта эту это наша нашу
 please kindly thanks thank you and or the this there will be held we ask for want
 lecture class seminar meeting event session today`

// isCourtesy reports whether a folded word may stand in the row of an opt-out.
func isCourtesy(word string) bool {
	return slices.Contains(wordsOf(courtesy), word)
}

// CourseCode finds the course that a description names: a row "поток: CODE" or "course: CODE" (named is
// true), else a code alone on the first line, which may also be any other word.
func CourseCode(description string) (code string, named bool) {
	lines := Lines(description)
	for _, line := range lines {
		if code = cleanCode(afterKeyword(line, "поток", "course")); code != "" {
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

// Layout returns the layout that a description names in a row "layout: stage" or "вид: сцена". It is empty if there
// is none, or if the word is not known.
func Layout(description string) nvr.Layout {
	for _, line := range Lines(description) {
		switch strings.Join(wordsOf(afterKeyword(line, "layout", "вид")), " ") {
		case homoglyph.Fold("side"), homoglyph.Fold("рядом"):
			return nvr.LayoutSide
		case homoglyph.Fold("stage"), homoglyph.Fold("сцена"):
			return nvr.LayoutStage
		}
	}
	return ""
}

// Hold reports whether a description asks to hold the video: a row consists of "hold" or "на проверку".
func Hold(description string) bool {
	return slices.ContainsFunc(Lines(description), func(line string) bool {
		words := strings.Join(wordsOf(line), " ")
		return words == homoglyph.Fold("hold") || words == homoglyph.Fold("на проверку")
	})
}

// afterKeyword returns what stands behind one of the keywords in a row like "• Поток: CODE". It is empty if the
// row begins with none of them.
func afterKeyword(line string, keywords ...string) string {
	line = strings.TrimLeftFunc(line, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	at := strings.IndexAny(line, ":：") // the second is the full-width colon
	if at < 0 {
		return ""
	}
	_, size := utf8.DecodeRuneInString(line[at:])
	word := homoglyph.Fold(strings.Trim(line[:at], "*_ \u00a0\t"))
	if !slices.ContainsFunc(keywords, func(k string) bool { return word == homoglyph.Fold(k) }) {
		return ""
	}
	return line[at+size:]
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

// stripTags resolves entities and removes the tags of HTML. A tag that ends a row becomes a line break.
// Anything else that begins with "<" is text, because plain descriptions hold it too.
func stripTags(text string) string {
	var out strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(text))
	tokens.SetMaxBuf(maxDescription)
	for {
		kind := tokens.Next()
		raw := string(tokens.Raw())
		switch kind {
		case html.ErrorToken: // the end, or a tag that the end cuts off
			out.WriteString(html.UnescapeString(raw))
			return out.String()
		case html.TextToken:
			out.WriteString(html.UnescapeString(raw))
		case html.CommentToken:
			if !strings.HasPrefix(raw, "<!--") {
				out.WriteString(html.UnescapeString(raw))
			}
		case html.DoctypeToken:
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			switch tag := atom.Lookup(name); {
			case tag == 0:
				out.WriteString(html.UnescapeString(raw))
			case breaksRow(tag):
				out.WriteByte('\n')
			}
		}
	}
}

// breaksRow reports whether a browser shows what follows the tag in a new row.
func breaksRow(tag atom.Atom) bool {
	switch tag { //nolint:exhaustive // every other tag stands inside a row
	case atom.Br, atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Hr,
		atom.Table, atom.Thead, atom.Tbody, atom.Tr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Blockquote, atom.Pre, atom.Section, atom.Article, atom.Html, atom.Head, atom.Body:
		return true
	}
	return false
}
