package merge

import (
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// What callers of the engine need of the packages below it.
type (
	// Request is what is to be merged.
	Request = plan.Request
	// Policy is how the screen source is judged.
	Policy = plan.Policy
	// Loudness is what the sound is brought to.
	Loudness = sound.Loudness
	// Clip is a segment that may belong to the record.
	Clip = probe.Clip
	// Bytes are an open clip.
	Bytes = probe.Bytes
	// Memory keeps what analysing a segment gave.
	Memory = probe.Memory
	// Plan is every decision about a merge.
	Plan = plan.Plan
	// Judged holds a screen segment's verdicts.
	Judged = probe.Judged
	// Damage is a stretch of a segment that cannot be decoded.
	Damage = probe.Damage
	// DamagedError reports that footage of the plan cannot be decoded.
	DamagedError = probe.DamagedError
)

// The policies.
const (
	Auto     = plan.Auto
	HalfHour = plan.HalfHour
)

// StageLayoutUnit divides the width and the height of a stage.
const StageLayoutUnit = plan.StageLayoutUnit

// SizeOf returns the size of a layout in pixels, given that of a video side by side.
func SizeOf(layout nvr.Layout, sideWidth, sideHeight int) (width, height int) {
	return plan.SizeOf(layout, sideWidth, sideHeight)
}

// ErrNotPlan reports that a text is not a plan that this renderer can follow.
var ErrNotPlan = plan.ErrNotPlan

// ReadPlan reads a plan's JSON.
func ReadPlan(text []byte) (*Plan, error) {
	return plan.ReadPlan(text)
}
