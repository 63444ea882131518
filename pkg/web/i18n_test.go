package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestWords holds that both languages have the same keys with the same places for values, and that every
// key which a page names has words.
func TestWords(t *testing.T) {
	t.Parallel()
	words := map[string]map[string]string{}
	for _, language := range []string{"en", "ru"} {
		text, err := os.ReadFile("locale/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		words[language] = reads[map[string]string](t, string(text))
	}
	verbs := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	for key, english := range words["en"] {
		russian, there := words["ru"][key]
		if !there || len(verbs.FindAllString(english, -1)) != len(verbs.FindAllString(russian, -1)) {
			t.Errorf("%s: %q, %q", key, english, russian)
		}
	}
	if len(words["en"]) != len(words["ru"]) {
		t.Errorf("%d and %d keys", len(words["en"]), len(words["ru"]))
	}
	names, err := filepath.Glob("page/templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\bt "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			if words["en"][found[1]] == "" {
				t.Errorf("%s names %s, which has no words", name, found[1])
			}
		}
	}
}
