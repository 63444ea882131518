// Package homoglyph compares texts in which look-alike Cyrillic and Latin letters may be mixed.
package homoglyph

import (
	"strings"
	"unicode"
)

// The letters that Cyrillic and Latin draw alike in at least one case, pairwise, small.
const (
	cyrillicLookalikes = "авекмнорстухіјѕһ"
	latinLookalikes    = "abekmhopctyxijsh"
)

// Fold makes what people take for the same text the same: case is dropped, letters that Cyrillic
// and Latin draw alike become Latin, ё becomes e, spaces are single, invisible characters are gone.
// The result is for comparing, not for showing.
func Fold(text string) string {
	return strings.Join(strings.Fields(strings.Map(foldRune, text)), " ")
}

func foldRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r): // soft hyphens, zero-width spaces, marks of direction
		return -1
	}
	r = unicode.ToLower(r)
	if r == 'ё' {
		return 'e'
	}
	if latin, ok := counterpart(r, cyrillicLookalikes, latinLookalikes); ok {
		return latin
	}
	return r
}

// Canonicalize writes a code in one alphabet: the letters drawn alike are those of the alphabet that
// its other letters belong to, and Latin if it has no others. A text that is truly of both
// alphabets, or of one already, stays as it is.
func Canonicalize(code string) string {
	var cyrillic, latin, alikeCyrillic, alikeLatin bool
	for _, r := range code {
		small := unicode.ToLower(r)
		switch {
		case strings.ContainsRune(cyrillicLookalikes, small):
			alikeCyrillic = true
		case strings.ContainsRune(latinLookalikes, small):
			alikeLatin = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		case unicode.Is(unicode.Latin, r):
			latin = true
		}
	}
	switch {
	case cyrillic && latin:
		return code
	case cyrillic && alikeLatin:
		return replaceLookalikes(code, latinLookalikes, cyrillicLookalikes)
	case alikeCyrillic && (latin || alikeLatin && !cyrillic):
		return replaceLookalikes(code, cyrillicLookalikes, latinLookalikes)
	}
	return code
}

func replaceLookalikes(code, from, to string) string {
	return strings.Map(func(r rune) rune {
		small := unicode.ToLower(r)
		other, ok := counterpart(small, from, to)
		switch {
		case !ok:
			return r
		case small != r:
			return unicode.ToUpper(other)
		}
		return other
	}, code)
}

// counterpart finds r in one alphabet and gives the letter at the same place of the other.
func counterpart(r rune, from, to string) (rune, bool) {
	others := []rune(to)
	i := 0
	for _, each := range from {
		if each == r {
			return others[i], true
		}
		i++
	}
	return 0, false
}
