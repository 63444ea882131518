package presence

import (
	"testing"
)

// FuzzClassify shows pictures that no encoder would make: whatever they hold, looking must not fail.
func FuzzClassify(f *testing.F) {
	cards, err := LoadCards("")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0}, uint16(1))
	f.Add([]byte{255, 0}, uint16(320))
	f.Add([]byte{16, 235, 128, 7}, uint16(11))
	f.Fuzz(func(t *testing.T, seed []byte, period uint16) {
		if len(seed) == 0 {
			return
		}
		p := make(picture, 3*width*height)
		for i := range p {
			p[i] = seed[(i/(int(period)+1)+i%3)%len(seed)]
		}
		s := cards.classify(p, p.mosaic())
		if s.certainty == maybeOverlay && s.left == nil {
			t.Error("an overlay without a place")
		}
	})
}
