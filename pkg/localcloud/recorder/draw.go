package recorder

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// A typeface of the Go fonts, which have Latin, Greek and Cyrillic letters.
type typeface []byte

func regular() typeface {
	return goregular.TTF
}
func bold() typeface {
	return gobold.TTF
}
func italic() typeface {
	return goitalic.TTF
}
func mono() typeface {
	return gomono.TTF
}

// sheet is a drawing in units of a 720 lines high picture, whatever its real size.
type sheet struct {
	img   *image.RGBA
	scale float64
	faces map[faceKey]font.Face
}

type faceKey struct {
	first *byte // of the typeface's data: its identity
	size  float64
}

// newSheet makes a transparent drawing of a size in pixels.
func newSheet(width, height int, scale float64) *sheet {
	return &sheet{
		img:   image.NewRGBA(image.Rect(0, 0, width, height)),
		scale: scale,
		faces: map[faceKey]font.Face{},
	}
}

// pageSheet is a sheet for a whole picture. Its width in units is 1280 if it is 16:9.
func pageSheet(width, height int) *sheet {
	return newSheet(width, height, float64(height)/720)
}

// width in units.
func (s *sheet) width() float64 {
	return float64(s.img.Rect.Dx()) / s.scale
}

// picture converts the drawing.
func (s *sheet) picture() *Picture {
	p := NewPicture(s.img.Rect.Dx(), s.img.Rect.Dy())
	p.fromRGBA(s.img)
	return p
}

func (s *sheet) fill(c color.RGBA) {
	draw.Draw(s.img, s.img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
}

// point is a place in units.
type point struct{ x, y float64 }

// polygon fills the shape between the points.
func (s *sheet) polygon(c color.RGBA, points ...point) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		left, right = min(left, p.x), max(right, p.x)
		top, bottom = min(top, p.y), max(bottom, p.y)
	}
	around := image.Rect(
		int(math.Floor(left*s.scale)),
		int(math.Floor(top*s.scale)),
		int(math.Ceil(right*s.scale)),
		int(math.Ceil(bottom*s.scale)),
	).Intersect(s.img.Rect)
	if around.Empty() {
		return
	}
	r := vector.NewRasterizer(around.Dx(), around.Dy())
	for i, p := range points {
		x, y := float32(p.x*s.scale)-float32(around.Min.X), float32(p.y*s.scale)-float32(around.Min.Y)
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(s.img, around, image.NewUniform(c), image.Point{})
}

func (s *sheet) box(c color.RGBA, x, y, w, h float64) {
	s.polygon(c, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// rounded fills a box with round corners.
func (s *sheet) rounded(c color.RGBA, x, y, w, h, radius float64) {
	var points []point
	for i, centre := range []point{
		{x + w - radius, y + radius},
		{x + w - radius, y + h - radius},
		{x + radius, y + h - radius},
		{x + radius, y + radius},
	} {
		for step := range 9 {
			angle := (float64(i) - 1 + float64(step)/8) * math.Pi / 2
			points = append(
				points, point{centre.x + radius*math.Cos(angle), centre.y + radius*math.Sin(angle)},
			)
		}
	}
	s.polygon(c, points...)
}

func (s *sheet) ellipse(c color.RGBA, x, y, rx, ry float64) {
	points := make([]point, 48)
	for i := range points {
		angle := 2 * math.Pi * float64(i) / float64(len(points))
		points[i] = point{x + rx*math.Cos(angle), y + ry*math.Sin(angle)}
	}
	s.polygon(c, points...)
}

// stroke draws a line with round ends.
func (s *sheet) stroke(c color.RGBA, thick float64, points ...point) {
	for i, p := range points {
		s.ellipse(c, p.x, p.y, thick/2, thick/2)
		if i == 0 {
			continue
		}
		q := points[i-1]
		dx, dy := p.x-q.x, p.y-q.y
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		nx, ny := -dy/length*thick/2, dx/length*thick/2
		s.polygon(
			c,
			point{q.x + nx, q.y + ny},
			point{p.x + nx, p.y + ny},
			point{p.x - nx, p.y - ny},
			point{q.x - nx, q.y - ny},
		)
	}
}

// text writes a line with its base line's left end at x, y.
func (s *sheet) text(c color.RGBA, face typeface, size, x, y float64, line string) {
	d := font.Drawer{
		Dst:  s.img,
		Src:  image.NewUniform(c),
		Face: s.face(face, size),
		Dot: fixed.Point26_6{
			X: fixed.Int26_6(x * s.scale * 64),
			Y: fixed.Int26_6(y * s.scale * 64),
		},
	}
	d.DrawString(line)
}

// measure is the width of a line of text.
func (s *sheet) measure(face typeface, size float64, line string) float64 {
	return float64(font.MeasureString(s.face(face, size), line)) / 64 / s.scale
}

// centred writes a line around x.
func (s *sheet) centred(c color.RGBA, face typeface, size, x, y float64, line string) {
	s.text(c, face, size, x-s.measure(face, size, line)/2, y, line)
}

// face opens a typeface in a size; the fonts are part of the program, so one that does not open
// is a broken build.
func (s *sheet) face(t typeface, size float64) font.Face {
	key := faceKey{&t[0], size}
	if f, ok := s.faces[key]; ok {
		return f
	}
	parsed, err := opentype.Parse(t)
	if err != nil {
		panic(fmt.Sprintf("recorder: built-in font: %v", err))
	}
	f, err := opentype.NewFace(
		parsed, &opentype.FaceOptions{Size: size * s.scale, DPI: 72, Hinting: font.HintingNone},
	)
	if err != nil {
		panic(fmt.Sprintf("recorder: built-in font: %v", err))
	}
	s.faces[key] = f
	return f
}

// grain adds noise to every pixel: amplitude in levels, coarse in pixels.
func (s *sheet) grain(seed uint64, amplitude, coarse int) {
	b := s.img.Rect
	for y := range b.Dy() {
		for x := range b.Dx() {
			// #nosec G115 -- small
			n := int(
				hash(seed, uint64(x/coarse), uint64(y/coarse))%uint64(2*amplitude+1),
			) - amplitude
			i := s.img.PixOffset(x, y)
			for k := range 3 {
				s.img.Pix[i+k] = byte(min(255, max(0, int(s.img.Pix[i+k])+n)))
			}
		}
	}
}

// hash mixes values into 64 bits that look random (SplitMix64).
func hash(values ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, v := range values {
		h ^= v
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

func rgb(hex uint32) color.RGBA {
	// #nosec G115 -- the bytes are meant
	return color.RGBA{R: byte(hex >> 16), G: byte(hex >> 8), B: byte(hex), A: 255}
}

// mix is a colour between two, t from 0 to 1.
func mix(a, b color.RGBA, t float64) color.RGBA {
	part := func(a, b byte) byte { return byte(float64(a) + (float64(b)-float64(a))*t) }
	return color.RGBA{R: part(a.R, b.R), G: part(a.G, b.G), B: part(a.B, b.B), A: 255}
}
