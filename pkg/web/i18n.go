package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const languageCookie = "language"

// catalog holds every word of the pages, by language and key.
type catalog struct {
	languages []string // the first is for readers of none of them
	words     map[string]map[string]string
}

// readWords reads the dictionary that is part of the program.
func readWords(languages []string) *catalog {
	if len(languages) == 0 {
		languages = []string{"ru", "en"}
	}
	d := &catalog{languages: languages, words: map[string]map[string]string{}}
	for _, language := range []string{"ru", "en"} {
		raw, err := files.ReadFile("locale/" + language + ".json")
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
func (d *catalog) T(language, key string, args ...any) string {
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
func (d *catalog) has(language, key string) bool {
	_, ok := d.words[language][key]
	return ok
}

// language is the reader's: the one chosen on the page, else the browser's first that we speak.
func (d *catalog) language(r *http.Request) string {
	if chosen, err := r.Cookie(languageCookie); err == nil && d.words[chosen.Value] != nil {
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
