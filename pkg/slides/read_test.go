package slides_test

import (
	"image"
	"testing"

	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/slides"
)

// word returns a word at a place, of letters of a height.
func word(line, text string, x, y, size int) ocr.Word {
	return ocr.Word{Text: text, Confidence: 90, Line: line, Box: image.Rect(x, y, x+size*len(text)/2, y+size)}
}

// TestRead takes the large line near the top for the title, and reads the lines from top to bottom.
func TestRead(t *testing.T) {
	t.Parallel()
	header := word("1", "University", 1000, 10, 16)
	noise := word("2", "||", 5, 5, 60)
	body := []ocr.Word{word("5", "every", 60, 220, 30), word("5", "curve", 160, 220, 30), word("6", "12:40", 1000, 680, 34)}
	one := []ocr.Word{word("3", "Vector", 40, 60, 50), word("3", "fields", 250, 60, 50)}
	two := []ocr.Word{word("4", "and", 40, 120, 48), word("4", "flows", 150, 120, 48)}
	for name, tt := range map[string]struct {
		words       []ocr.Word
		title, text string
	}{
		"nothing":     {nil, "", ""},
		"noise":       {[]ocr.Word{noise}, "", ""},
		"header":      {append([]ocr.Word{noise, header}, append(one, body...)...), "Vector fields", "University\nVector fields\nevery curve\n12:40"},
		"two lines":   {append(append([]ocr.Word{header}, one...), append(two, body...)...), "Vector fields and flows", "University\nVector fields\nand flows\nevery curve\n12:40"},
		"pattern":     {append(one, word("9", "Ш", 40, 650, 70), word("9", "Ш", 200, 650, 70)), "Vector fields", "Vector fields\nШ Ш"},
		"short":       {[]ocr.Word{word("1", "QA", 40, 60, 50), word("2", "every", 60, 220, 30)}, "QA", "QA\nevery"},
		"bullets":     {append(one, word("5", "e", 30, 220, 12), word("5", "every", 60, 220, 30)), "Vector fields", "Vector fields\nevery"},
		"not certain": {[]ocr.Word{{Text: "smudge", Confidence: 10, Line: "1"}}, "", ""},
		"hostile":     {[]ocr.Word{word("1", "a\x1b[2Jb", 10, 10, 40)}, "a[2Jb", "a[2Jb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if title, text := slides.Read(tt.words, 720); title != tt.title || text != tt.text {
				t.Errorf("title %q, text %q; want %q, %q", title, text, tt.title, tt.text)
			}
		})
	}
}

// TestFindNothing finds no slide where nothing is written or nothing was seen.
func TestFindNothing(t *testing.T) {
	t.Parallel()
	blank := slides.FromRGB(make([]byte, 3*slides.Width*slides.Height))
	for name, looks := range map[string][]slides.Look{"no looks": nil, "blank": {{Picture: blank}, {At: 9e9, Picture: blank}}} {
		if got := slides.Find(looks, 20e9); len(got) != 0 {
			t.Errorf("%s: slides %v", name, got)
		}
	}
}
