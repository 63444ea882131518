package presence

import (
	"context"
	"errors"
	"image"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// ocrWidth and ocrHeight are the size at which text is read, in pixels.
const ocrWidth, ocrHeight = 1280, 720

// rendering is a way to make letters stand out for text recognition.
type rendering int

const (
	// asIs shows the luma of the picture.
	asIs rendering = iota
	// difference shows the distance from the background, dark on light. It also
	// makes yellow text on blue legible.
	difference
	// highlights and shadows show only the brightest or the darkest levels: letters
	// on a photograph.
	highlights
	shadows
)

// enoughWords is the number of words below which a picture is read again in another
// rendering.
const enoughWords = 4

// read returns the words in a shot. It tries several renderings while the budget of
// readings lasts.
func (j *Judge) read(ctx context.Context, in Input, s *shot, budget *int) ([]ocr.Word, error) {
	request := in.request(s.pts, s.pts+1)
	request.Width = ocrWidth
	request.Height = ocrHeight
	lights := []rendering{asIs, highlights, shadows}
	switch {
	case s.onGround():
		lights = []rendering{difference, asIs}
	case s.figure: // patterns mislead the other renderings
		lights = []rendering{asIs}
	}
	var best []ocr.Word
	var readErr error
	err := j.decode(ctx, request, func(_ int64, rgb []byte) bool {
		for _, l := range lights {
			if *budget == 0 {
				return false
			}
			*budget--
			var words []ocr.Word
			if words, readErr = j.Reader.Read(ctx, render(rgb, &s.observation, l)); readErr != nil {
				return false
			}
			words = legible(words)
			if interpretText(words, true).phrase != "" {
				best = words
				return false
			}
			if len(words) > len(best) {
				best = words
			}
			if len(best) >= enoughWords ||
				s.onGround() && len(best) > 0 {
				return false
			}
		}
		return false
	})
	return best, errors.Join(err, readErr)
}

// render returns the picture to be read. For a residue on a background, it returns
// only the part that holds the residue.
func render(rgb []byte, s *observation, l rendering) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, ocrWidth, ocrHeight))
	var counts [256]int
	for i := range out.Pix {
		c := colour{int(rgb[3*i]), int(rgb[3*i+1]), int(rgb[3*i+2])}
		out.Pix[i] = byte(c.luma())
		if l == difference {
			out.Pix[i] = byte(255 - min(255, 2*c.maxDiff(s.background)))
		}
		counts[out.Pix[i]]++
	}
	// The extremes, but for the odd pixel.
	const odd = ocrWidth * ocrHeight / 500
	switch l {
	case highlights:
		applyCurve(
			out.Pix,
			func(v int) int {
				return 255 - 4*(v-valueAtRank(counts, ocrWidth*ocrHeight-odd)+64)
			},
		)
	case shadows:
		applyCurve(out.Pix, func(v int) int { return 4 * (v - valueAtRank(counts, odd)) })
	case asIs, difference: // as they are
	}
	if !s.onGround() || s.left.box.Empty() {
		return out
	}
	const scale = ocrWidth / cols
	b := s.left.box
	box := image.Rect(b.Min.X*scale, b.Min.Y*scale, b.Max.X*scale, b.Max.Y*scale).Inset(-2 * scale)
	part, ok := out.SubImage(box).(*image.Gray)
	if !ok {
		return out
	}
	return part
}

// valueAtRank returns the level of the n-th darkest pixel.
func valueAtRank(counts [256]int, n int) int {
	for v, c := range counts {
		if n -= c; n <= 0 {
			return v
		}
	}
	return 255
}

// applyCurve maps every level by a function, which it evaluates once per level.
func applyCurve(pix []byte, to func(v int) int) {
	var table [256]byte
	for v := range table {
		table[v] = byte(clamp(to(v), 255))
	}
	for i, v := range pix {
		pix[i] = table[v]
	}
}
