package recorder

import (
	"image/color"
	"math"
	"time"
)

// Lecturer is the scene of a camera on the lecturer, who walks and gestures before a wall.
func Lecturer(seed uint64, width, height int) Painter {
	l := &lecturer{
		room:  lectureRoom(seed, width, height),
		scale: float64(height) / 720,
		poses: map[pose]*sprite{},
		seed:  seed,
	}
	l.wide = float64(width) / l.scale
	l.desk = l.drawDesk()
	return l
}

// lecturer paints the figure. It keeps the drawings of the poses.
type lecturer struct {
	room  *Picture
	desk  *sprite // in front of the figure
	poses map[pose]*sprite
	scale float64
	wide  float64 // units
	seed  uint64
}

// pose is a position of the figure: arm angles and leg stride, in steps.
type pose struct{ left, right, stride int }

// Steps of a pose, from hanging to raised and from one leg to the other.
const armSteps, strideSteps = 12, 8

// Paint implements Painter. The figure stands between the wall and the desk.
func (l *lecturer) Paint(p *Picture, at time.Time) {
	copy(p.Bytes, l.room.Bytes)
	// A day is periodic enough; seconds since midnight keep the precision of floats.
	t := float64(at.UnixMilli()%86_400_000) / 1000
	walk := math.Sin(t/7.3) + 0.5*math.Sin(t/3.1+1)
	step := int(math.Round(walk * 40))
	wave := func(period, phase float64) int {
		return int((0.5 + 0.5*math.Sin(t*2*math.Pi/period+phase)) * (armSteps - 1))
	}
	now := pose{
		left:   wave(4.1, 0) / 2,
		right:  wave(2.3, 2) * wave(11, 1) / (armSteps - 1),
		stride: (step%strideSteps + strideSteps) % strideSteps,
	}
	figure, ok := l.poses[now]
	if !ok {
		figure = l.drawFigure(now)
		l.poses[now] = figure
	}
	centre := l.wide*0.52 + walk*l.wide*0.17
	figure.lay(p, int((centre-figureWide/2)*l.scale), int(150*l.scale))
	l.desk.lay(p, int(l.wide*0.06*l.scale), int(372*l.scale))
}

// Size of the figure's drawing, in units.
const figureWide, figureTall = 300, 520

// drawFigure draws the figure in a pose, from the rear arm to the front arm.
func (l *lecturer) drawFigure(now pose) *sprite {
	s := newSheet(int(figureWide*l.scale)&^1, int(figureTall*l.scale)&^1, l.scale)
	skin := rgb(0xd9a882)
	hair := rgb(0x3a2a20)
	jacket := rgb(0x33465f)
	shirt := rgb(0xe8e6e0)
	trousers := rgb(0x2a2c33)
	const x = figureWide / 2
	swing := 16 * math.Sin(2*math.Pi*float64(now.stride)/strideSteps)
	for _, side := range []float64{-1, 1} {
		s.stroke(
			trousers,
			44,
			point{x + side*22, 285},
			point{x + side*(26+swing*side), 400},
			point{x + side*24 + swing, 505},
		)
	}
	s.arm(mix(jacket, rgb(0), 0.25), skin, x-52, -1, now.left)
	s.polygon(
		jacket,
		point{x - 70, 112},
		point{x - 38, 90},
		point{x + 38, 90},
		point{x + 70, 112},
		point{x + 60, 220},
		point{x + 58, 318},
		point{x - 58, 318},
		point{x - 60, 220},
	)
	s.polygon(
		mix(jacket, rgb(0xffffff), 0.08),
		point{x, 92},
		point{x + 38, 90},
		point{x + 70, 112},
		point{x + 60, 220},
		point{x + 58, 318},
		point{x + 4, 318},
	)
	s.polygon(shirt, point{x - 22, 88}, point{x + 22, 88}, point{x, 178})
	s.polygon(
		rgb(0x8e2f35),
		point{x - 6, 104},
		point{x + 6, 104},
		point{x + 8, 165},
		point{x, 178},
		point{x - 8, 165},
	)
	s.stroke(mix(skin, rgb(0), 0.15), 30, point{x, 70}, point{x, 94})
	s.ellipse(hair, x, 38, 38, 40)
	s.ellipse(skin, x, 48, 33, 40)
	s.polygon(
		hair,
		point{x - 35, 36},
		point{x - 26, 12},
		point{x, 3},
		point{x + 26, 12},
		point{x + 35, 36},
		point{x + 12, 24},
		point{x - 14, 26},
	)
	for _, side := range []float64{-13, 13} {
		s.ellipse(rgb(0xf6f3ee), x+side, 46, 6, 4)
		s.ellipse(rgb(0x2b2320), x+side, 46, 3, 3.4)
	}
	s.stroke(mix(skin, rgb(0), 0.2), 3, point{x, 50}, point{x - 3, 60}, point{x + 2, 61})
	s.ellipse(rgb(0x8c4a42), x, 72, 10, 2+float64((now.left+now.right)%4)*1.6)
	s.arm(jacket, skin, x+58, 1, now.right)
	return newSprite(s.img)
}

// arm draws an arm from the shoulder at x, raised by steps. side is -1 or 1.
func (s *sheet) arm(sleeve, skin color.RGBA, x, side float64, step int) {
	up := float64(step) / (armSteps - 1)
	shoulder := point{x, 124}
	upper := 0.25 + 0.9*up
	elbow := point{shoulder.x + side*math.Sin(upper)*88, shoulder.y + math.Cos(upper)*88}
	fore := 0.1 + 2.2*up
	hand := point{elbow.x + side*math.Sin(fore)*80, elbow.y + math.Cos(fore)*80}
	s.stroke(sleeve, 34, shoulder, elbow)
	s.stroke(sleeve, 27, elbow, hand)
	s.ellipse(skin, hand.x, hand.y, 15, 16)
}

// drawDesk draws the desk with a laptop.
func (l *lecturer) drawDesk() *sprite {
	s := newSheet(int(300*l.scale)&^1, int(300*l.scale)&^1, l.scale)
	wood := rgb(0x8a5a34)
	s.box(mix(wood, rgb(0), 0.35), 20, 110, 250, 190)
	s.box(mix(wood, rgb(0), 0.2), 34, 124, 222, 176)
	s.box(wood, 0, 92, 290, 24)
	s.polygon(rgb(0x25282d), point{90, 86}, point{190, 86}, point{206, 16}, point{106, 16})
	s.polygon(rgb(0x3a3e45), point{94, 82}, point{186, 82}, point{201, 20}, point{110, 20})
	s.box(rgb(0x4a4f57), 80, 86, 124, 7)
	return newSprite(s.img)
}

// lectureRoom draws the wall, the blackboard's edge, a door and the floor.
func lectureRoom(seed uint64, width, height int) *Picture {
	s := pageSheet(width, height)
	wide := s.width()
	for y := 0.0; y < 560; y += 4 {
		s.box(mix(rgb(0xcfc6b6), rgb(0xa99f8e), y/560), 0, y, wide, 5)
	}
	for i := range uint64(12) { // plaster: large soft patches
		h := hash(seed, i)
		s.ellipse(
			color.RGBA{R: 9, G: 8, B: 6, A: 10},
			float64(h%1280)/1280*wide,
			float64(h>>20%520),
			60+float64(h>>40%140),
			40+float64(h>>50%60),
		)
	}
	s.box(rgb(0x6f6250), 0, 548, wide, 14)
	for y := 562.0; y < 720; y += 4 {
		s.box(mix(rgb(0x77634c), rgb(0x4d4033), (y-562)/158), 0, y, wide, 5)
	}
	s.box(rgb(0x6b7078), wide*0.30, 96, wide*0.46, 300)
	s.box(rgb(0x26443a), wide*0.30+12, 108, wide*0.46-24, 276)
	chalk := color.RGBA{R: 190, G: 200, B: 190, A: 210}
	s.text(chalk, italic(), 44, wide*0.33, 190, "A v = λ v")
	s.text(chalk, italic(), 38, wide*0.33, 262, "det(A − λI) = 0")
	s.box(rgb(0x5c4632), wide*0.86, 150, wide*0.115, 400)
	s.box(rgb(0x7d6147), wide*0.868, 160, wide*0.10, 388)
	s.ellipse(rgb(0xd8c07a), wide*0.88, 360, 7, 7)
	s.box(rgb(0x50565e), wide*0.07, 120, 150, 200)
	s.box(rgb(0xeae6da), wide*0.07+6, 126, 138, 188)
	s.centred(rgb(0x334455), bold(), 38, wide*0.07+75, 210, readTexts().Sign)
	s.centred(rgb(0x667788), regular(), 18, wide*0.07+75, 250, "linear algebra")
	s.grain(seed+1, 5, 1)
	s.grain(seed+2, 4, 3)
	return s.picture()
}
