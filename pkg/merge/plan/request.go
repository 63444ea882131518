package plan

import (
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
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
	Sources    map[nvr.Role]string // last octets; a role that the room does not have is absent
	Sound      string              // last octet of the source whose sound is wanted; may be empty
	Segment    time.Duration       // nominal length of a segment
	Slice      time.Duration       // length of what one task renders
	Policy     Policy
	Layout     nvr.Layout // empty: side
	Width      int        // of the whole picture, in pixels
	Height     int
	Rate       int // frames a second: 25, 30 or 50
	Loudness   sound.Loudness
	SyncOff    bool           // sources stay where the names of their files say
	Withheld   []nvr.Interval // must be neither seen nor heard; in order, within the record
}

// Window is the record's time in frames.
func (r Request) Window() timeline.Window {
	return timeline.NewWindow(r.Start, r.End, r.Rate)
}

// Excludes returns why a clip contributes neither pictures nor sound to the record. It returns the zero cause
// for a clip that may.
func (r Request) Excludes(name nvr.SegmentName) cause.Cause {
	if name.Room != r.Room {
		return cause.OtherRoom()
	}
	wanted := name.Source == r.Sound
	for _, source := range r.Sources {
		wanted = wanted || source == name.Source
	}
	if !wanted {
		return cause.SourceNotWanted()
	}
	start, err := name.Start(r.Start.Location())
	if err != nil {
		return cause.NoSuchTime()
	}
	// A file may run over its nominal end by a few seconds.
	if !start.Before(r.End) || !start.Add(r.Segment+probe.Overrun).After(r.Start) {
		return cause.OtherTime()
	}
	return cause.Cause{}
}
