// Package homoglyph compares texts in which look-alike Cyrillic and Latin letters may be mixed.
package homoglyph

import (
	"strings"
	"unicode"
)

// Fold returns a form of text that is equal for texts that look the same. It drops case and
// invisible characters, collapses spaces, and replaces Cyrillic letters that look like
// Latin ones, and the letter io, by the Latin letter. The result serves comparison only.
func Fold(text string) string {
	return strings.Join(strings.Fields(strings.Map(foldRune, text)), " ")
}

// foldRune returns the folded rune, or -1 to drop it.
func foldRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r): // soft hyphens, zero-width spaces, marks of direction
		return -1
	}
	r = unicode.ToLower(r)
	if r == yo {
		return 'e'
	}
	if latin, ok := counterpart(r, cyrillicLookalikes, latinLookalikes); ok {
		return latin
	}
	return r
}

// Canonicalize returns a code in one alphabet. Look-alike letters take the alphabet of the
// other letters, or Latin if there are no others. A code that has distinct letters of both
// alphabets, or letters of one alphabet only, is returned unchanged.
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

// replaceLookalikes replaces look-alike letters of one alphabet by those of the
// other. It keeps their case.
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

// counterpart returns the letter of the other alphabet at the position of r. It
// reports false if r is not a look-alike.
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
