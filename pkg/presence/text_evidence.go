package presence

import (
	"context"
	"image"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/image/draw"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ocr"
)

const (
	// maxPatternWords is the number of words that a test pattern may carry, such as the names of a station and
	// a line. A page has more.
	maxPatternWords = 11
	// maxPatternTokens is the same with numbers counted, too: scales of a chart have many.
	maxPatternTokens = 24
	// maxCardStrangers is the number of words that a picture may have and the room's card that it resembles has
	// not.
	maxCardStrangers = 1
)

// decideCanvas sets the verdict on a scene whose pixels are those of an idle screen. If a figure decided that,
// text that can be read may speak against it: a page can have the geometry of a test pattern, and a closing slide
// the colours of the room's card.
func (j *Judge) decideCanvas(ctx context.Context, in Input, s *scene, known []*scene, budget *int) error {
	for k := range s.shots {
		s.shots[k].verdict = Canvas
		s.shots[k].cause = s.shots[k].description
	}
	first := s.first()
	if !first.figure || j.Reader == nil {
		return nil
	}
	if old := findSimilar(known, s); old != nil {
		if old.first().verdict != Canvas {
			s.setVerdict(old.first().verdict, old.first().cause)
		}
		return nil
	}
	if *budget == 0 {
		return nil
	}
	words, err := j.read(ctx, in, &s.shots[len(s.shots)/2], budget)
	if err != nil {
		return err
	}
	against, err := j.speaksAgainst(ctx, interpretText(words, true), words, first.card)
	if err != nil {
		return err
	}
	if against != "" {
		s.setVerdict(Presentation, cause.PictureText(first.description, truncate(against)))
	}
	return nil
}

// speaksAgainst returns the text that shows that a picture is neither a test pattern nor the given card, or "".
// The card is nil if a pattern was recognised.
func (j *Judge) speaksAgainst(ctx context.Context, r reading, words []ocr.Word, given *card) (string, error) {
	if r.phrase != "" {
		return "", nil
	}
	var text []string
	numbers := 0
	for _, line := range linesOfWords(words) {
		if clockLine(line, true) {
			continue
		}
		for _, w := range line {
			switch {
			case isNumber(w.Text):
				numbers++
			case w.Confidence >= 60 && letters(w.Text) >= 3:
				text = append(text, w.Text)
			}
		}
	}
	if len(text) > maxPatternWords || len(text)+numbers > maxPatternTokens {
		return r.text, nil
	}
	if given == nil || len(text) == 0 {
		return "", nil
	}
	own, err := j.readCard(ctx, given)
	if err != nil {
		return "", err
	}
	strangers := slices.DeleteFunc(slices.Clone(text), func(word string) bool {
		return isInputTerm(word) || slices.ContainsFunc(own, func(w string) bool { return isSameWord(w, skeleton(word)) })
	})
	// All words of the card are gone, or there are others.
	if len(strangers) > maxCardStrangers || len(own) > 0 && len(strangers) == len(text) {
		return strings.Join(strangers, " "), nil
	}
	return "", nil
}

// letters returns the number of letters in a word.
func letters(word string) int {
	n := 0
	for _, r := range word {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// isSameWord reports whether two skeletons are readings of one word: equal but for a third of the letters.
func isSameWord(a, b string) bool {
	first, second := []rune(a), []rune(b)
	return commonLetters(first, second)*3 >= 2*max(len(first), len(second))
}

// readCard returns the skeletons of the words on a card. Each card is read once.
func (j *Judge) readCard(ctx context.Context, c *card) ([]string, error) {
	j.cardWords.Lock()
	defer j.cardWords.Unlock()
	if own, known := j.cardWords.of[c]; known {
		return own, nil
	}
	scaled := image.NewGray(image.Rect(0, 0, ocrWidth, ocrHeight))
	draw.BiLinear.Scale(scaled, scaled.Bounds(), c.picture, c.picture.Bounds(), draw.Src, nil)
	words, err := j.Reader.Read(ctx, scaled)
	if err != nil {
		return nil, err
	}
	own := []string{}
	for _, w := range words {
		if bone := skeleton(w.Text); len([]rune(bone)) >= 3 {
			own = append(own, bone)
		}
	}
	if j.cardWords.of == nil {
		j.cardWords.of = map[*card][]string{}
	}
	j.cardWords.of[c] = own
	return own, nil
}
