package probe

import (
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Damage is a stretch of a segment's pictures that cannot be decoded, found while rendering. It leads
// to a new plan, in which the stretch is a gap.
type Damage struct {
	Path       string        `json:"path"`
	Generation string        `json:"generation"`
	From       time.Duration `json:"from"` // since the file's zero
	Until      time.Duration `json:"until"`
	// Stalled is set if the decoder made no progress there, twice.
	Stalled bool `json:"stalled,omitempty"`
}

// fault returns what the damage is among the faults of its file.
func (d Damage) fault() cause.Cause {
	if d.Stalled {
		return cause.StalledPictures(d.From, d.Until)
	}
	return cause.UndecodablePictures(d.From, d.Until)
}

// cause returns why its stretch is missing.
func (d Damage) cause() cause.Cause {
	if d.Stalled {
		return cause.DecoderStalled()
	}
	return cause.PicturesDamaged()
}

// DamagedError reports that footage of the plan is not what its table promised.
type DamagedError struct{ Damages []Damage }

// Error implements error.
func (d *DamagedError) Error() string {
	first := d.Damages[0]
	return fmt.Sprintf("decode pictures of %s from %v to %v: the file is damaged (stretches in all: %d)",
		first.Path, first.From, first.Until, len(d.Damages))
}

// MergeDamages adds damages to a list, each once.
func MergeDamages(list, more []Damage) []Damage {
	for _, d := range more {
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

// OwnDamages returns the damages of one segment.
func OwnDamages(damages []Damage, seg *Segment) []Damage {
	var own []Damage
	for _, d := range damages {
		if d.Generation == seg.Generation && d.Path == seg.Path {
			own = append(own, d)
		}
	}
	return own
}

// damagedAt reports whether a damage covers a time of the file.
func damagedAt(damages []Damage, at time.Duration) bool {
	return slices.ContainsFunc(damages, func(d Damage) bool { return d.From <= at && at < d.Until })
}
