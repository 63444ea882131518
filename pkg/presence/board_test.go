package presence_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

const boardWide, boardHigh, boardRate = 640, 360, 5

// board is a picture being drawn. Coordinates are pixels of 640x360.
type board struct{ *image.RGBA }

func newBoard() board { return board{image.NewRGBA(image.Rect(0, 0, boardWide, boardHigh))} }

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

func (b board) fill(hex uint32) board { return b.rect(0, 0, boardWide, boardHigh, hex) }

func (b board) rect(x, y, w, h int, hex uint32) board {
	c := rgb(hex)
	r := image.Rect(x, y, x+w, y+h).Intersect(b.Bounds())
	for py := r.Min.Y; py < r.Max.Y; py++ {
		for px := r.Min.X; px < r.Max.X; px++ {
			b.SetRGBA(px, py, c)
		}
	}
	return b
}

// shade sets every pixel by a function of its place, from 0 to 1 both ways.
func (b board) shade(at func(x, y float64) (r, g, bl float64)) board {
	level := func(v float64) uint8 { return uint8(max(0, min(255, v))) }
	for y := range boardHigh {
		for x := range boardWide {
			r, g, bl := at(float64(x)/(boardWide-1), float64(y)/(boardHigh-1))
			b.SetRGBA(x, y, color.RGBA{level(r), level(g), level(bl), 255})
		}
	}
	return b
}

func (b board) disc(cx, cy, r int, hex uint32) board {
	for y := -r; y <= r; y++ {
		half := int(math.Sqrt(float64(r*r - y*y)))
		b.rect(cx-half, cy+y, 2*half+1, 1, hex)
	}
	return b
}

func (b board) ring(cx, cy, r, thick int, hex uint32) board {
	for a := range 4000 {
		sin, cos := math.Sincos(float64(a) * math.Pi / 2000)
		b.rect(cx+int(float64(r)*cos), cy+int(float64(r)*sin), thick, thick, hex)
	}
	return b
}

var fonts = map[string][]byte{"regular": goregular.TTF, "bold": gobold.TTF, "mono": gomono.TTF}

func face(kind string, size float64) font.Face {
	parsed, err := opentype.Parse(fonts[kind])
	if err != nil {
		panic(err)
	}
	f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		panic(err)
	}
	return f
}

// text writes one line with its left end and baseline at x, y; x < 0 centres it.
func (b board) text(x, y int, size float64, hex uint32, kind, line string) board {
	d := font.Drawer{Dst: b, Src: image.NewUniform(rgb(hex)), Face: face(kind, size)}
	if x < 0 {
		x = (boardWide - d.MeasureString(line).Round()) / 2
	}
	d.Dot = fixed.P(x, y)
	d.DrawString(line)
	return b
}

func (b board) lines(x, y int, size float64, hex uint32, kind string, lines ...string) board {
	for i, line := range lines {
		b.text(x, y+int(float64(i)*size*1.45), size, hex, kind, line)
	}
	return b
}

// paste puts a smaller copy of another board.
func (b board) paste(from board, x, y, w, h int) board {
	for py := range h {
		for px := range w {
			b.Set(x+px, y+py, from.At(px*boardWide/w, py*boardHigh/h))
		}
	}
	return b
}

// speckle adds noise, another one for each seed.
func (b board) speckle(strength int, seed uint64) board {
	random := rand.New(rand.NewPCG(seed, 7))
	for i := range b.Pix {
		if i%4 != 3 {
			b.Pix[i] = uint8(max(0, min(255, int(b.Pix[i])+random.IntN(2*strength+1)-strength)))
		}
	}
	return b
}

// photo is a picture with the texture of one: clouds of four octaves, at a place in their space.
func (b board) photo(brightness, place float64) board {
	return b.shade(func(x, y float64) (float64, float64, float64) {
		v, u := 0.0, 0.0
		for o := 1.0; o <= 16; o *= 2 {
			v += math.Sin(x*7*o+place+3*math.Sin(y*5*o+place)) * math.Cos(y*6*o-place*1.3) / math.Sqrt(o)
			u += math.Sin(x*3*o-place+2*math.Sin(y*4*o)) / o
		}
		return brightness * (1 + 0.5*v), brightness * (0.9 + 0.4*v + 0.1*u), brightness * (0.7 + 0.4*v + 0.3*u)
	})
}

// film encodes boards, a key frame every 2 s, and gives the file's path. Filters and encoder options
// are FFmpeg's.
func film(t testing.TB, frames int, draw func(i int) board, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.mp4")
	args := []string{
		"-v",
		"error",
		"-f",
		"rawvideo",
		"-pix_fmt",
		"rgba",
		"-s",
		fmt.Sprintf("%dx%d", boardWide, boardHigh),
		"-r",
		strconv.Itoa(boardRate),
		"-i",
		"-",
		"-c:v",
		"libx264",
		"-preset",
		"ultrafast",
		"-pix_fmt",
		"yuv420p",
		"-g",
		strconv.Itoa(2 * boardRate),
	}
	args = append(append(args, options...), path)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		if _, err := in.Write(draw(i).Pix); err != nil {
			t.Fatalf("encode: %v: %s", err, trouble.String())
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("encode: %v: %s", err, trouble.String())
	}
	return path
}

// lavfi draws one picture of FFmpeg's own.
func lavfi(t testing.TB, source string, at float64) board {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-ss", fmt.Sprint(at),
		"-frames:v", "1", "-vf", fmt.Sprintf("scale=%d:%d", boardWide, boardHigh), "-f", "rawvideo", "-pix_fmt", "rgba", "-")
	out, err := cmd.Output()
	if err != nil || len(out) != 4*boardWide*boardHigh {
		t.Fatalf("draw %s: %v, %d bytes", source, err, len(out))
	}
	b := newBoard()
	copy(b.Pix, out)
	return b
}

func words(s string) []string { return strings.Split(s, "\n") }
