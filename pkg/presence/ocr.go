package presence

import (
	"context"
	"errors"
	"image"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// lettersWide and lettersHigh are the size at which words are read.
const lettersWide, lettersHigh = 1280, 720

// light is a way to make letters stand out.
type light int

const (
	// brightness is the picture as it is.
	brightness light = iota
	// difference shows what differs from the plain ground, dark on light: yellow on blue too.
	difference
	// highlights and shadows show only what is nearly as bright, or as dark, as the brightest or
	// darkest there is: letters on a photograph.
	highlights
	shadows
)

// fewWords is the count below which a picture is read again in another light.
const fewWords = 4

// read reads the words of a shot, in the lights that suit it, while the budget of readings lasts.
func (j *Judge) read(ctx context.Context, in Input, s *shot, budget *int) ([]ocr.Word, error) {
	request := in.request(s.pts, s.pts+1)
	request.Width, request.Height = lettersWide, lettersHigh
	lights := []light{brightness, highlights, shadows}
	if s.onGround() {
		lights = []light{difference, brightness}
	}
	var best []ocr.Word
	var readErr error
	err := j.each(ctx, request, func(_ int64, rgb []byte) bool {
		for _, l := range lights {
			if *budget == 0 {
				return false
			}
			*budget--
			var words []ocr.Word
			if words, readErr = j.Reader.Read(ctx, develop(rgb, &s.observation, l)); readErr != nil {
				return false
			}
			words = legible(words)
			if interpret(words, true).phrase != "" {
				best = words
				return false
			}
			if len(words) > len(best) {
				best = words
			}
			if len(best) >= fewWords || s.onGround() && len(best) > 0 {
				return false
			}
		}
		return false
	})
	return best, errors.Join(err, readErr)
}

// develop makes a picture to be read. Of a plain ground with something on it, it is only that part.
func develop(rgb []byte, s *observation, l light) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, lettersWide, lettersHigh))
	var counts [256]int
	for i := range out.Pix {
		c := colour{int(rgb[3*i]), int(rgb[3*i+1]), int(rgb[3*i+2])}
		out.Pix[i] = byte(c.luma())
		if l == difference {
			out.Pix[i] = byte(255 - min(255, 2*c.far(s.background)))
		}
		counts[out.Pix[i]]++
	}
	// The extremes, but for the odd pixel.
	const odd = lettersWide * lettersHigh / 500
	switch l {
	case highlights:
		stretch(out.Pix, func(v int) int { return 255 - 4*(v-nth(counts, lettersWide*lettersHigh-odd)+64) })
	case shadows:
		stretch(out.Pix, func(v int) int { return 4 * (v - nth(counts, odd)) })
	case brightness, difference: // as they are
	}
	if !s.onGround() || s.left.box.Empty() {
		return out
	}
	const scale = lettersWide / cols
	b := s.left.box
	box := image.Rect(b.Min.X*scale, b.Min.Y*scale, b.Max.X*scale, b.Max.Y*scale).Inset(-2 * scale)
	part, ok := out.SubImage(box).(*image.Gray)
	if !ok {
		return out
	}
	return part
}

// nth is the value of the n-th darkest pixel.
func nth(counts [256]int, n int) int {
	for v, c := range counts {
		if n -= c; n <= 0 {
			return v
		}
	}
	return 255
}

// stretch maps every value by a function, computed once for each.
func stretch(pix []byte, to func(v int) int) {
	var table [256]byte
	for v := range table {
		table[v] = byte(clamp(to(v), 255))
	}
	for i, v := range pix {
		pix[i] = table[v]
	}
}
