package captions

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Word is a recognised word.
type Word struct {
	// Text has no spaces. Punctuation belongs to the word before it.
	Text       string
	Start, End time.Duration
}

// Span is a stretch of time, [Start, End).
type Span struct{ Start, End time.Duration }

// Clean returns words that can be laid out: in order of time, without overlap, without spaces and control
// characters in their texts. Where two words overlap, the first one ends as the second one begins. Several
// words in one text share its time by their letters.
func Clean(words []Word) []Word {
	sorted := slices.SortedStableFunc(slices.Values(words), func(a, b Word) int {
		return cmp.Compare(a.Start, b.Start)
	})
	var clean []Word
	for i, w := range sorted {
		texts := strings.FieldsFunc(w.Text, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
		})
		start := max(w.Start, 0)
		end := max(w.End, start)
		if i+1 < len(sorted) {
			end = min(end, max(sorted[i+1].Start, start))
		}
		clean = append(clean, share(texts, start, end)...)
	}
	return clean
}

// share divides a time among texts by their letters.
func share(texts []string, start, end time.Duration) []Word {
	total := 0
	for _, text := range texts {
		total += utf8.RuneCountInString(text)
	}
	var words []Word
	before := 0
	at := func(letters int) time.Duration {
		return start + (end-start)*time.Duration(letters)/time.Duration(total)
	}
	for _, text := range texts {
		letters := utf8.RuneCountInString(text)
		words = append(words, Word{Text: text, Start: at(before), End: at(before + letters)})
		before += letters
	}
	return words
}

// Transcript returns the words as text. A pause of paragraphPause begins a paragraph.
func Transcript(words []Word) string {
	const paragraphPause = 2 * time.Second
	var text strings.Builder
	last := time.Duration(0)
	for i, w := range Clean(words) {
		switch {
		case i == 0:
		case w.Start-last >= paragraphPause:
			text.WriteString("\n\n")
		default:
			text.WriteString(" ")
		}
		text.WriteString(w.Text)
		last = w.End
	}
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	return text.String()
}
