package homoglyph_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/homoglyph"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"CS101", "сѕ101"},
		{"ПОТОК", "поtok"},
		{"Без\u00a0  записи", "без записи"},
		{"Ёлка", "елка"},
		{"a\u200bb\u00adc", "abс"},
		{"\ufeffНЕТ", "het"},
	} {
		if a, b := homoglyph.Fold(same[0]), homoglyph.Fold(same[1]); a != b {
			t.Errorf("%q and %q fold to %q and %q", same[0], same[1], a, b)
		}
	}
	if homoglyph.Fold("БИВ") == homoglyph.Fold("ВИБ") {
		t.Error("letters that differ are folded into one")
	}
}

func TestCanonicalize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"СS101", "CS101"},         // a Cyrillic С
		{"БИB201", "БИВ201"},       // a Latin B
		{"МСК", "МСК"},             // all Cyrillic, all alike: as it is
		{"MСK", "MCK"},             // both, all alike: Latin
		{"БПМИ-Data", "БПМИ-Data"}, // truly both
		{"abс-dеf", "abc-def"},
		{"101", "101"},
		{"", ""},
	} {
		if got := homoglyph.Canonicalize(test.in); got != test.want {
			t.Errorf("Canonicalize(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Поток: СS101")
	f.Fuzz(func(t *testing.T, text string) {
		once := homoglyph.Fold(text)
		if twice := homoglyph.Fold(once); twice != once {
			t.Errorf("Fold(%q) = %q, again %q", text, once, twice)
		}
		straight := homoglyph.Canonicalize(text)
		if again := homoglyph.Canonicalize(straight); again != straight {
			t.Errorf("Canonicalize(%q) = %q, again %q", text, straight, again)
		}
	})
}
