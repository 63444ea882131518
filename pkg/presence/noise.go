package presence

import (
	"fmt"
	"math"
)

// isNoise recognises noise without a picture: it is everywhere, and neighbouring pixels know nothing of each
// other, so that the means of blocks hardly differ. A small or blurred recording keeps a fifth of it; what
// shows something has most of its spread between the blocks. It returns "" for anything else.
func isNoise(p picture, m mosaic) string {
	if blocksWithContrast(p, 12) < 950 {
		return ""
	}
	var sum, squares, lag float64
	light := p.lumas()
	n := float64(len(light) - 2)
	for i := range len(light) - 2 {
		v := float64(light[i])
		sum, squares, lag = sum+v, squares+v*v, lag+v*float64(light[i+2])
	}
	mean := sum / n
	spread, likeness := squares/n-mean*mean, lag/n-mean*mean
	var blockSum, blockSquares float64
	for _, c := range m {
		v := float64(c.luma())
		blockSum, blockSquares = blockSum+v, blockSquares+v*v
	}
	ofBlocks := blockSquares/blocks - blockSum/blocks*blockSum/blocks
	if spread < 60 || likeness > 0.25*spread || ofBlocks > 0.25*spread {
		return ""
	}
	return fmt.Sprintf("noise without a picture (±%.0f levels)", math.Sqrt(spread))
}
