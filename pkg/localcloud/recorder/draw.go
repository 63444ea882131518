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

// A typeface is the data of a Go font. These fonts have Latin, Greek and Cyrillic letters.
type typeface []byte

// regular returns the upright typeface.
func regular() typeface {
	return goregular.TTF
}

// bold returns the bold typeface.
func bold() typeface {
	return gobold.TTF
}

// italic returns the slanted typeface.
func italic() typeface {
	return goitalic.TTF
}

// mono returns the typeface with letters of one width.
func mono() typeface {
	return gomono.TTF
}

// sheet is a drawing. Its unit is 1/720 of a picture's height, whatever the real size.
type sheet struct {
	img   *image.RGBA
	scale float64
	faces map[faceKey]font.Face
}

// faceKey identifies a typeface in a size.
type faceKey struct {
	first *byte // of the typeface's data: its identity
	size  float64
}

// newSheet returns a transparent drawing of a size in pixels. scale is pixels a unit.
func newSheet(width, height int, scale float64) *sheet {
	return &sheet{
		img:   image.NewRGBA(image.Rect(0, 0, width, height)),
		scale: scale,
		faces: map[faceKey]font.Face{},
	}
}

// pageSheet returns a sheet for a whole picture. A 16:9 picture is 1280 units wide.
func pageSheet(width, height int) *sheet {
	return newSheet(width, height, float64(height)/720)
}

// width returns the width in units.
func (s *sheet) width() float64 {
	return float64(s.img.Rect.Dx()) / s.scale
}

// picture converts the drawing to YUV.
func (s *sheet) picture() *Picture {
	p := NewPicture(s.img.Rect.Dx(), s.img.Rect.Dy())
	p.fromRGBA(s.img)
	return p
}

// fill fills the whole drawing.
func (s *sheet) fill(c color.RGBA) {
	draw.Draw(s.img, s.img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
}

// point is a position in units.
type point struct{ x, y float64 }

// polygon fills the shape between points.
func (s *sheet) polygon(c color.RGBA, points ...point) {
	left := math.Inf(1)
	top := math.Inf(1)
	right := math.Inf(-1)
	bottom := math.Inf(-1)
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

// box fills a rectangle. x, y is its upper left corner.
func (s *sheet) box(c color.RGBA, x, y, w, h float64) {
	s.polygon(c, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// rounded fills a rectangle with round corners.
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

// ellipse fills an ellipse around x, y.
func (s *sheet) ellipse(c color.RGBA, x, y, rx, ry float64) {
	points := make([]point, 48)
	for i := range points {
		angle := 2 * math.Pi * float64(i) / float64(len(points))
		points[i] = point{x + rx*math.Cos(angle), y + ry*math.Sin(angle)}
	}
	s.polygon(c, points...)
}

// stroke draws a line through points with round ends.
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
		nx := -dy / length * thick / 2
		ny := dx / length * thick / 2
		s.polygon(
			c,
			point{q.x + nx, q.y + ny},
			point{p.x + nx, p.y + ny},
			point{p.x - nx, p.y - ny},
			point{q.x - nx, q.y - ny},
		)
	}
}

// text writes a line. x, y is the left end of its base line.
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

// measure returns the width of a line of text in units.
func (s *sheet) measure(face typeface, size float64, line string) float64 {
	return float64(font.MeasureString(s.face(face, size), line)) / 64 / s.scale
}

// centred writes a line centred around x.
func (s *sheet) centred(c color.RGBA, face typeface, size, x, y float64, line string) {
	s.text(c, face, size, x-s.measure(face, size, line)/2, y, line)
}

// face returns a typeface in a size. The fonts are compiled in, so that an error is a broken
// build, and a panic.
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
		parsed, &opentype.FaceOptions{
			Size:    size * s.scale,
			DPI:     72,
			Hinting: font.HintingNone,
		},
	)
	if err != nil {
		panic(fmt.Sprintf("recorder: built-in font: %v", err))
	}
	s.faces[key] = f
	return f
}

// grain adds noise to every pixel. amplitude is in levels of 8 bits, coarse in pixels.
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

// hash mixes values into 64 random-looking bits (SplitMix64).
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

// rgb returns an opaque colour of the form 0xrrggbb.
func rgb(hex uint32) color.RGBA {
	// #nosec G115 -- the bytes are meant
	return color.RGBA{
		R: byte(hex >> 16),
		G: byte(hex >> 8),
		B: byte(hex),
		A: 255,
	}
}

// mix returns a colour between two. t is from 0 (a) to 1 (b).
func mix(a, b color.RGBA, t float64) color.RGBA {
	part := func(a, b byte) byte {
		return byte(float64(a) + (float64(b)-float64(a))*t)
	}
	return color.RGBA{
		R: part(a.R, b.R),
		G: part(a.G, b.G),
		B: part(a.B, b.B),
		A: 255,
	}
}
