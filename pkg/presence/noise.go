package presence

import (
	"math"

	"github.com/nvr-miem/merger/pkg/cause"
)

// isNoise recognises noise without a picture. Noise covers the whole picture, its
// neighbouring pixels are uncorrelated, and the means of its blocks are almost
// equal. It returns no cause for anything else.
func isNoise(p picture, m mosaic) cause.Cause {
	if blocksWithContrast(p, 12) < 950 {
		return cause.Cause{}
	}
	var sum, squares, lag float64
	light := p.lumas()
	n := float64(len(light) - 2)
	for i := range len(light) - 2 {
		v := float64(light[i])
		sum += v
		squares += v * v
		lag += v * float64(light[i+2])
	}
	mean := sum / n
	spread := squares/n - mean*mean
	likeness := lag/n - mean*mean
	var blockSum, blockSquares float64
	for _, c := range m {
		v := float64(c.luma())
		blockSum += v
		blockSquares += v * v
	}
	ofBlocks := blockSquares/blocks - blockSum/blocks*blockSum/blocks
	if spread < 60 ||
		likeness > 0.25*spread ||
		ofBlocks > 0.25*spread {
		return cause.Cause{}
	}
	return cause.Noise(int(math.RoundToEven(math.Sqrt(spread))))
}
