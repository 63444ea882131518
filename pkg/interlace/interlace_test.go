package interlace_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/interlace"
)

const width, height = 128, 96

// bar returns a picture of a bright bar, whose even and odd rows show it at two places.
func bar(even, odd int) []byte {
	picture := make([]byte, width*height)
	for i := range picture {
		at := even
		if i/width%2 == 1 {
			at = odd
		}
		picture[i] = 32
		if x := i % width; x >= at && x < at+20 {
			picture[i] = 220
		}
	}
	return picture
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		even, odd int // how far the bar has moved in the fields of a picture, in half pictures
		step      int
		want      interlace.Order
	}{
		{"top field first", 0, 1, 3, interlace.TopFirst},
		{"bottom field first", 1, 0, 3, interlace.BottomFirst},
		{"top field first, to the left", 0, 1, -3, interlace.TopFirst},
		{"progressive", 0, 0, 3, interlace.Progressive},
		{"still", 0, 0, 0, interlace.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := interlace.Detector{Width: width, Height: height}
			for n := range 8 {
				if n == 4 {
					d.Cut()
				}
				d.Add(bar(50+(2*n+tt.even)*tt.step, 50+(2*n+tt.odd)*tt.step))
			}
			if got := d.Verdict(); got != tt.want {
				t.Errorf("verdict %v, want %v", got, tt.want)
			}
		})
	}
}
