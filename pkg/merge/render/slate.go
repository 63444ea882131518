package render

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// typefaces parses the two fonts once a process: Go's own, which have Latin, Cyrillic and Greek.
var typefaces = sync.OnceValues(func() (faces [2]*opentype.Font, err error) {
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		if faces[i], err = opentype.Parse(ttf); err != nil {
			return faces, fmt.Errorf("parse the slates' font: %w", err)
		}
	}
	return faces, nil
})

// slateText is what a slate says: what is missing, where, and from when to when.
type slateText struct {
	Head, Room, Date, Hours string
}

// slateFor returns the text of a piece's slate, in both languages of the room's people: the video has no
// language of its own. Other texts would give other frames: with them [plan.Renderer] changes.
func slateFor(texts *i18n.Catalog, p *plan.Plan, piece timeline.Piece) slateText {
	window := p.Window()
	start, end := window.Time(piece.First), window.Time(piece.End)
	key := "report.slate." + cmp.Or(string(piece.Role), "none")
	if p.IsWithheld(piece.First, piece.End) {
		key = "report.slate.withheld"
	}
	return slateText{
		Head:  plan.Bilingual(texts, key),
		Room:  p.Room,
		Date:  start.Format("02.01.2006"),
		Hours: start.Format("15:04:05") + " – " + end.Format("15:04:05"),
	}
}

// Colours of a slate. The background looks like no idle screen, no slide and no black picture.
var (
	slateGround = color.RGBA{R: 34, G: 40, B: 49, A: 255}
	slateInk    = color.RGBA{R: 238, G: 240, B: 242, A: 255}
	slateFaint  = color.RGBA{R: 150, G: 160, B: 172, A: 255}
)

// drawSlate draws a slate as yuv420p of the given size.
func drawSlate(text slateText, width, height int) ([]byte, error) {
	fonts, err := typefaces()
	if err != nil {
		return nil, err
	}
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 0; i < len(canvas.Pix); i += 4 {
		canvas.Pix[i], canvas.Pix[i+1], canvas.Pix[i+2], canvas.Pix[i+3] = slateGround.R, slateGround.G, slateGround.B, 255
	}
	unit := float64(min(height, width*9/16)) / 20
	lines := []struct {
		text string
		font *opentype.Font
		size float64
		ink  color.RGBA
		down float64 // baseline, in units from the middle
	}{
		{text.Room, fonts[1], 2.6 * unit, slateInk, -2.6},
		{text.Head, fonts[0], 1.1 * unit, slateFaint, -0.4},
		{text.Date, fonts[0], 1.5 * unit, slateInk, 2.2},
		{text.Hours, fonts[0], 1.5 * unit, slateInk, 4.4},
	}
	for _, line := range lines {
		if err := drawLine(canvas, line.text, line.font, line.size, line.ink, height/2+int(line.down*unit)); err != nil {
			return nil, err
		}
	}
	return toYUV(canvas), nil
}

// drawLine centres a line of text, made smaller where it is too long.
func drawLine(canvas *image.RGBA, text string, ttf *opentype.Font, size float64, ink color.RGBA, baseline int) error {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	room := fixed.I(canvas.Rect.Dx() * 9 / 10)
	for {
		face, err := opentype.NewFace(
			ttf,
			&opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull},
		)
		if err != nil {
			return fmt.Errorf("draw a slate: %w", err)
		}
		drawer := font.Drawer{Dst: canvas, Src: image.NewUniform(ink), Face: face}
		if length := drawer.MeasureString(text); length <= room {
			drawer.Dot = fixed.Point26_6{
				X: (fixed.I(canvas.Rect.Dx()) - length) / 2,
				Y: fixed.I(baseline),
			}
			drawer.DrawString(text)
			return nil
		}
		if size < 6 {
			text = text[:len(text)*3/4] // a name of hundreds of letters is cut
		}
		size = max(size*0.9, 5)
	}
}

// toYUV converts to yuv420p, BT.709, limited range.
func toYUV(canvas *image.RGBA) []byte {
	w, h := canvas.Rect.Dx(), canvas.Rect.Dy()
	out := make([]byte, w*h*3/2)
	u, v := out[w*h:w*h*5/4], out[w*h*5/4:]
	for y := range h {
		for x := range w {
			p := canvas.Pix[y*canvas.Stride+4*x:]
			r, g, b := int(p[0]), int(p[1]), int(p[2])
			out[y*w+x] = byte(16 + (47*r+157*g+16*b+128)>>8)
			if x%2 == 0 && y%2 == 0 {
				i := y/2*(w/2) + x/2
				u[i] = byte(128 + (-26*r-87*g+112*b+128)>>8)
				v[i] = byte(128 + (112*r-102*g-10*b+128)>>8)
			}
		}
	}
	return out
}

// black is a black picture.
func black(width, height int) []byte {
	out := make([]byte, width*height*3/2)
	for i := range out {
		if i < width*height {
			out[i] = 16
		} else {
			out[i] = 128
		}
	}
	return out
}
