package plan

import "github.com/nvr-miem/merger/pkg/nvr"

// StageLayoutUnit divides the width and the height of a stage: its panes are quarters and three quarters of
// them, of whole chroma samples.
const StageLayoutUnit = 8

// Box is a rectangle of the picture, in pixels. All numbers are even.
type Box struct{ X, Y, Width, Height int }

// Panes are the places of the pictures. Other is empty if the layout has no third picture.
type Panes struct{ Whole, Left, Right, Other Box }

// Panes returns the places of the pictures. In 1920x1080, a stage has 1440x810 for the screen or the board,
// and 480x270 for the lecturer and for the third picture below.
func (p *Plan) Panes() Panes {
	width, height := p.Encoding.Width, p.Encoding.Height
	panes := Panes{Whole: Box{Width: width, Height: height}}
	if p.Layout == nvr.LayoutStage {
		panes.Left = Box{Width: width / 4, Height: height / 4}
		panes.Right = Box{X: width / 4, Width: width / 4 * 3, Height: height / 4 * 3}
		panes.Other = Box{Y: height / 4, Width: width / 4, Height: height / 4}
		return panes
	}
	panes.Left = Box{Width: width / 2, Height: height}
	panes.Right = Box{X: width / 2, Width: width / 2, Height: height}
	return panes
}

// SizeOf returns the size of a layout in pixels, given that of a video side by side. A stage is 1920x1080 if
// that is 2560x720.
func SizeOf(layout nvr.Layout, sideWidth, sideHeight int) (width, height int) {
	if layout == nvr.LayoutStage {
		return sideWidth * 3 / 4 / StageLayoutUnit * StageLayoutUnit, sideHeight * 3 / 2 / StageLayoutUnit * StageLayoutUnit
	}
	return sideWidth, sideHeight
}
