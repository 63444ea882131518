package captions

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// The form of a cue. It follows what broadcasters ask for.
const (
	// maxLines and maxLetters bound the text of a cue: lines, and letters in a line.
	maxLines, maxLetters = 2, 42
	// minCue and maxCue bound how long a cue stands.
	minCue, maxCue = time.Second, 7 * time.Second
	// pause is the silence between two words that ends a cue.
	pause = time.Second
	// edge is how far the end of a cue may be from its last word, so that it can be read. A cue of less than
	// minCue stands longer.
	edge = 200 * time.Millisecond
	// readTime is how long a reader needs for a word: 180 words a minute.
	readTime = time.Minute / 180
)

// Cue is a text that stands in the picture for a time.
type Cue struct {
	Start, End time.Duration
	Lines      []string
}

// Cues lays words out as cues. Every word stands in one of them, in order, and no two cues overlap. A cue
// stands as long as its words are spoken, at most edge longer where they are spoken faster than they can be
// read, and no cue stands over a pause. Names and numbers are broken only if they are longer than a line.
func Cues(words []Word) []Cue {
	words = breakLong(Clean(words))
	var cues []Cue
	for first := 0; first < len(words); {
		end := first + 1
		for end < len(words) && words[end].Start-words[end-1].End < pause {
			end++
		}
		next := time.Duration(math.MaxInt64)
		if end < len(words) {
			next = words[end].Start
		}
		run := newLayout(words[first:end], next)
		for _, group := range run.groups() {
			cues = append(cues, run.cue(group[0], group[1]))
		}
		first = end
	}
	earlier(cues)
	return cues
}

// breakLong breaks words that are longer than a line.
func breakLong(words []Word) []Word {
	var out []Word
	for _, w := range words {
		runes := []rune(w.Text)
		if len(runes) <= maxLetters {
			out = append(out, w)
			continue
		}
		var pieces []string
		for len(runes) > 0 {
			n := min(maxLetters, len(runes))
			pieces = append(pieces, string(runes[:n]))
			runes = runes[n:]
		}
		out = append(out, share(pieces, w.Start, w.End)...)
	}
	return out
}

// earlier lets cues that stand too briefly begin up to edge before their first word.
func earlier(cues []Cue) {
	for i := range cues {
		missing := minCue - (cues[i].End - cues[i].Start)
		from := time.Duration(0)
		if i > 0 {
			from = cues[i-1].End
		}
		if missing > 0 {
			cues[i].Start = max(from, cues[i].Start-min(missing, edge))
		}
	}
}

// layout is a run of words without a pause.
type layout struct {
	words []Word
	bound []bool        // words i and i+1 belong to one name or number
	next  time.Duration // the word behind the run begins
	width []int         // letters before word i, each word with a space
}

func newLayout(words []Word, next time.Duration) *layout {
	l := &layout{words: words, bound: bindings(words), next: next, width: make([]int, len(words)+1)}
	for i, w := range words {
		l.width[i+1] = l.width[i] + utf8.RuneCountInString(w.Text) + 1
	}
	return l
}

// letters returns the letters of words [i, j) in one line.
func (l *layout) letters(i, j int) int { return l.width[j] - l.width[i] - 1 }

// What is bad about a cue, in points. Their order matters more than their sizes: a name that is broken is
// worse than a cue that is too short, and that is worse than all of the language.
const (
	costBound    = 10000.0 // a name or number is broken
	costShort    = 500.0   // stands less than minCue
	costCue      = 3.0     // each cue
	costWord     = 5.0     // a word alone
	costBreak    = 6.0     // ends inside a phrase
	costComma    = 2.0     // ends at a comma
	costSentence = 1.0     // a sentence ends inside
	gapPoints    = 5.0     // what a second of silence between cues saves
)

// groups returns the cheapest division of the words into cues, as [first, end) of words.
func (l *layout) groups() [][2]int {
	n := len(l.words)
	best := make([]float64, n+1) // from word i to the end
	until := make([]int, n)
	for i := n - 1; i >= 0; i-- {
		best[i] = math.Inf(1)
		for j := i + 1; j <= n; j++ {
			if l.letters(i, j) > maxLines*maxLetters+1 || j > i+1 && l.words[j-1].End-l.words[i].Start > maxCue {
				break
			}
			if cost := l.cost(i, j) + best[j]; cost < best[i] {
				best[i], until[i] = cost, j
			}
		}
	}
	var groups [][2]int
	for i := 0; i < n; i = until[i] {
		groups = append(groups, [2]int{i, until[i]})
	}
	return groups
}

// cost returns what is bad about a cue of words [i, j). It is infinite if they do not fit.
func (l *layout) cost(i, j int) float64 {
	_, cost := l.breakAt(i, j)
	cost += costCue
	if l.end(i, j)-l.words[i].Start < minCue {
		cost += costShort
	}
	if j == i+1 {
		cost += costWord
	}
	for k := i; k < j-1; k++ {
		if endsSentence(l.words[k].Text) {
			cost += costSentence
		}
	}
	if j == len(l.words) {
		return cost
	}
	return cost + l.breakCost(j) - gapPoints*(l.words[j].Start-l.words[j-1].End).Seconds()
}

// breakCost returns what is bad about a break before word j.
func (l *layout) breakCost(j int) float64 {
	before := l.words[j-1].Text
	switch {
	case l.bound[j-1]:
		return costBound
	case endsSentence(before):
		return 0
	case strings.ContainsAny(before[len(before)-1:], ",;:"):
		return costComma
	}
	return costBreak
}

// breakAt returns the word of [i, j) that begins the second line, or j for a single line, and what is bad
// about it. The cost is infinite if the words do not fit.
func (l *layout) breakAt(i, j int) (at int, cost float64) {
	if l.letters(i, j) <= maxLetters {
		return j, 0
	}
	cost = math.Inf(1)
	for k := i + 1; k < j; k++ {
		first, second := l.letters(i, k), l.letters(k, j)
		if first > maxLetters || second > maxLetters {
			continue
		}
		uneven := math.Abs(float64(first-second)) / maxLetters
		if c := l.breakCost(k)/2 + uneven; c < cost {
			at, cost = k, c
		}
	}
	return at, cost
}

// end returns when a cue of words [i, j) ends.
func (l *layout) end(i, j int) time.Duration {
	start, end, next := l.words[i].Start, l.words[j-1].End, l.next
	if j < len(l.words) {
		next = l.words[j].Start
	}
	end = min(end, start+maxCue)
	want := min(start+time.Duration(j-i)*readTime, end+edge)
	return min(max(end, want, start+minCue), next, start+maxCue)
}

// cue returns the cue of words [i, j).
func (l *layout) cue(i, j int) Cue {
	c := Cue{Start: l.words[i].Start, End: l.end(i, j)}
	at, _ := l.breakAt(i, j)
	c.Lines = append(c.Lines, l.text(i, at))
	if at < j {
		c.Lines = append(c.Lines, l.text(at, j))
	}
	return c
}

func (l *layout) text(i, j int) string {
	texts := make([]string, 0, j-i)
	for _, w := range l.words[i:j] {
		texts = append(texts, w.Text)
	}
	return strings.Join(texts, " ")
}
