package presence_test

import (
	"math/rand/v2"
	"testing"
	"time"

	slidesof "github.com/nvr-miem/merger/pkg/slides"
)

// small returns a board at the size at which pictures are compared.
func small(b board) slidesof.Picture {
	out := make([]byte, 0, 3*slidesof.Width*slidesof.Height)
	for y := range slidesof.Height {
		for x := range slidesof.Width {
			var sum [3]int
			for i := range 4 {
				at := b.PixOffset(2*x+i%2, 2*y+i/2)
				for c := range sum {
					sum[c] += int(b.Pix[at+c])
				}
			}
			out = append(out, byte(sum[0]/4), byte(sum[1]/4), byte(sum[2]/4))
		}
	}
	return slidesof.FromRGB(out)
}

// countSlides returns how many slides are found where boards stand for 4 s each.
func countSlides(boards ...board) int {
	var looks []slidesof.Look
	for i, b := range boards {
		p := small(b)
		looks = append(
			looks,
			slidesof.Look{At: time.Duration(4*i) * time.Second, Picture: p},
			slidesof.Look{At: time.Duration(4*i+4)*time.Second - time.Millisecond, Picture: p},
		)
	}
	return len(slidesof.Find(looks, time.Duration(4*len(boards))*time.Second))
}

// TestSlidePairs tells any two slides of a deck apart, and takes a page that gets another line for the same.
func TestSlidePairs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	for _, style := range deckStyles {
		wrong := 0
		const pairs = 3
		for range pairs {
			if countSlides(newPage(random, style).draw(0), newPage(random, style).draw(0)) != 2 {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d pairs are one slide", style, wrong, pairs)
		}
	}
	for range 1 {
		acts, truth := editor(random)
		var boards []board
		for _, a := range acts {
			boards = append(boards, a.draw(0))
		}
		if n := countSlides(boards...); n != len(truth) {
			t.Errorf("%d slides in the code of %d files", n, len(truth))
		}
	}
}
