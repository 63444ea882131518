package sound

import (
	"cmp"
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// isWithheld reports whether nothing may be heard in a block of the record.
func (c *Chooser) isWithheld(block int64) bool {
	return slices.ContainsFunc(c.Withheld, func(w timeline.Listen) bool {
		return w.First <= block && block < w.End
	})
}

// addWithheld adds the stretches in which nothing may be heard to those in which a source is.
func (c *Chooser) addWithheld(heard []Heard) []Heard {
	if len(c.Sources) == 0 {
		return heard // there is no sound to withhold
	}
	for _, w := range c.Withheld {
		heard = append(heard, Heard{First: w.First, End: w.End, Reason: cause.Withheld()})
	}
	slices.SortFunc(heard, func(a, b Heard) int { return cmp.Compare(a.First, b.First) })
	return heard
}
