package recorder

import (
	"image"
	"image/color"
	"time"
)

// boardTime is how long a board is written on before it is wiped; lineTime is what a line takes.
const (
	// boardTime is how long a board is written on before it is wiped; lineTime is the time of one
	// line.
	boardTime = 3 * time.Minute
	lineTime  = boardTime / (boardLines + 1)
)

// boardLines is how many lines of text a full board has.
const boardLines = 8

// Board is the scene of a camera on the blackboard. Text appears line by line and is wiped after
// [boardTime].
func Board(seed uint64, width, height int) Painter {
	b := &board{
		seed:   seed,
		width:  width,
		height: height,
		clean:  drawBoard(seed, width, height, -1),
		number: -1,
	}
	return b
}

// board paints a blackboard. It keeps the drawing of the current text.
type board struct {
	seed          uint64
	width, height int
	clean         *Picture
	full          *Picture // board number, all written
	number        int64
}

// Paint implements Painter. It shows the part of the text that is written at the instant.
func (b *board) Paint(p *Picture, at time.Time) {
	if number := at.UnixNano() / int64(boardTime); number != b.number {
		b.number = number
		b.full = drawBoard(b.seed, b.width, b.height, number)
	}
	copy(p.Bytes, b.clean.Bytes)
	written := time.Duration(at.UnixNano() % int64(boardTime))
	scale := float64(b.height) / 720
	for line := range boardLines {
		y0 := int((lineTop(line)) * scale)
		y1 := int((lineTop(line) + lineHeight) * scale)
		part := min(lineTime, written-time.Duration(line)*lineTime)
		if part <= 0 {
			break
		}
		x1 := int(int64(b.width) * int64(part) / int64(lineTime))
		p.copyRows(b.full, 0, x1, y0, y1)
	}
}

// lineHeight is the distance of two lines, in units: 720 of them are the height of the picture.
const lineHeight = 66.0

// lineTop returns the upper edge of a line, in units.
func lineTop(line int) float64 {
	return 78 + lineHeight*float64(line)
}

// drawBoard draws the board with the text of a number; -1 is an empty board.
func drawBoard(seed uint64, width, height int, number int64) *Picture {
	s := pageSheet(width, height)
	wide := s.width()
	s.fill(rgb(0x6e5a43))
	s.box(rgb(0x23463b), 22, 22, wide-44, 626)
	for i := range uint64(40) { // traces of the sponge
		h := hash(seed, i, 77)
		s.ellipse(
			color.RGBA{R: 8, G: 9, B: 9, A: 5},
			float64(h%1000)/1000*wide,
			60+float64(h>>16%540),
			160,
			34,
		)
	}
	s.box(rgb(0x8c7355), 22, 648, wide-44, 16)
	s.grain(seed+3, 4, 2)
	if number >= 0 {
		s.chalk(seed, number)
	}
	return s.picture()
}

// chalk writes the lines of a board, with the gaps of chalk on a rough surface.
func (s *sheet) chalk(seed uint64, number int64) {
	over := newSheet(s.img.Rect.Dx(), s.img.Rect.Dy(), s.scale)
	boards := readTexts().Boards
	text := boards[number%int64(len(boards))]
	for i, line := range text {
		c := rgb(0xe9ebe4)
		if i == 0 {
			c = rgb(0xf2d98a)
		}
		x := 70 + float64(hash(seed, uint64(i))%30) // #nosec G115 -- small
		over.text(c, italic(), 50, x, lineTop(i)+50, line)
		if i == 0 {
			over.stroke(
				c,
				3,
				point{x, lineTop(i) + 62},
				point{x + over.measure(italic(), 50, line), lineTop(i) + 58},
			)
		}
	}
	for y := range over.img.Rect.Dy() {
		for x := range over.img.Rect.Dx() {
			keep := 150 + hash(seed, uint64(x), uint64(y))%106 // #nosec G115 -- small
			i := over.img.PixOffset(x, y)
			for k := range 4 {
				// #nosec G115 -- at most 255
				over.img.Pix[i+k] = byte(uint64(over.img.Pix[i+k]) * keep / 255)
			}
		}
	}
	layOver(s.img, over.img)
}

// layOver draws an image with premultiplied alpha over another of the same size.
func layOver(to, from *image.RGBA) {
	for i := 0; i < len(to.Pix); i += 4 {
		a := 255 - int(from.Pix[i+3])
		for k := range 3 {
			to.Pix[i+k] = byte(min(255, int(from.Pix[i+k])+int(to.Pix[i+k])*a/255))
		}
	}
}
