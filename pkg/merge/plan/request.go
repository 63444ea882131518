package plan

import (
	"time"

	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Policy says how the screen source is judged.
type Policy string

// The policies.
const (
	Auto     Policy = "auto"      // changes inside a half hour are found
	HalfHour Policy = "half-hour" // each half hour is judged as a whole
)

// Request is what is to be merged.
type Request struct {
	Room       string
	Title      string
	Start, End time.Time           // whole seconds, in the room's location
	Sources    map[nvr.Role]string // last octets; a role that the room has not is absent
	Sound      string              // last octet of the source whose sound is wanted; may be empty
	Segment    time.Duration       // nominal length of a segment
	Slice      time.Duration       // length of what one task renders
	Policy     Policy
	Width      int // of the whole picture, in pixels
	Height     int
	Rate       int // frames a second: 25, 30 or 50
	Loudness   sound.Loudness
}

// Window is the record's time in frames.
func (r Request) Window() timeline.Window { return timeline.NewWindow(r.Start, r.End, r.Rate) }

// Belongs tells whether a clip can show or sound any of the record, and if not, why.
func (r Request) Belongs(name nvr.SegmentName) (bool, string) {
	if name.Room != r.Room {
		return false, "another room"
	}
	wanted := name.Source == r.Sound
	for _, source := range r.Sources {
		wanted = wanted || source == name.Source
	}
	if !wanted {
		return false, "a source that was not asked for"
	}
	start, err := name.Start(r.Start.Location())
	if err != nil {
		return false, "its time does not exist: the clock was put forward over it"
	}
	// A file may run over its nominal end by a few seconds.
	if !start.Before(r.End) || !start.Add(r.Segment+probe.Overrun).After(r.Start) {
		return false, "another time"
	}
	return true, ""
}
