package ocr_test

import (
	"image"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/nvr-miem/merger/pkg/ocr"
)

func TestRead(t *testing.T) {
	t.Parallel()
	reader, err := ocr.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if reader == nil {
		t.Fatal("tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-rus")
	}
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 40, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, 640, 200))
	d := font.Drawer{Dst: picture, Src: image.White, Face: face, Dot: fixed.P(100, 120)}
	d.DrawString("No signal here")
	words, err := reader.Read(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, w := range words {
		read = append(read, w.Text)
		if w.Box.Min.X < 80 || w.Box.Max.Y > 150 {
			t.Errorf("%q stands at %v, drawn from 100, 120", w.Text, w.Box)
		}
	}
	if got := strings.Join(read, " "); got != "No signal here" {
		t.Errorf("read %q", got)
	}
	blank, err := reader.Read(t.Context(), image.NewGray(image.Rect(0, 0, 320, 180)))
	if err != nil || len(blank) != 0 {
		t.Errorf("read %v in a blank picture, error %v", blank, err)
	}
}
