package presence_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/nvr-miem/merger/pkg/presence"
)

// sample is something a screen source may show; draw paints it as it is at second s.
type sample struct {
	name string
	want presence.Verdict
	draw func(s float64) board
}

func still(b board) func(float64) board { return func(float64) board { return b } }

func clockText(s float64) string {
	return fmt.Sprintf("2026-11-20 15:10:%02d", int(s)%60)
}

// copyOf keeps the original for the next frame.
func (b board) copyOf() board {
	c := newBoard()
	copy(c.Pix, b.Pix)
	return c
}

// bounce is where a box of a size is at second s.
func bounce(s float64, w, h int) (x, y int) {
	fold := func(v float64, n int) int {
		return int(math.Abs(math.Mod(v, float64(2*n)) - float64(n)))
	}
	return fold(137*s+50, boardWide-w), fold(83*s+20, boardHigh-h)
}

func plainCards() []sample {
	var all []sample
	for _, plain := range []struct {
		name string
		hex  uint32
	}{
		{"black", 0x000000},
		{"nearly black", 0x101012},
		{"blue", 0x0000ff},
		{"dark blue", 0x000060},
		{"HDCP green", 0x00ff00},
		{"yuv zero green", 0x008700},
		{"grey", 0x808080},
		{"white", 0xffffff},
		{"red", 0xff0000},
		{"magenta", 0xff00ff},
	} {
		all = append(all, sample{
			"plain " + plain.name,
			presence.Canvas,
			still(newBoard().fill(plain.hex)),
		})
	}
	return append(all,
		sample{
			"noisy black",
			presence.Canvas,
			func(s float64) board { return newBoard().fill(0x0a0a0a).speckle(12, uint64(s*10)) },
		},
		sample{
			"noisy blue",
			presence.Canvas,
			func(s float64) board { return newBoard().fill(0x1020c0).speckle(25, uint64(s*10)) },
		},
		sample{"black with a clock", presence.Canvas, func(s float64) board {
			return newBoard().text(20, 345, 20, 0xffffff, "mono", clockText(s))
		}},
		sample{
			"blue with a named clock",
			presence.Canvas,
			func(s float64) board {
				return newBoard().fill(0x0000c0).text(
					10,
					24,
					18,
					0xffffff,
					"mono",
					"504 screen 21 "+clockText(s),
				)
			},
		},
		sample{"black with a label", presence.Canvas, still(newBoard().text(
			12,
			22,
			16,
			0xffffff,
			"regular",
			"HDMI 1 1920x1080",
		))},
		sample{
			"snow",
			presence.Canvas,
			func(s float64) board { return newBoard().fill(0x808080).speckle(120, uint64(s*10)) },
		},
		sample{"gradient down", presence.Canvas, still(newBoard().shade(
			func(_, y float64) (float64, float64, float64) { return 20, 40 + 60*y, 90 + 150*y },
		))},
		sample{
			"gradient aslant",
			presence.Canvas,
			still(newBoard().shade(
				func(x, y float64) (float64, float64, float64) {
					return 200 * x, 80 + 40*y, 60 + 90*(x+y)
				},
			)),
		},
		sample{
			"vignette",
			presence.Canvas,
			still(newBoard().shade(func(x, y float64) (float64, float64, float64) {
				v := 1 - 0.8*math.Hypot((x-0.5)*1.78, y-0.5)
				return 60 * v, 90 * v, 220 * v
			})),
		},
		sample{"bouncing box NO SIGNAL", presence.Canvas, func(s float64) board {
			x, y := bounce(s, 180, 60)
			return newBoard().rect(x, y, 180, 60, 0x2040ff).text(
				x+12,
				y+40,
				28,
				0xffffff,
				"bold",
				"NO SIGNAL",
			)
		}},
		sample{"bouncing words on blue", presence.Canvas, func(s float64) board {
			x, y := bounce(s, 150, 40)
			return newBoard().fill(0x0000b0).text(x, y+30, 24, 0xffff00, "regular", "No signal")
		}},
		sample{"bouncing mark", presence.Canvas, func(s float64) board {
			x, y := bounce(s, 90, 50)
			return newBoard().disc(x+25, y+25, 24, 0xe04020).rect(x+44, y+10, 40, 30, 0x20c0e0)
		}},
	)
}

func patternCards(t testing.TB) []sample {
	all := []sample{}
	for _, source := range []string{"smptebars", "smptehdbars", "pal75bars", "pal100bars", "testsrc", "testsrc2", "rgbtestsrc", "yuvtestsrc"} {
		all = append(all, sample{
			source,
			presence.Canvas,
			still(lavfi(t, source+"=s=640x360", 0.5)),
		})
	}
	// The colours of gradients are named: FFmpeg draws them by lot, whatever the seed.
	two, four := "gradients=s=640x360:seed=3:c0=teal:c1=indigo", "gradients=s=640x360:seed=9:nb_colors=4:c0=navy:c1=teal:c2=gold:c3=maroon"
	for _, source := range []string{"allyuv", "colorchart", "colorspectrum=s=640x360", two, four} {
		all = append(all, sample{source, presence.Canvas, still(lavfi(t, source, 0.5))})
	}
	hd := lavfi(t, "smptehdbars=s=640x360", 0)
	return append(all,
		sample{"HD bars with a clock", presence.Canvas, func(s float64) board {
			return hd.copyOf().text(200, 40, 30, 0xffffff, "bold", clockText(s))
		}},
		sample{
			"pillarboxed bars, a clock on the pillar",
			presence.Canvas,
			func(s float64) board {
				return newBoard().paste(hd, 80, 0, 480, 360).text(10, 24, 18, 0xffffff, "mono", clockText(s))
			},
		},
		sample{
			"bars saying NO SIGNAL",
			presence.Canvas,
			still(hd.copyOf().rect(160, 130, 320, 90, 0).text(
				-1,
				190,
				48,
				0xffffff,
				"bold",
				"NO SIGNAL",
			)),
		},
		sample{
			"bars, no words",
			presence.Canvas,
			still(hd.copyOf().rect(200, 130, 240, 60, 0x000000).text(
				-1,
				170,
				24,
				0xffffff,
				"bold",
				"STUDIO 4 LINE UP",
			)),
		},
		sample{
			"grey steps",
			presence.Canvas,
			still(newBoard().shade(func(x, _ float64) (float64, float64, float64) {
				v := math.Floor(x*10.999) * 25.5
				return v, v, v
			})),
		},
		sample{"grey ramp", presence.Canvas, still(newBoard().shade(
			func(x, _ float64) (float64, float64, float64) { return 255 * x, 255 * x, 255 * x },
		))},
		sample{
			"ramps both ways",
			presence.Canvas,
			still(newBoard().shade(func(x, y float64) (float64, float64, float64) {
				if y > 0.5 {
					x = 1 - x
				}
				return 255 * x, 255 * x, 255 * x
			})),
		},
		sample{
			"multiburst",
			presence.Canvas,
			still(newBoard().shade(func(x, _ float64) (float64, float64, float64) {
				v := 128 + 120*math.Copysign(1, math.Sin(2*math.Pi*x*(8+16*math.Floor(x*5))))
				return v, v, v
			})),
		},
		sample{
			"checkerboard",
			presence.Canvas,
			still(newBoard().shade(func(x, y float64) (float64, float64, float64) {
				v := float64((int(x*15.99)+int(y*8.99))%2) * 255
				return v, v, v
			})),
		},
		sample{"crosshatch", presence.Canvas, still(hatch(newBoard().fill(0), 0xffffff))},
		sample{"dark crosshatch", presence.Canvas, still(hatch(newBoard().fill(0xffffff), 0))},
		sample{
			"crosshatch and circle",
			presence.Canvas,
			still(hatch(newBoard().fill(0x606060), 0xffffff).ring(320, 180, 165, 3, 0xffffff)),
		},
		sample{"PM5544-like", presence.Canvas, still(pm5544())},
		sample{
			"Philips-like",
			presence.Canvas,
			func(s float64) board {
				return pm5544().rect(240, 300, 160, 24, 0).text(
					-1,
					318,
					18,
					0xffffff,
					"bold",
					clockText(s)[11:],
				)
			},
		},
	)
}

func hatch(b board, hex uint32) board {
	for x := 0; x <= 640; x += 40 {
		b.rect(x-1, 0, 2, 360, hex)
	}
	for y := 20; y <= 360; y += 40 {
		b.rect(0, y-1, 640, 2, hex)
	}
	return b
}

var barColours = [...]uint32{0xc0c0c0, 0xc0c000, 0x00c0c0, 0x00c000, 0xc000c0, 0xc00000, 0x0000c0}

func pm5544() board {
	b := hatch(newBoard().fill(0x808080), 0xffffff)
	inner := newBoard().fill(0xffffff)
	for i, c := range barColours[1:] {
		inner.rect(155+i*55, 90, 55, 90, c)
	}
	for i := range 6 {
		v := uint32(i * 51)
		inner.rect(155+i*55, 220, 55, 50, v<<16|v<<8|v)
	}
	inner.rect(155, 180, 330, 40, 0).rect(200, 40, 240, 40, 0).text(-1, 68, 24, 0xffffff, "bold", "PM5544 TV")
	for y := -160; y <= 160; y++ {
		half := int(math.Sqrt(float64(160*160 - y*y)))
		for x := 320 - half; x <= 320+half; x++ {
			b.Set(x, 180+y, inner.At(x, 180+y))
		}
	}
	return b
}

func splashCards() []sample {
	c := presence.Canvas
	return []sample{
		{
			"NO SIGNAL on black",
			c,
			still(newBoard().text(-1, 195, 44, 0xffffff, "bold", "NO SIGNAL")),
		},
		{"small No signal on black", c, still(newBoard().text(
			-1,
			195,
			18,
			0xc0c0c0,
			"regular",
			"No signal",
		))},
		{"No input on blue", c, still(newBoard().fill(0x0020a0).text(
			-1,
			190,
			30,
			0xffffff,
			"regular",
			"No Input",
		))},
		{"Нет сигнала", c, still(newBoard().fill(0x101820).text(
			-1,
			190,
			34,
			0xffffff,
			"bold",
			"Нет сигнала",
		))},
		{"huge NO SIGNAL", c, still(newBoard().fill(0x0000a0).text(
			-1,
			230,
			110,
			0xffffff,
			"bold",
			"NO SIGNAL",
		))},
		{
			"vendor splash",
			c,
			still(newBoard().fill(0xf0f0f0).disc(320, 110, 50, 0xd03020).text(-1, 118, 28, 0xffffff, "bold", "AVX").
				text(-1, 210, 30, 0x303030, "bold", "No signal").text(
				-1,
				245,
				16,
				0x606060,
				"regular",
				"Please check the cable connection",
			).text(
				-1,
				330,
				14,
				0x808080,
				"regular",
				"HDMI 1   192.168.0.15",
			)),
		},
		{
			"splash on a gradient",
			c,
			still(newBoard().shade(
				func(x, y float64) (float64, float64, float64) {
					return 20 + 50*x, 60 + 90*y, 130 + 100*y
				},
			).
				text(-1, 190, 36, 0xffffff, "bold", "NO VIDEO").text(
				-1,
				230,
				18,
				0xffffff,
				"regular",
				"Check connection",
			)),
		},
		{"splash on a photograph", c, still(newBoard().photo(70, 2).text(
			-1,
			190,
			44,
			0xffffff,
			"bold",
			"NO SIGNAL",
		))},
		{"splash with a clock", c, func(s float64) board {
			return newBoard().fill(0x102030).text(-1, 190, 34, 0xffffff, "bold", "No signal").text(
				430,
				350,
				16,
				0xffffff,
				"mono",
				clockText(s),
			)
		}},
		{
			"splash, two tones",
			c,
			still(newBoard().fill(0x203040).rect(0, 120, 640, 120, 0xd0d8e0).text(
				-1,
				190,
				34,
				0x102030,
				"bold",
				"Waiting for signal",
			).
				text(20, 345, 14, 0xffffff, "regular", "ENC-200 HDMI encoder")),
		},
		{"low contrast", c, still(newBoard().fill(0x303030).text(
			-1,
			190,
			34,
			0x707070,
			"bold",
			"NO SIGNAL",
		))},
		{"Signal lost, red on black", c, still(newBoard().text(
			-1,
			190,
			34,
			0xff2020,
			"bold",
			"SIGNAL LOST",
		))},
	}
}

func slides(t testing.TB) []sample {
	p := presence.Presentation
	hd, testsrc := lavfi(t, "smptehdbars=s=640x360", 0), lavfi(t, "testsrc=s=640x360", 0.5)
	bullets := words("The field is real\nIts gradient points uphill\nStokes connects the two\nExercises: 3, 5 and 7")
	white := newBoard().fill(0xffffff).text(40, 60, 34, 0x202020, "bold", "Vector fields").lines(
		60,
		120,
		22,
		0x303030,
		"regular",
		bullets...,
	)
	return []sample{
		{"white slide", p, still(white)},
		{"white slide with a clock", p, func(s float64) board {
			return white.copyOf().text(
				430,
				350,
				16,
				0xff0000,
				"mono",
				clockText(s),
			)
		}},
		{"title slide", p, still(newBoard().fill(0xffffff).text(
			-1,
			170,
			40,
			0x203060,
			"bold",
			"Linear algebra",
		).text(
			-1,
			220,
			20,
			0x606060,
			"regular",
			"Lecture 7",
		))},
		{"blue slide, a line", p, still(newBoard().fill(0x0000a0).text(
			60,
			180,
			30,
			0xffffff,
			"bold",
			"What is a signal?",
		))},
		{"black slide, a line", p, still(newBoard().text(
			-1,
			190,
			24,
			0xffffff,
			"regular",
			"Any questions?",
		))},
		{"black slide, a line and a clock", p, func(s float64) board {
			return newBoard().text(-1, 190, 24, 0xffffff, "regular", "Break until three").text(
				430,
				350,
				16,
				0xffffff,
				"mono",
				clockText(s),
			)
		}},
		{"black slide, small words", p, still(newBoard().text(
			30,
			40,
			13,
			0xd0d0d0,
			"regular",
			"Thank you for listening",
		))},
		{"gradient slide", p, still(newBoard().shade(
			func(_, y float64) (float64, float64, float64) { return 20, 40 + 60*y, 90 + 150*y },
		).text(
			-1,
			190,
			36,
			0xffffff,
			"bold",
			"Thermodynamics",
		))},
		{"terminal", p, still(newBoard().fill(0x0c0c0c).lines(
			8,
			20,
			13,
			0xd0d0d0,
			"mono",
			"$ make test",
			"ok   merger/pkg/nvr 0.004s",
			"$ _",
		))},
		{
			"dark editor",
			p,
			still(newBoard().fill(0x1e1e1e).rect(0, 0, 120, 360, 0x252526).lines(140, 30, 13, 0x9cdcfe, "mono",
				words("package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfor i := range 10 {\n\t\tfmt.Println(i)\n\t}\n}")...).lines(
				8,
				30,
				12,
				0xcccccc,
				"regular",
				"main.go",
				"go.mod",
				"README.md",
			)),
		},
		{"spreadsheet", p, still(spreadsheet())},
		{
			"empty document",
			p,
			still(newBoard().fill(0xffffff).rect(0, 0, 640, 50, 0xe8e8e8).rect(10, 10, 60, 12, 0xb0b0b0).rect(80, 10, 40, 12, 0xb0b0b0).
				rect(10, 30, 16, 14, 0x5070c0).rect(32, 30, 16, 14, 0x808080).rect(54, 30, 16, 14, 0x808080).rect(150, 90, 2, 16, 0)),
		},
		{"photo", p, still(newBoard().photo(120, 1))},
		{"photo with icons", p, still(icons(newBoard().photo(100, 5)))},
		{
			"gradient desktop",
			p,
			still(icons(newBoard().shade(
				func(x, y float64) (float64, float64, float64) {
					return 10 + 40*x, 70 + 50*y, 160 + 60*x
				},
			))),
		},
		{"film", p, func(s float64) board { return newBoard().photo(110, 3*s) }},
		{
			"dark film",
			p,
			func(s float64) board { return newBoard().photo(22, 3*s).speckle(3, uint64(10*s)) },
		},
		{"bars in a page", p, still(newBoard().fill(0xffffff).text(
			40,
			46,
			28,
			0x202020,
			"bold",
			"Colour bars",
		).paste(hd, 120, 70, 400, 225).text(
			-1,
			330,
			18,
			0x404040,
			"regular",
			"Figure 2: the HD pattern of SMPTE",
		))},
		{"large bars in a page", p, still(newBoard().fill(0xffffff).text(
			30,
			34,
			24,
			0x202020,
			"bold",
			"SMPTE RP 219",
		).paste(hd, 30, 46, 580, 306))},
		{"bars in a black page", p, still(newBoard().text(
			-1,
			34,
			24,
			0xffffff,
			"bold",
			"SMPTE RP 219: what it shows",
		).paste(hd, 50, 48, 540, 304))},
		{"bars under a heading", p, still(newBoard().fill(0xf4f4f4).text(
			20,
			40,
			28,
			0x202020,
			"bold",
			"Calibrating a projector",
		).paste(hd, 0, 60, 640, 300))},
		{"test card in a page", p, still(newBoard().fill(0xffffff).text(
			40,
			46,
			28,
			0x202020,
			"bold",
			"Test cards",
		).paste(pm5544(), 140, 70, 440, 247).text(
			30,
			345,
			16,
			0x404040,
			"regular",
			"PM5544, 1966",
		))},
		{"testsrc in a page", p, still(newBoard().fill(0xfafafa).text(
			30,
			34,
			24,
			0x202020,
			"bold",
			"Generating video",
		).paste(testsrc, 30, 46, 580, 306))},
		{"slide about no signal", p, still(newBoard().fill(0xffffff).text(
			40,
			60,
			32,
			0x202020,
			"bold",
			"No signal: what to do",
		).
			lines(
				60,
				120,
				22,
				0x303030,
				"regular",
				"Check the cable",
				"Press the input button on the panel",
				"Call the technician: 1234",
			))},
		{"slide about no signal, blue", p, still(newBoard().fill(0x0000a0).text(
			40,
			60,
			32,
			0xffffff,
			"bold",
			"No signal",
		).
			lines(
				60,
				120,
				22,
				0xffffff,
				"regular",
				"Nyquist: sampling without a band limit",
				"Noise alone carries information",
				"Shannon's answer in 1948",
			))},
		{"map", p, still(mapSlide())},
		{"bar chart", p, still(barChart(true))},
		{"bar chart without words", p, still(barChart(false))},
		{
			"header and nothing",
			p,
			still(newBoard().fill(0xffffff).rect(0, 0, 640, 60, 0x204080).text(
				20,
				42,
				28,
				0xffffff,
				"bold",
				"Outline",
			)),
		},
		{
			"pie",
			p,
			still(newBoard().fill(0xffffff).text(
				-1,
				34,
				24,
				0x202020,
				"bold",
				"Market shares",
			).disc(320, 200, 140, 0xc03030).rect(320, 60, 140, 140, 0x3030c0).rect(180, 200, 140, 140, 0x30c030)),
		},
		{"ball on a white page", p, func(s float64) board {
			x, y := bounce(s, 60, 60)
			return newBoard().fill(0xffffff).disc(x+30, y+30, 28, 0xc03030)
		}},
		{"pale words on white", p, still(newBoard().fill(0xffffff).text(
			60,
			150,
			30,
			0xc8c8c8,
			"regular",
			"Remember the boundary",
		))},
		{"white words on a photograph", p, still(newBoard().photo(70, 6).text(
			-1,
			190,
			44,
			0xffffff,
			"bold",
			"Field work",
		))},
		{"formula", p, still(newBoard().fill(0xffffff).text(-1, 190, 40, 0, "regular", "E = mc²"))},
		{"table", p, still(table())},
		{
			"countdown slide",
			p,
			func(s float64) board {
				return newBoard().fill(0x203040).text(
					-1,
					120,
					30,
					0xffffff,
					"bold",
					"Coffee break",
				).text(
					-1,
					230,
					80,
					0xffffff,
					"bold",
					fmt.Sprintf("04:%02d", 59-int(s)%60),
				)
			},
		},
	}
}

func spreadsheet() board {
	b := newBoard().fill(0xffffff).rect(0, 0, 640, 24, 0x217346).rect(0, 24, 640, 16, 0xe6e6e6)
	for y := 40; y < 360; y += 16 {
		b.rect(0, y, 640, 1, 0xd4d4d4).text(6, y+12, 10, 0x404040, "regular", fmt.Sprint(y/16-1))
		for x := 40; x < 640 && y < 260; x += 60 {
			b.text(x+6, y+12, 10, 0, "regular", fmt.Sprint((x*y)%977))
		}
	}
	for x := 40; x < 640; x += 60 {
		b.rect(x, 24, 1, 336, 0xd4d4d4)
	}
	return b
}

func icons(b board) board {
	for i := range 5 {
		b.rect(16, 14+i*62, 30, 30, 0xf0c040+uint32(i)*0x1020).text(
			8,
			56+i*62,
			10,
			0xffffff,
			"regular",
			[]string{"Recycle Bin", "Lectures", "Browser", "Notes.pdf", "This PC"}[i],
		)
	}
	return b.rect(0, 336, 640, 24, 0x101418).rect(300, 340, 16, 16, 0x3080f0).rect(324, 340, 16, 16, 0xf0f0f0).text(
		580,
		352,
		10,
		0xffffff,
		"regular",
		"15:10",
	)
}

func mapSlide() board {
	b := newBoard().fill(0xaad3df)
	b.disc(240, 170, 120, 0xf2efe9).disc(380, 230, 100, 0xf2efe9).rect(140, 165, 330, 4, 0xf9b29c).rect(300, 80, 4, 240, 0xf9b29c).disc(300, 170, 20, 0xadd19e)
	return b.text(220, 130, 14, 0x303030, "regular", "Старый город").text(
		330,
		250,
		14,
		0x303030,
		"regular",
		"Port",
	).text(
		500,
		60,
		16,
		0x3060a0,
		"regular",
		"Baltic Sea",
	)
}

func barChart(worded bool) board {
	b := newBoard().fill(0xffffff)
	for i, h := range []int{60, 140, 200, 120, 240, 180} {
		b.rect(80+i*85, 320-h, 50, h, 0x4472c4)
	}
	b.rect(60, 40, 2, 282, 0x404040).rect(60, 320, 540, 2, 0x404040)
	if worded {
		b.text(-1, 30, 22, 0x202020, "bold", "Enrolment by year").text(
			90,
			345,
			14,
			0x404040,
			"regular",
			"2019   2020   2021   2022   2023",
		)
	}
	return b
}

func table() board {
	b := newBoard().fill(0xffffff)
	for r := range 9 {
		for c := range 6 {
			shade := uint32(0xffffff)
			if r == 0 {
				shade = 0x4472c4
			} else if r%2 == 0 {
				shade = 0xd9e2f3
			}
			b.rect(c*107, r*40, 105, 39, shade).text(
				c*107+8,
				r*40+26,
				15,
				0x202020,
				"regular",
				fmt.Sprintf("%c%d: %d", 'A'+c, r, r*c*7),
			)
		}
	}
	return b
}

func gallery(t testing.TB) []sample {
	all := append(plainCards(), patternCards(t)...)
	return append(append(all, splashCards()...), slides(t)...)
}
