package locale

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed *.json
var files embed.FS

// Catalog holds every word of the pages, by language and key.
type Catalog struct {
	languages []string // the first is for readers of none of them
	words     map[string]map[string]string
}

// readWords reads the dictionary that is part of the program.
func Read(languages []string) *Catalog {
	if len(languages) == 0 {
		languages = []string{"ru", "en"}
	}
	d := &Catalog{languages: languages, words: map[string]map[string]string{}}
	for _, language := range []string{"ru", "en"} {
		raw, err := files.ReadFile(language + ".json")
		if err != nil {
			panic(err) // it is part of the program
		}
		words := map[string]string{}
		if err := json.Unmarshal(raw, &words); err != nil {
			panic(fmt.Errorf("locale/%s.json: %w", language, err)) // a test would have found it
		}
		d.words[language] = words
	}
	return d
}

// T gives the words of a key. An unknown key shows itself, so that a test finds it.
func (d *Catalog) T(language, key string, args ...any) string {
	text, ok := d.words[language][key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// has tells whether a key has words.
func (d *Catalog) Has(language, key string) bool {
	_, ok := d.words[language][key]
	return ok
}

// longDay and shortDay write a date (YYYY-MM-DD) in words; what is no date stays as it is.
func (d *Catalog) LongDay(language, date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	text := d.T(language, "date.long", d.part(language, "date.weekdays", int(at.Weekday())), at.Day(), d.part(language, "date.months", int(at.Month())-1), at.Year())
	first := []rune(text)
	return strings.ToUpper(string(first[:1])) + string(first[1:])
}

func (d *Catalog) ShortDay(language, date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return d.T(language, "date.short", at.Day(), d.part(language, "date.months", int(at.Month())-1), at.Year())
}

// part is the n-th word of a list.
func (d *Catalog) part(language, key string, n int) string {
	return strings.Split(d.T(language, key), ",")[n]
}

const Cookie = "language"

// language is the reader's: the one chosen on the page, else the browser's first that we speak.
func (d *Catalog) Language(r *http.Request) string {
	if chosen, err := r.Cookie(Cookie); err == nil && d.words[chosen.Value] != nil {
		return chosen.Value
	}
	for _, wanted := range acceptedLanguages(r.Header.Get("Accept-Language")) {
		if primary, _, _ := strings.Cut(wanted, "-"); d.words[primary] != nil {
			return primary
		}
	}
	return d.languages[0]
}

// acceptedLanguages reads Accept-Language, the most wanted first. What it cannot read it leaves out.
func acceptedLanguages(header string) []string {
	type weighted struct {
		tag     string
		quality float64
	}
	var ranges []weighted
	for part := range strings.SplitSeq(header[:min(len(header), 1000)], ",") {
		tag, parameters, _ := strings.Cut(part, ";")
		tag = strings.ToLower(strings.TrimSpace(tag))
		quality := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			if parsed, err := strconv.ParseFloat(value, 64); err == nil {
				quality = parsed
			}
		}
		if tag != "" && quality > 0 {
			ranges = append(ranges, weighted{tag, quality})
		}
	}
	slices.SortStableFunc(ranges, func(a, b weighted) int { return cmp.Compare(b.quality, a.quality) })
	tags := make([]string, len(ranges))
	for i, r := range ranges {
		tags[i] = r.tag
	}
	return tags
}

// Speaks tells whether there are words of a language.
func (d *Catalog) Speaks(language string) bool { return d.words[language] != nil }

// Languages are those that there are words of.
func (d *Catalog) Languages() []string { return slices.Sorted(maps.Keys(d.words)) }
