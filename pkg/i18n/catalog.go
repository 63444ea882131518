// Package i18n turns keys and causes into sentences for people.
//
// The texts of the pages, reports, notices, the calendar and the command line are in locale/<tag>.json, one
// file per language. To add a language, add a file, and its tag to the variable language in
// terraform/variables.tf and to docs/cli.md. Some texts stay Russian and English whatever the catalogue
// holds: chapters and slates, the report's fields that end in _ru, and the calendar keywords of package
// calendar.
//
// Objects nest; a text's key joins the names with dots ("page.nav.request"). Texts of causes have keys
// "cause.<area>.<code>".
//
// A text may hold placeholders: {name}, or {name|format} with the formats of [Localizer.T]. "{{" is a brace.
// A text that depends on a count is an object: {"plural": "files", "one": "…", "other": "…"}, with the plural
// forms that CLDR defines for the language. A text of such a form may hold placeholders, too.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/nvr-miem/merger/pkg/cause"
)

//go:embed locale/*.json
var locales embed.FS

// base is the language of texts that a language lacks, and of programs.
const base = "en"

// Catalog holds the texts of every language. It is safe for concurrent use.
type Catalog struct {
	localizers map[string]*Localizer
	tags       []language.Tag // base first
	matcher    language.Matcher
}

// Default returns the catalogue that is part of the program.
func Default() *Catalog {
	sub, err := fs.Sub(locales, "locale")
	if err != nil {
		panic(err) // the folder is embedded
	}
	catalog, err := New(sub)
	if err != nil {
		panic(err) // the files are embedded, and a test reads them
	}
	return catalog
}

// New reads a catalogue from the files <tag>.json of a folder. The folder must hold en.json. Where a language
// lacks a key, the English text stands in.
func New(folders ...fs.FS) (*Catalog, error) {
	c := &Catalog{localizers: map[string]*Localizer{}}
	for _, folder := range folders {
		names, err := fs.Glob(folder, "*.json")
		if err != nil {
			return nil, fmt.Errorf("list the languages: %w", err)
		}
		for _, name := range names {
			if err := c.add(folder, name); err != nil {
				return nil, fmt.Errorf("read language %s: %w", name, err)
			}
		}
	}
	english := c.localizers[base]
	if english == nil {
		return nil, fmt.Errorf("read languages: %s.json is missing", base)
	}
	c.tags = []language.Tag{english.tag}
	for _, name := range c.Languages() {
		c.localizers[name].fallback = english
		if name != base {
			c.tags = append(c.tags, c.localizers[name].tag)
		}
	}
	c.matcher = language.NewMatcher(c.tags)
	return c, nil
}

func (c *Catalog) add(folder fs.FS, name string) error {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	tag, err := language.Parse(strings.TrimSuffix(path.Base(name), ".json"))
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	l := newLocalizer(tag)
	if err := l.addTree("", tree); err != nil {
		return err
	}
	c.localizers[tag.String()] = l
	return nil
}

// Languages returns the tags of all languages, sorted.
func (c *Catalog) Languages() []string {
	names := make([]string, 0, len(c.localizers))
	for name := range c.localizers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Has reports whether the catalogue has the language of a tag such as "ru".
func (c *Catalog) Has(tag string) bool {
	return c.localizers[tag] != nil
}

// For returns the texts of a language by its tag. An unknown tag gives English.
func (c *Catalog) For(tag string) *Localizer {
	if l := c.localizers[tag]; l != nil {
		return l
	}
	return c.localizers[base]
}

// Match returns the texts of the first preference that the catalogue has, else those of the fallback. A
// preference is a tag, a locale such as ru_RU.UTF-8, or the value of an Accept-Language header.
func (c *Catalog) Match(fallback string, preferences ...string) *Localizer {
	for _, preference := range preferences {
		if l := c.match(preference); l != nil {
			return l
		}
	}
	return c.For(fallback)
}

// longestPreference bounds the header that is parsed.
const longestPreference = 1000

func (c *Catalog) match(preference string) *Localizer {
	preference = preference[:min(len(preference), longestPreference)]
	if i := strings.IndexAny(preference, ".@"); i >= 0 && !strings.ContainsAny(preference, ",;") {
		preference = preference[:i] // ru_RU.UTF-8 and sr_RS@latin
	}
	tags, _, err := language.ParseAcceptLanguage(preference)
	if err != nil || len(tags) == 0 {
		return nil
	}
	_, index, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return nil
	}
	return c.localizers[c.tags[index].String()]
}

// Texts returns the sentence of a cause in every language by tag. It is empty for no cause.
func (c *Catalog) Texts(cause cause.Cause) map[string]string {
	texts := map[string]string{}
	if cause.IsZero() {
		return texts
	}
	for tag, l := range c.localizers {
		texts[tag] = l.Cause(cause)
	}
	return texts
}

// forms are the names of CLDR's plural forms.
func forms() map[string]plural.Form {
	return map[string]plural.Form{
		"zero":  plural.Zero,
		"one":   plural.One,
		"two":   plural.Two,
		"few":   plural.Few,
		"many":  plural.Many,
		"other": plural.Other,
	}
}
