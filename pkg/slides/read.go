package slides

import (
	"cmp"
	"image"
	"slices"
	"strings"
	"unicode"

	"github.com/nvr-miem/merger/pkg/ocr"
)

const (
	// leastConfidence is the confidence below which a word is no word.
	leastConfidence = 40
	// longestText and longestTitle bound what is kept of a slide, in characters.
	longestText, longestTitle = 4000, 200
)

// line is a line of a slide's text.
type line struct {
	words []ocr.Word
	box   image.Rectangle
	size  int // height of its letters in pixels
}

// Read returns the title and the text of a slide from the words in its picture, of the given height in
// pixels. The title is the most prominent line: large, and near the top.
func Read(words []ocr.Word, height int) (title, text string) {
	lines := linesOf(words)
	if len(lines) == 0 {
		return "", ""
	}
	var rows []string
	for _, l := range lines {
		rows = append(rows, l.text())
	}
	return cut(titleOf(lines, height), longestTitle), cut(strings.Join(rows, "\n"), longestText)
}

// linesOf returns the lines of words from top to bottom.
func linesOf(words []ocr.Word) []line {
	byName := map[string]*line{}
	var order []*line
	for _, w := range words {
		if w.Confidence < leastConfidence || !strings.ContainsFunc(w.Text, isWritten) {
			continue
		}
		l := byName[w.Line]
		if l == nil {
			l = &line{}
			byName[w.Line] = l
			order = append(order, l)
		}
		l.words = append(l.words, w)
		l.box = l.box.Union(w.Box)
	}
	lines := make([]line, 0, len(order))
	for _, l := range order {
		l.size = letterSize(l.words)
		lines = append(lines, *l)
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.box.Min.Y, b.box.Min.Y), cmp.Compare(a.box.Min.X, b.box.Min.X))
	})
	return joinRows(lines)
}

// joinRows joins lines that stand side by side: Tesseract breaks a line at wide spaces.
func joinRows(lines []line) []line {
	var out []line
	for _, l := range lines {
		if n := len(out); n > 0 {
			last := &out[n-1]
			overlap := min(last.box.Max.Y, l.box.Max.Y) - max(last.box.Min.Y, l.box.Min.Y)
			near := max(l.box.Min.X-last.box.Max.X, last.box.Min.X-l.box.Max.X) < 2*max(last.size, l.size)
			if 2*overlap > min(last.box.Dy(), l.box.Dy()) && near {
				last.words = append(last.words, l.words...)
				last.box = last.box.Union(l.box)
				last.size = letterSize(last.words)
				continue
			}
		}
		out = append(out, l)
	}
	return out
}

// isWritten reports whether a character is a letter or a digit.
func isWritten(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// letterSize returns the height of a line's letters: the middle one of its words' heights.
func letterSize(words []ocr.Word) int {
	heights := make([]int, len(words))
	for i, w := range words {
		heights[i] = w.Box.Dy()
	}
	slices.Sort(heights)
	return heights[len(heights)/2]
}

// text returns the words of the line from left to right, without a bullet before them.
func (l *line) text() string {
	words := slices.SortedStableFunc(slices.Values(l.words), func(a, b ocr.Word) int {
		return cmp.Compare(a.Box.Min.X, b.Box.Min.X)
	})
	if len(words) > 1 && isBullet(words[0].Text) {
		words = words[1:]
	}
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = w.Text
	}
	return strings.Join(parts, " ")
}

// isBullet reports whether the first word of a line is the mark of a list. Tesseract reads a round one as an
// e.
func isBullet(word string) bool {
	return slices.Contains([]string{"e", "•", "*", "-", "–", "—"}, word)
}

// letters returns the number of letters in a line.
func (l *line) letters() int {
	n := 0
	for _, r := range l.text() {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// titleOf returns the most prominent line, with the lines that it goes on in.
func titleOf(lines []line, height int) string {
	best, most := -1, 0
	for i := range lines {
		l := &lines[i]
		if letters := l.letters(); letters < 2 || letters < 3 && 2*l.box.Min.Y > height {
			continue // below, two letters are a pattern or a logo rather than a title
		}
		// A line at the bottom counts as 0.6 of one at the top.
		if score := l.size * (10*height - 4*l.box.Min.Y); score > most {
			best, most = i, score
		}
	}
	if best < 0 {
		return ""
	}
	title := lines[best].text()
	for i := best + 1; i < len(lines) && i < best+3; i++ {
		above, l := &lines[i-1], &lines[i]
		apart := l.box.Min.Y - above.box.Max.Y
		alike := 5*l.size > 4*lines[best].size && 4*l.size < 5*lines[best].size
		if !alike || apart > lines[best].size || i+1 == len(lines) && i > best+1 {
			break
		}
		title += " " + l.text()
	}
	return title
}

// cut returns a text without control characters but line feeds, and at most most characters of it.
func cut(text string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || r == unicode.ReplacementChar) {
			return -1
		}
		return r
	}, text))
	return string(runes[:min(len(runes), most)])
}
