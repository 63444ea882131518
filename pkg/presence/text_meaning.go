package presence

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// limits of what may stand beside a phrase: a make, a model, an address; more is a page about it.
const (
	// maxUnknownWords is the number of other words that an idle screen may show,
	// for example a vendor or an address.
	maxUnknownWords = 5
	// maxWords is the number of words beyond the phrase that an idle screen may
	// show.
	maxWords = 18
)

// reading is the meaning of the text in a picture.
type reading struct {
	// text is the recognised text.
	text string
	// phrase is the recognised phrase, or "" if there is none.
	phrase string
	// clock is set if a time or a date was read.
	clock bool
	// others is the number of legible words that are neither.
	others int
	// label is set if all of these words name an input, a camera or a mode.
	label bool
}

// interpretText returns the meaning of recognised words. A line with a time is a
// clock. If running is set, its label, such as a camera name, belongs to it.
func interpretText(words []ocr.Word, running bool) reading {
	var r reading
	kept := legible(words)
	for _, w := range kept {
		r.text += " " + w.Text
	}
	r.text = strings.TrimSpace(r.text)
	lines := linesOfWords(kept)
	if len(kept) > maxSentenceWords { // a page
		return r.inContext(lines, phraseMatch{}, running)
	}
	classes := newLexicon().classesOf(lines)
	for _, f := range append(findPhrases(lines), findSentences(lines, classes)...) {
		if with := r.inContext(lines, f, running); with.phrase != "" && !isListHeading(lines, classes, f.from.line) {
			return with
		}
	}
	return r.inContext(lines, phraseMatch{}, running)
}

// inContext evaluates the words around a phrase. The zero phraseMatch means no
// phrase.
func (r reading) inContext(lines [][]ocr.Word, f phraseMatch, running bool) reading {
	from := f.from
	to := f.to
	n := 0
	strangers := 0
	sameLine := 0
	for i, line := range lines {
		inPhrase := f.phrase != "" &&
			i >= from.line &&
			i <= to.line
		if !inPhrase && clockLine(line, running) {
			r.clock = true
			continue
		}
		for k, w := range line {
			here := wordPosition{i, k}
			if inPhrase &&
				!from.isAfter(i, k) &&
				!here.isAfter(to.line, to.word) {
				continue // a word of the phrase itself
			}
			n++
			if w.Confidence >= 60 && len([]rune(skeleton(w.Text))) >= 3 ||
				isNumber(w.Text) {
				r.others++
			}
			if isInputTerm(w.Text) || isNumber(w.Text) {
				continue
			}
			strangers++
			if inPhrase {
				sameLine++
			}
		}
	}
	r.label = n > 0 && strangers == 0
	if f.phrase != "" &&
		sameLine == 0 &&
		strangers <= maxUnknownWords &&
		n <= maxWords {
		r.phrase = f.phrase
	}
	return r
}

// wordPosition is the position of a word: line and word number, from 0.
type wordPosition struct{ line, word int }

// isAfter reports whether p comes after the given position.
func (p wordPosition) isAfter(line, word int) bool {
	return p.line > line || p.line == line && p.word > word
}

// legible returns the words with sufficient confidence and length.
func legible(words []ocr.Word) []ocr.Word {
	var out []ocr.Word
	for _, w := range words {
		if w.Confidence >= 45 &&
			(len([]rune(skeleton(w.Text))) >= 2 || isNumber(w.Text)) {
			out = append(out, w)
		}
	}
	return out
}

// linesOfWords groups words into lines by their position in the picture.
func linesOfWords(words []ocr.Word) [][]ocr.Word {
	words = slices.Clone(words)
	mid := func(w ocr.Word) int {
		return (w.Box.Min.Y + w.Box.Max.Y) / 2
	}
	slices.SortStableFunc(words, func(a, b ocr.Word) int { return mid(a) - mid(b) })
	var lines [][]ocr.Word
	for _, w := range words {
		if n := len(lines); n > 0 {
			last := lines[n-1][len(lines[n-1])-1]
			if mid(w)-mid(last) <= max(4, min(w.Box.Dy(), last.Box.Dy())/2) {
				lines[n-1] = append(lines[n-1], w)
				continue
			}
		}
		lines = append(lines, []ocr.Word{w})
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b ocr.Word) int {
			return a.Box.Min.X - b.Box.Min.X
		})
	}
	return lines
}

// phraseMatch is a phrase in a text with the positions of its first and last word.
type phraseMatch struct {
	from, to wordPosition
	phrase   string
}

// findPhrases returns all phrases in a text, the longest first. A phrase may
// continue on the next line.
func findPhrases(lines [][]ocr.Word) []phraseMatch {
	var bones []string
	var places []wordPosition
	for i, line := range lines {
		for k, w := range line {
			bones = append(bones, skeleton(w.Text))
			places = append(places, wordPosition{i, k})
		}
	}
	var all []phraseMatch
	for i := range bones {
		joined := ""
		for k := i; k < min(i+5, len(bones)); k++ {
			joined += bones[k]
			for _, p := range phrases {
				if resembles(joined, skeleton(strings.ReplaceAll(p, " ", ""))) {
					all = append(all, phraseMatch{from: places[i], to: places[k], phrase: p})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b phraseMatch) int {
		return len(b.phrase) - len(a.phrase)
	})
	return all
}

// resembles reports whether read equals want, with one error allowed in a long
// phrase. The first three letters must agree, because "no" stands there.
func resembles(read, want string) bool {
	if read == want {
		return true
	}
	a := []rune(read)
	b := []rune(want)
	if len(b) < 8 ||
		abs(len(a)-len(b)) > 1 ||
		len(a) < 3 ||
		string(a[:3]) != string(b[:3]) {
		return false
	}
	return max(len(a), len(b))-commonLetters(a, b) <= 1
}

// commonLetters returns the length of the common beginning and end of two words.
func commonLetters(a, b []rune) int {
	n := min(len(a), len(b))
	head, tail := 0, 0
	for head < n && a[head] == b[head] {
		head++
	}
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head + tail
}

// clockLine reports whether a line is a clock. With running set, a part of a time
// is enough.
func clockLine(line []ocr.Word, running bool) bool {
	times := 0
	others := 0
	for _, w := range line {
		switch {
		case timeToken.MatchString(w.Text) ||
			mostlyDigits(w.Text) ||
			running && isNumber(w.Text) && !strings.ContainsAny(w.Text, "%()#°"):
			times++ // of what runs, a part that was read is enough
		case !datePart.MatchString(w.Text) && !isNumber(w.Text):
			others++
		}
	}
	return times > 0 && (others == 0 || running && others <= 4)
}

// mostlyDigits reports whether a word is a time in which one letter was misread.
func mostlyDigits(word string) bool {
	digits := 0
	all := 0
	for _, r := range word {
		all++
		if unicode.IsDigit(r) || r == ':' {
			digits++
		}
	}
	return all >= 5 &&
		digits*100 >= 70*all &&
		strings.ContainsAny(word, ":.-")
}

// isNumber reports whether a word consists of digits and separators.
func isNumber(word string) bool {
	return word != "" && strings.Trim(word, "0123456789.,:;-/x×()%#°") == ""
}

// isInputTerm reports whether a word is one of inputTerms, with or without a
// number: HDMI, VGA-1, CAM21.
func isInputTerm(word string) bool {
	bone := skeleton(strings.TrimRight(word, "0123456789-_#/:."))
	return len([]rune(bone)) < 2 ||
		slices.ContainsFunc(inputTerms[:], func(t string) bool { return skeleton(t) == bone })
}

// isListHeading reports whether a line is the heading of a list. A list has two or
// more lines below that share their left edge and differ in length. Lines in the words of devices,
// which have a class, do not count: a splash may say more in a second sentence.
func isListHeading(lines [][]ocr.Word, classes []wordClass, heading int) bool {
	for i := heading + 1; i < len(lines); i++ {
		left := lines[i][0].Box.Min.X
		same := 0
		ends := map[int]bool{}
		for k := heading + 1; k < len(lines); k++ {
			other := lines[k]
			if abs(other[0].Box.Min.X-left) <= 8 && len(other) >= 2 && classes[k] == 0 {
				same++
				ends[other[len(other)-1].Box.Max.X/24] = true
			}
		}
		if same >= 2 && len(ends) >= 2 {
			return true
		}
	}
	return false
}
