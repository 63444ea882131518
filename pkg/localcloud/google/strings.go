package google

import (
	_ "embed" // for the texts
	"encoding/json"
	"fmt"

	"golang.org/x/text/language"
)

// stringsFile holds the texts of the pages: an object of [pageStrings] by language.
//
//go:embed strings.json
var stringsFile []byte

// pageStrings are the texts of the pages in one language.
type pageStrings struct {
	Workspace, About                               string
	Drive, Calendar, Classroom                     string
	Folder, Files, Size, Changed, Shared, Record   string
	NoFiles, NoEvents, NoCourses, NoPosts, Nothing string
	Open, Play, Trash, AllDay, Cancelled, Series   string
	Organizer, Creator, Guests                     string
	Draft, Deleted, Code, Owner                    string

	Units []string // of sizes, each 1000 times the one before
}

// translations are the texts in all languages.
type translations struct {
	matcher language.Matcher
	names   []string // of the languages, as the matcher numbers them
	texts   map[string]pageStrings
}

// readTranslations reads the embedded texts. English is the language of browsers that ask for
// none of them.
func readTranslations() (*translations, error) {
	t := &translations{names: []string{"en", "ru"}}
	if err := json.Unmarshal(stringsFile, &t.texts); err != nil {
		return nil, fmt.Errorf("read the texts of the pages: %w", err)
	}
	tags := make([]language.Tag, len(t.names))
	for i, name := range t.names {
		tags[i] = language.Make(name)
	}
	t.matcher = language.NewMatcher(tags)
	return t, nil
}

// match returns the best language for an Accept-Language header, and its texts.
func (t *translations) match(accept string) (name string, texts pageStrings) {
	_, index := language.MatchStrings(t.matcher, accept)
	name = t.names[index]
	return name, t.texts[name]
}
