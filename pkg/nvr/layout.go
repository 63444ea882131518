package nvr

// Layout is how the picture of a video is divided.
type Layout string

// The layouts.
const (
	// LayoutSide shows the lecturer on the left half and the screen or the board on the right half.
	LayoutSide Layout = "side"
	// LayoutStage shows the screen or the board large, and on its left the lecturer above the other one of
	// both.
	LayoutStage Layout = "stage"
)

// Known reports whether it is one of the layouts.
func (l Layout) Known() bool { return l == LayoutSide || l == LayoutStage }
