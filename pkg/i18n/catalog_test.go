package i18n_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// TestEveryCodeHasItsTexts holds the specs of causes and the texts of every language to each other.
func TestEveryCodeHasItsTexts(t *testing.T) {
	catalog := i18n.Default()
	known := map[string]bool{}
	for _, s := range cause.Specs() {
		key := "cause." + s.Area + "." + string(s.Code)
		if known[key] {
			t.Errorf("code %s has two specs", s.Code)
		}
		known[key] = true
		want := make([]string, len(s.Args))
		for i, arg := range s.Args {
			want[i] = arg.Name
		}
		slices.Sort(want)
		for _, tag := range catalog.Languages() {
			l := catalog.For(tag)
			if !l.Has(key) {
				t.Errorf("%s.json lacks %s", tag, key)
				continue
			}
			if got := l.Args(key); !slices.Equal(got, want) {
				t.Errorf("%s.json: %s has the arguments %v, want %v", tag, key, got, want)
			}
		}
	}
	for _, tag := range catalog.Languages() {
		for _, key := range catalog.For(tag).Keys() {
			if strings.HasPrefix(key, "cause.") && !known[key] {
				t.Errorf("%s.json: %s belongs to no code", tag, key)
			}
		}
	}
}

// TestLanguagesAgree checks that every language has the same keys with the same arguments.
func TestLanguagesAgree(t *testing.T) {
	catalog := i18n.Default()
	english := catalog.For("en")
	for _, tag := range catalog.Languages() {
		l := catalog.For(tag)
		for _, key := range english.Keys() {
			if !l.Has(key) {
				t.Errorf("%s.json lacks %s", tag, key)
				continue
			}
			if got, want := l.Args(key), english.Args(key); !slices.Equal(got, want) {
				t.Errorf("%s.json: %s has the arguments %v, want %v", tag, key, got, want)
			}
		}
		for _, key := range l.Keys() {
			if !english.Has(key) {
				t.Errorf("%s.json: %s is not in en.json", tag, key)
			}
		}
	}
}

// TestThirdLanguage adds a language by one file.
func TestThirdLanguage(t *testing.T) {
	english, err := fs.ReadFile(locale(t), "en.json")
	if err != nil {
		t.Fatal(err)
	}
	german := strings.Replace(
		string(english),
		"no file was recorded",
		"keine Datei aufgezeichnet",
		1,
	)
	folder := fstest.MapFS{"en.json": {Data: english}, "de.json": {Data: []byte(german)}}
	catalog, err := i18n.New(folder)
	if err != nil {
		t.Fatal(err)
	}
	l := catalog.Match("en", "de-AT,en;q=0.5")
	if got := l.Cause(cause.NoFile()); got != "keine Datei aufgezeichnet" {
		t.Errorf("the German text is %q", got)
	}
	if got := catalog.Texts(cause.NoFile()); len(got) != 2 {
		t.Errorf("texts in all languages: %v, want two", got)
	}
}

func TestMatch(t *testing.T) {
	catalog := i18n.Default()
	tests := []struct{ fallback, preference, want string }{
		{"ru", "", "ru"},
		{"ru", "de-DE,de;q=0.9", "ru"},
		{"ru", "en-US,en;q=0.9,ru;q=0.1", "en"},
		{"en", "ru_RU.UTF-8", "ru"},
		{"en", "C.UTF-8", "en"},
		{"en", "ru;q=0.1, en;q=0.9", "en"},
		{"en", "be, ru;q=0.5", "ru"},
		{"en", ";;;,,,\x00", "en"},
		{"en", strings.Repeat("x,", 100_000), "en"},
	}
	for _, test := range tests {
		if got := catalog.Match(test.fallback, test.preference).Language(); got != test.want {
			t.Errorf(
				"Match(%q, %.20q) = %s, want %s",
				test.fallback, test.preference, got, test.want,
			)
		}
	}
}

func TestReasonRoundTrip(t *testing.T) {
	catalog := i18n.Default()
	tests := []cause.Cause{
		{},
		cause.NoFile(),
		cause.FileEndsEarly(120*time.Second, 1800*time.Second),
		cause.Legacy("Wait.", "Ждём."),
		cause.Verbatim("Linear algebra"),
	}
	for _, want := range tests {
		row := catalog.FormatReason(want)
		if got := i18n.ReadReason(row); got != want {
			t.Errorf("read %s: %v, want %v", row, got, want)
		}
	}
	former := `{"en":"There is no room.","ru":"Аудитории нет."}`
	if got := catalog.For("ru").Cause(i18n.ReadReason(former)); got != "Аудитории нет." {
		t.Errorf("a row of the former version reads %q", got)
	}
	if got := catalog.For("en").Cause(i18n.ReadReason("Algebra 2")); got != "Algebra 2" {
		t.Errorf("a plain text reads %q", got)
	}
}

func TestFormats(t *testing.T) {
	catalog, err := i18n.New(fstest.MapFS{
		"en.json": {Data: []byte(`{
			"a": "{n} of {{x}", "b": {"plural": "n", "one": "{n} file", "other": "{n} files"},
			"c": "{t|date}, {t|clock}", "d": "{d|length}", "e": "{r|role}", "role": {"board": "the board"},
			"unit": {"h": "{n} h", "min": "{n} min", "s": "{n} s"}, "date": {"long": "{day}/{month}/{year}", "month": {"1": "Jan"}}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := catalog.For("en")
	at := time.Date(2025, 1, 15, 10, 5, 0, 0, time.UTC)
	tests := []struct {
		key  string
		args []any
		want string
	}{
		{"a", []any{"n", 12345}, "12,345 of {x}"},
		{"a", nil, "⟦n⟧ of {x}"},
		{"b", []any{"n", 1}, "1 file"},
		{"b", []any{"n", 2}, "2 files"},
		{"c", []any{"t", at}, "15/Jan/2025, 10:05"},
		{"c", []any{"t", "nonsense"}, "nonsense, nonsense"},
		{"d", []any{"d", 80 * time.Minute}, "1 h 20 min"},
		{"d", []any{"d", 61}, "1 min 1 s"},
		{"d", []any{"d", 1500 * time.Millisecond}, "1.5 s"},
		{"e", []any{"r", "board"}, "the board"},
		{"e", []any{"r", "attic"}, "attic"},
		{"none", nil, "⟦none⟧"},
	}
	for _, test := range tests {
		if got := l.T(test.key, test.args...); got != test.want {
			t.Errorf("T(%s, %v) = %q, want %q", test.key, test.args, got, test.want)
		}
	}
}

func TestBadLocales(t *testing.T) {
	for _, text := range []string{``, `{"a": 5}`, `{"a": "{"}`, `{"a": "{}"}`, `{"a": {"plural": "n", "one": "x"}}`, `{"a": {"plural": "n", "some": "x", "other": "y"}}`} {
		if _, err := i18n.New(fstest.MapFS{"en.json": {Data: []byte(text)}}); err == nil {
			t.Errorf("a locale of %q is accepted", text)
		}
	}
	if _, err := i18n.New(fstest.MapFS{"ru.json": {Data: []byte(`{}`)}}); err == nil {
		t.Error("a catalogue without English is accepted")
	}
}

// locale returns the folder with the product's languages.
func locale(t *testing.T) fs.FS {
	t.Helper()
	return i18n.Locales()
}

func ExampleLocalizer_Cause() {
	catalog := i18n.Default()
	c := cause.FileEndsEarly(2*time.Minute, 10*time.Minute)
	fmt.Println(catalog.For("en").Cause(c))
	fmt.Println(catalog.For("ru").Cause(c))
	// Output:
	// the file ends early: it holds 120 s of 600 s
	// файл заканчивается раньше: в нём 120 с из 600 с
}
