package merge

import (
	"fmt"
	"slices"
	"time"
)

// Damage is a stretch of a segment's pictures that cannot be decoded, found while rendering. It makes
// a new plan in which the stretch is a hole.
type Damage struct {
	Path       string        `json:"path"`
	Generation string        `json:"generation"`
	From       time.Duration `json:"from"` // since the file's zero
	Until      time.Duration `json:"until"`
}

// damagedCause is the cause of the hole that a damage leaves.
const damagedCause = "the pictures there cannot be decoded: the file is damaged"

// DamagedError says that footage of the plan is not what its table promised.
type DamagedError struct{ Damages []Damage }

// Error implements error.
func (d *DamagedError) Error() string {
	first := d.Damages[0]
	return fmt.Sprintf("pictures of %s from %v to %v cannot be decoded (%d such stretches)", first.Path, first.From, first.Until, len(d.Damages))
}

// merged adds damages to a list, each once.
func merged(list, more []Damage) []Damage {
	for _, d := range more {
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

// ownDamages are those of one segment.
func ownDamages(damages []Damage, seg *Segment) []Damage {
	var own []Damage
	for _, d := range damages {
		if d.Generation == seg.Generation && d.Path == seg.Path {
			own = append(own, d)
		}
	}
	return own
}
