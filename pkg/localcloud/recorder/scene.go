package recorder

import (
	"image/color"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// Scene prepares a [Painter] for pictures of one size.
type Scene func(seed uint64, width, height int) Painter

// Painter paints the whole picture of an instant. One goroutine uses it, with instants that
// usually grow.
type Painter interface {
	Paint(p *Picture, at time.Time)
}

// PainterFunc is a painter without state.
type PainterFunc func(p *Picture, at time.Time)

// Paint calls the function.
func (f PainterFunc) Paint(p *Picture, at time.Time) {
	f(p, at)
}

// camera paints a scene with the clock and the strip over it.
type camera struct {
	scene  Painter
	clock  *clock // nil: none
	octet  string
	strip  bool
	origin time.Time // the wall's time at media time 0
	// heard samples a second of the file last as long as true ones a second of the wall.
	heard, true int64
}

// newCamera returns the camera of a source.
func newCamera(s Source, pictures Pictures, seed uint64) *camera {
	c := &camera{
		scene: s.Scene(seed, pictures.Width, pictures.Height),
		octet: s.Octet,
		strip: !pictures.NoStrip,
		heard: 1,
		true:  1,
	}
	if !pictures.NoClock {
		c.clock = newClock(s.Label+" "+s.Octet, pictures.Height)
	}
	return c
}

// wall returns the real time at a media time.
func (c *camera) wall(media time.Duration) time.Time {
	return c.origin.Add(media + time.Duration(media.Nanoseconds()/c.true*(c.heard-c.true)))
}

// paint paints the picture at a media time.
func (c *camera) paint(p *Picture, media time.Duration) {
	at := c.wall(media)
	c.scene.Paint(p, at)
	if c.clock != nil {
		c.clock.lay(p, at)
	}
	if c.strip {
		luma, _, _ := p.planes()
		timecode.Draw(luma, p.Width, p.Height, c.octet, at)
		greyFoot(p)
	}
}

// greyFoot removes the colour from the rows of the strip.
func greyFoot(p *Picture) {
	_, u, v := p.planes()
	from := (p.Height - p.Height*timecode.StripNum/timecode.StripDen) / 2 * p.Width / 2
	for i := from; i < len(u); i++ {
		u[i], v[i] = 128, 128
	}
}

// clock draws the time of day, in milliseconds, and a label. Glyphs are drawn once.
type clock struct {
	label  *sprite
	glyphs [12]*sprite // 0 to 9, colon, dot
	margin int
}

const clockGlyphs = "0123456789:."

// newClock draws the glyphs for a picture height in pixels.
func newClock(label string, height int) *clock {
	scale := float64(height) / 720
	size := max(26, 9/scale) // at least 9 pixels, to stay readable
	c := &clock{margin: max(2, int(8*scale))}
	ruler := newSheet(2, 2, scale)
	c.label = plate(label, regular(), size, ruler.measure(regular(), size, label)+size/2, scale)
	for i, g := range clockGlyphs {
		c.glyphs[i] = plate(string(g), mono(), size, ruler.measure(mono(), size, "0"), scale)
	}
	return c
}

// plate draws a text on a dark background.
func plate(text string, face typeface, size, width, scale float64) *sprite {
	s := newSheet((int(width*scale)+1)&^1, int(size*1.3*scale+1)&^1, scale)
	s.fill(color.RGBA{A: 150})
	s.centred(rgb(0xffffff), face, size, float64(s.img.Rect.Dx())/scale/2, size, text)
	return newSprite(s.img)
}

// lay draws the time of an instant over a picture.
func (c *clock) lay(p *Picture, at time.Time) {
	x := c.margin
	for _, digit := range at.Format("15:04:05.000") {
		i := int(digit - '0') // the colon follows the 9 in ASCII
		if digit == '.' {
			i = 11
		}
		c.glyphs[i].lay(p, x, c.margin)
		x += c.glyphs[i].w
	}
	c.label.lay(p, x, c.margin)
}
