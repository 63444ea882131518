package presence

import (
	"fmt"
	"math"
)

// snow recognises noise without a picture: neighbouring pixels know nothing of each other, so that
// the means of blocks hardly differ. It returns "" for anything else.
func snow(p picture, m mosaic, busy int) string {
	if busy < 900 {
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
	if spread < 150 || likeness > 0.25*spread || ofBlocks > spread/8 {
		return ""
	}
	return fmt.Sprintf("noise without a picture (±%.0f levels)", math.Sqrt(spread))
}
