package sound

import (
	"math"
	"testing"
)

func TestIntegratedLoudnessGates(t *testing.T) {
	t.Parallel()
	// Half speech at -20, half pauses at -60: the relative gate leaves the pauses out.
	blocks := make([]int16, 0, 200)
	for range 100 {
		blocks = append(blocks, -2000, -6000)
	}
	if got := integrated(blocks); math.Abs(got+20) > 0.01 {
		t.Errorf("loudness %v, want -20", got)
	}
	if got := integrated([]int16{-7100, math.MinInt16}); !math.IsInf(got, -1) {
		t.Errorf("loudness of silence %v", got)
	}
}
