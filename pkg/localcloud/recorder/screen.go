package recorder

import (
	"fmt"
	"math"
	"time"
)

// Card is what an encoder sends: slides, or an idle screen.
type Card int

// What an encoder sends.
const (
	Slides Card = iota // the presentation
	Bars               // a test pattern with NO SIGNAL
	Splash             // a vendor's still picture
	Blue
	Black
	Green // what copy-protected HDMI becomes
)

// Showing is a period in which the encoder shows another card than slides.
type Showing struct {
	From, Until time.Time
	Card        Card
}

// SlideTime is how long a slide is shown.
const SlideTime = 20 * time.Second

// Screen is the scene of the encoder: slides that change each [SlideTime], and the cards of
// program.
func Screen(program ...Showing) Scene {
	return func(seed uint64, width, height int) Painter {
		s := &screen{
			program: program,
			seed:    seed,
			width:   width,
			height:  height,
			pages:   map[page]*Picture{},
		}
		return s
	}
}

// screen paints slides and cards. It keeps the drawn ones.
type screen struct {
	program       []Showing
	seed          uint64
	width, height int
	pages         map[page]*Picture // drawn ones
}

// page identifies a still picture.
type page struct {
	card  Card
	slide int64
}

// Paint implements Painter.
func (s *screen) Paint(p *Picture, at time.Time) {
	now := page{slide: at.UnixNano() / int64(SlideTime)}
	for _, showing := range s.program {
		if !at.Before(showing.From) && at.Before(showing.Until) {
			now = page{card: showing.Card}
		}
	}
	drawn, ok := s.pages[now]
	if !ok {
		if len(s.pages) > 8 {
			clear(s.pages) // slides do not come back; cards are drawn again
		}
		drawn = s.draw(now)
		s.pages[now] = drawn
	}
	copy(p.Bytes, drawn.Bytes)
}

// draw draws a slide or a card.
func (s *screen) draw(now page) *Picture {
	sheet := pageSheet(s.width, s.height)
	switch now.card {
	case Slides:
		sheet.slide(s.seed, now.slide)
	case Bars:
		sheet.bars()
	case Splash:
		sheet.splash()
	case Blue:
		sheet.fill(rgb(0x0000c8))
	case Black:
		sheet.fill(rgb(0))
	case Green:
		sheet.fill(rgb(0x008700))
	}
	return sheet.picture()
}

// bars draws a test pattern like SMPTE's, with NO SIGNAL over it.
func (s *sheet) bars() {
	wide := s.width()
	for i, c := range []uint32{
		0xc0c0c0, 0xc0c000, 0x00c0c0, 0x00c000, 0xc000c0, 0xc00000, 0x0000c0,
	} {
		s.box(rgb(c), wide*float64(i)/7, 0, wide/7+1, 480)
	}
	for i, c := range []uint32{
		0x0000c0, 0x131313, 0xc000c0, 0x131313, 0x00c0c0, 0x131313, 0xc0c0c0,
	} {
		s.box(rgb(c), wide*float64(i)/7, 480, wide/7+1, 60)
	}
	for i, c := range []uint32{
		0x00214c, 0xffffff, 0x32006a, 0x131313, 0x090909, 0x1d1d1d, 0x131313,
	} {
		s.box(rgb(c), wide*float64(i)/7, 540, wide/7+1, 181)
	}
	s.box(rgb(0x101010), wide/2-250, 250, 500, 120)
	s.centred(rgb(0xffffff), bold(), 76, wide/2, 336, "NO SIGNAL")
}

// splash draws a vendor's still picture.
func (s *sheet) splash() {
	wide := s.width()
	s.fill(rgb(0x16243a))
	s.ellipse(rgb(0x2f80c2), wide/2, 250, 90, 90)
	s.ellipse(rgb(0x16243a), wide/2, 250, 62, 62)
	s.polygon(
		rgb(0xffffff), point{wide/2 - 22, 212}, point{wide/2 + 42, 250}, point{wide/2 - 22, 288},
	)
	s.centred(rgb(0xffffff), bold(), 54, wide/2, 440, "LectureBox Encoder")
	s.centred(rgb(0x9db4cf), regular(), 34, wide/2, 500, "No signal. Connect a source to HDMI 1.")
}

// slide draws page n of an endless deck.
func (s *sheet) slide(seed uint64, n int64) {
	wide := s.width()
	topics := readTexts().Slides
	topic := topics[n%int64(len(topics))]
	accent := rgb([]uint32{0x1f5fa8, 0x7a3e9d, 0x1d7f6b, 0xb0542a}[hash(seed)%4])
	s.fill(rgb(0xfbfaf7))
	s.box(accent, 0, 0, wide, 104)
	s.box(mix(accent, rgb(0xffffff), 0.45), 0, 104, wide, 8)
	s.text(rgb(0xffffff), bold(), 44, 64, 88, topic.Title)
	s.text(rgb(0x808890), regular(), 22, 64, 646, "Linear algebra · lecture 9")
	s.text(rgb(0x808890), regular(), 22, wide-130, 646, fmt.Sprintf("page %d", n%1000))
	for i, line := range topic.Lines {
		y := 200 + float64(i)*74
		s.ellipse(accent, 84, y-11, 7, 7)
		s.text(rgb(0x23282e), regular(), 36, 110, y, line)
	}
	switch topic.Figure {
	case plot:
		s.plot(wide*0.60, 170, wide*0.34, 400)
	case code:
		s.listing(wide*0.56, 170, wide*0.38)
	case none:
	case columns:
		s.columns(seed, n, wide*0.60, 170, wide*0.34, 400)
	}
}

// figure is the drawing on a slide.
type figure string

// The figures of slides, as texts.json names them.
const (
	none    figure = ""
	plot    figure = "plot"
	code    figure = "code"
	columns figure = "columns"
)

// plot draws a coordinate system with two curves.
func (s *sheet) plot(x, y, w, h float64) {
	s.box(rgb(0xffffff), x, y, w, h)
	grey := rgb(0xd5d9de)
	for i := range 7 {
		s.box(grey, x+w*float64(i)/6, y, 1.5, h)
		s.box(grey, x, y+h*float64(i)/6, w, 1.5)
	}
	s.box(rgb(0x444a52), x, y+h/2, w, 3)
	s.box(rgb(0x444a52), x+w/2, y, 3, h)
	var curve []point
	for i := range 60 {
		t := float64(i) / 59
		curve = append(curve, point{x + w*t, y + h*(0.5-0.35*math.Sin(t*7)*math.Exp(-1.2*t))})
	}
	s.stroke(rgb(0xc0392b), 5, curve...)
	s.stroke(rgb(0x2471a3), 5, point{x + w*0.1, y + h*0.9}, point{x + w*0.9, y + h*0.1})
}

// columns draws a bar chart with decreasing columns.
func (s *sheet) columns(seed uint64, n int64, x, y, w, h float64) {
	s.box(rgb(0x444a52), x, y+h, w, 3)
	for i := range 8 {
		// #nosec G115 -- any bits do
		tall := h * (0.95*math.Pow(0.72, float64(i)) + float64(
			hash(seed, uint64(n), uint64(i))%8,
		)/100)
		s.box(
			mix(rgb(0x1f5fa8), rgb(0x9ec5e8), float64(i)/8),
			x+w*float64(i)/8+6,
			y+h-tall,
			w/8-12,
			tall,
		)
	}
}

// listing draws lines of code.
func (s *sheet) listing(x, y, w float64) {
	s.rounded(rgb(0x1e232b), x, y, w, 330, 12)
	for i, line := range readTexts().Code {
		c := rgb(0xd6deeb)
		if i == 0 || i == 5 {
			c = rgb(0x82c4ff)
		}
		s.text(c, mono(), 25, x+24, y+56+float64(i)*46, line)
	}
}
